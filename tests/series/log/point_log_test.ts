import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { ConfigError } from "../../../src/base/errors.ts";
import { Directory } from "../../../src/journal/directory.ts";
import { PointLog, type PointLogOptions } from "../../../src/series/log/point_log.ts";
import { until } from "../_engine.ts";
import { framed } from "../../../src/journal/frame.ts";

/** A folder with logs in it, one after the other. */
class Logs implements AsyncDisposable {
  readonly directory: Directory;
  readonly errors: string[] = [];

  private constructor(path: string) {
    this.directory = new Directory(path, "log");
  }

  static async make(): Promise<Logs> {
    return new Logs(await Deno.makeTempDir({ prefix: "traqq-point-log-" }));
  }

  open(options: Partial<PointLogOptions> = {}): Promise<PointLog> {
    return PointLog.open({
      ...{ directory: this.directory, durability: "every_write", syncIntervalMs: 100 },
      ...{ retainMs: 0, database: "this", position: 0 },
      onError: (error) => this.errors.push(error.message),
      ...options,
    });
  }

  /** Writes records in a log of its own, and closes it. */
  async write(...texts: string[]): Promise<void> {
    const log = await this.open();
    for (const text of texts) put(log, text);
    await log.accepted;
    await log.close(1000);
  }

  /** What a log gives behind a number: number, mode, time and text of each record. */
  async read(position = 0): Promise<string[]> {
    const log = await this.open({ position });
    const found = await recordsOf(log, position);
    await log.close(1000);
    return found;
  }

  /** The files of segments. */
  async segments(): Promise<string[]> {
    return (await this.directory.names()).filter((name) => name.endsWith(".segment"));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.directory.path, { recursive: true });
  }
}

function put(log: PointLog, text: string): void {
  const parts = [...text].map((letter) => new TextEncoder().encode(letter));
  log.append({ count: text.length, mode: "ms", receivedNs: -5n }, parts);
}

async function recordsOf(log: PointLog, position: number): Promise<string[]> {
  const found: string[] = [];
  for await (const { first, count, mode, receivedNs, lines } of log.after(position)) {
    const text = new TextDecoder().decode(lines);
    found.push(`${first}+${count} ${mode} ${receivedNs} ${text}`);
  }
  return found;
}

Deno.test("a log gives what was appended behind a position, in order, while it is open and afterwards", async () => {
  await using logs = await Logs.make();
  const log = await logs.open();
  put(log, "abc");
  put(log, "d");
  assertEquals(await recordsOf(log, 0), ["1+3 ms -5 abc", "4+1 ms -5 d"]);
  put(log, "ef");
  await log.accepted;
  assertEquals(await recordsOf(log, 4), ["5+2 ms -5 ef"]);
  await log.close(1000);
  assertEquals(await logs.read(3), ["4+1 ms -5 d", "5+2 ms -5 ef"]);
  assertEquals(logs.errors, []);
});

Deno.test("a database that is ahead of its log goes on with numbers of its own", async () => {
  await using logs = await Logs.make();
  await logs.write("abc");
  const log = await logs.open({ position: 10 });
  assertEquals(log.last, 10);
  put(log, "x");
  assertEquals(await recordsOf(log, 10), ["11+1 ms -5 x"]);
  await log.close(1000);
});

Deno.test("a segment goes once the database has all of it, and one that it needs stays", async () => {
  await using logs = await Logs.make();
  const log = await logs.open({ maxSegmentBytes: 200 });
  for (const letter of "abcdefgh") {
    put(log, letter.repeat(50));
    await log.accepted;
  }
  const all = await logs.segments();
  log.release(150);
  await until(async () => (await logs.segments()).length < all.length);
  assertEquals((await recordsOf(log, 150)).map((text) => text[0]), ["1", "2", "2", "3", "3"]);
  await log.close(1000);
});

Deno.test("a torn end is told, what stands before it is used, and what comes goes on behind it", async () => {
  await using logs = await Logs.make();
  await logs.write("abc", "def");
  const path = logs.directory.pathOf((await logs.segments())[0]);
  await Deno.truncate(path, (await Deno.stat(path)).size - 2);
  await logs.write("xyz");
  assertEquals(await logs.read(), ["1+3 ms -5 abc", "4+3 ms -5 xyz"]);
  assertStringIncludes(logs.errors[0], "a record whose rest was not written");
});

Deno.test("a flipped bit costs its record alone; it is told how many points are missing, and the file is kept", async () => {
  await using logs = await Logs.make();
  await logs.write("abc", "defg", "hi");
  const path = logs.directory.pathOf((await logs.segments())[0]);
  const bytes = await Deno.readFile(path);
  bytes[new TextDecoder("latin1").decode(bytes).indexOf("defg")] ^= 1;
  await Deno.writeFile(path, bytes);
  assertEquals(await logs.read(), ["1+3 ms -5 abc", "8+2 ms -5 hi"]);
  assertStringIncludes(logs.errors[0], "is damaged at byte");
  assertStringIncludes(logs.errors[1], "lacks 4 points behind number 3");
  const log = await logs.open({ position: 9 });
  await log.close(1000);
  assertEquals(await Deno.stat(path).then(() => true), true);
});

Deno.test("files that are empty or hold something else are told and left alone", async () => {
  await using logs = await Logs.make();
  await logs.write("abc");
  await Deno.writeFile(logs.directory.pathOf("0000000002.segment"), new Uint8Array(0));
  await Deno.writeTextFile(logs.directory.pathOf("0000000003.segment"), "junk that is no record");
  await Deno.writeFile(logs.directory.pathOf("0000000004.segment"), framed(new Uint8Array([9, 9])));
  assertEquals(await logs.read(), ["1+3 ms -5 abc"]);
  assertStringIncludes(logs.errors.join("\n"), "0000000003.segment is damaged");
  assertStringIncludes(logs.errors.join("\n"), "no record that this traqq knows");
});

Deno.test("the log of another database, or of a newer traqq, is refused", async () => {
  await using logs = await Logs.make();
  await logs.write("abc");
  await assertRejects(() => logs.open({ database: "that" }), ConfigError, "another database");
  const head = new TextEncoder().encode('\x01{"version":2,"database":"this","segment":9}');
  await Deno.writeFile(logs.directory.pathOf("0000000009.segment"), framed(head));
  await assertRejects(() => logs.open(), ConfigError, "use a newer traqq");
});
