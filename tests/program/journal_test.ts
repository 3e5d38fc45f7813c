import { assertEquals, assertGreater, assertMatch, assertStringIncludes } from "@std/assert";
import { DatabaseSync } from "node:sqlite";
import { Client } from "../../src/client/client.ts";
import { eventsCapacity } from "../../src/journal/records.ts";
import { CLI, Folder, messages, run, Server, spawn, within } from "./_program.ts";

/** No flush but at the end: what is recorded stays in the journal alone. */
const LAZY = JSON.stringify({ flush: { intervalMs: 1_000_000 } });
const NOON = Date.UTC(2026, 0, 1, 12) / 1000;
const MAPPING = [
  ...["--add", "event~geo"],
  ...["--bitmap", "user"],
  ...["--add-value", "event/amount"],
  ...["--top", "geo"],
];

function eventOf(i: number): Record<string, unknown> {
  return { event: "buy", geo: ["US", "DE", "FR"][i % 3], user: `u${i % 40}`, amount: i / 10 };
}

function events(count: number, first = 0): Record<string, unknown>[] {
  return Array.from({ length: count }, (_, i) => eventOf(first + i));
}

/** Records through a client that has all of it acknowledged when this resolves. */
async function record(server: Server, list: readonly unknown[], at?: number): Promise<void> {
  await using client = await Client.connect(server.address);
  const report = await client.recordMany(list, at === undefined ? {} : { at });
  assertEquals(report.rejected, []);
}

/** What the four types say of a day, by a server or of a file. */
async function totals(address: string): Promise<unknown> {
  await using client = await Client.connect(address);
  const { buckets } = await client.query({ from: NOON, to: NOON });
  return buckets.map(({ results }) => results.map(({ location: _, ...result }) => result));
}

/** `traqq journal dump` with only the permission it needs. */
function dump(folder: Folder, ...flags: string[]) {
  return run({
    cwd: folder.path,
    allow: ["--allow-read=data"],
    args: ["journal", "dump", "--data-dir", "data", ...flags],
  });
}

function lines(text: string): Record<string, unknown>[] {
  return text.split("\n").slice(0, -1).map((line) => JSON.parse(line));
}

/** Another program that has the KV file for itself, so that nothing can be committed. */
function lockKv(folder: Folder): Disposable {
  const database = new DatabaseSync(folder.file("data/traqq.db"));
  database.exec("BEGIN EXCLUSIVE");
  return { [Symbol.dispose]: () => database.close() };
}

/** The numbers in the lines of a stream, without keeping the lines. */
class Numbers {
  readonly seen: number[] = [];
  /** The line that has no end yet. */
  rest = "";
  readonly ended: Promise<void>;
  #more = Promise.withResolvers<void>();

  constructor(stream: ReadableStream<Uint8Array>) {
    this.ended = this.#read(stream);
  }

  async until(count: number): Promise<void> {
    while (this.seen.length < count) await within(this.#more.promise, `event ${count}`);
  }

  async #read(stream: ReadableStream<Uint8Array>): Promise<void> {
    for await (const text of stream.pipeThrough(new TextDecoderStream())) {
      const lines = (this.rest + text).split("\n");
      this.rest = lines.pop()!;
      for (const line of lines) this.seen.push(JSON.parse(line).i);
      this.#more.resolve();
      this.#more = Promise.withResolvers<void>();
    }
  }
}

Deno.test("traqq serve counts after kill -9 all that it acknowledged, in every mode but none", async () => {
  for (const mode of ["every_write", "periodic", "os_default"]) {
    await using folder = new Folder();
    folder.write("lazy.json", LAZY);
    const flags = ["--data-dir", "data", "--durability", mode, "--config", "lazy.json", ...MAPPING];
    const first = await Server.start(folder.path, ...flags);
    assertStringIncludes(
      first.running.out.text,
      `storage: Deno KV data/traqq.db, journal data/journal (${mode}), prefix traqq, UTC\n`,
    );
    await record(first, events(1500), NOON);
    await first.stop("SIGKILL");

    await using second = await Server.start(folder.path, ...flags);
    const all = await totals(second.address);
    const { err } = await second.stop();
    assertEquals(messages(err)[0], "Recovered 1,500 events from the journal in data/journal");
    // Another time there is nothing to recover.
    await using third = await Server.start(folder.path, ...flags);
    assertEquals(await totals(third.address), all);
    assertEquals((await third.stop()).err.includes("Recovered"), false);
    await using fresh = new Folder();
    await using other = await Server.start(fresh.path, "--storage", "memory", ...MAPPING);
    await record(other, events(1500), NOON);
    assertEquals(all, await totals(other.address));
  }
});

Deno.test("traqq serve --storage memory --data-dir is back after kill -9, and says that it will be", async () => {
  await using folder = new Folder();
  const flags = ["--data-dir", "data", "--storage", "memory", ...MAPPING];
  const first = await Server.start(folder.path, ...flags);
  assertStringIncludes(
    first.running.out.text,
    "storage: memory (back at the next start, from the journal), journal data/journal (periodic)",
  );
  await record(first, events(300), NOON);
  const all = await totals(first.address); // a flush
  await record(first, events(10), NOON + 86_400);
  await first.stop("SIGKILL");
  await using second = await Server.start(folder.path, ...flags);
  assertEquals(await totals(second.address), all);
  assertEquals([...Deno.readDirSync(folder.file("data"))].map(({ name }) => name), ["journal"]);
});

Deno.test("traqq serve --data-dir runs with exactly the permissions that --help names", async () => {
  await using folder = new Folder();
  const help = await run({ args: ["serve", "--help"] });
  const flags = /--data-dir:\n((?: {4}.*\n)+)/.exec(help.out)![1].trim().split(/\s+/);
  const allow = flags.map((flag) =>
    flag.replace("127.0.0.1:9876", "127.0.0.1").replace("=DIR", "=data")
  );
  assertEquals(allow.length, 4);
  const running = spawn({
    cwd: folder.path,
    allow,
    args: ["serve", "--addr", "127.0.0.1:0", "--data-dir", "data"],
  });
  await running.out.line(/listens/);
  assertEquals((await dump(folder)).code, 0);
  running.process.kill("SIGTERM");
  assertEquals((await within(running.process.status, "the end")).code, 0);
  assertEquals((await running.err.ended).split("\n").length, 2);
});

Deno.test("traqq serve --data-dir keeps refused values in that folder", async () => {
  await using folder = new Folder();
  await Deno.mkdir(folder.file("data"));
  const day = NOON - 43_200;
  {
    using kv = await Deno.openKv(folder.file("data/traqq.db"));
    await kv.set(["traqq", "bmp", "d", "user", day], "a value of another kind");
  }
  await using server = await Server.start(folder.path, "--data-dir", "data", ...MAPPING);
  await record(server, events(3), NOON);
  const { code, err } = await server.stop();
  assertEquals(code, 0, err);
  assertMatch(messages(err).at(-1)!, /; kept in data\/refused\.ndjson$/);
  const [{ cell }] = lines(Deno.readTextFileSync(folder.file("data/refused.ndjson")));
  assertEquals((cell as { type: string }).type, "bmp");
});

Deno.test("traqq serve refuses a data directory that is a file, or that another one has open", async () => {
  await using folder = new Folder();
  await using _first = await Server.start(folder.path, "--data-dir", "data");
  const start = (path: string) =>
    run({
      cwd: folder.path,
      allow: ["--unstable-kv", "--allow-net", "--allow-read", "--allow-write"],
      args: ["serve", "--addr", "127.0.0.1:0", "--data-dir", path],
    });
  folder.write("file", "");
  const file = await start("file");
  assertEquals(
    [file.code, file.err],
    [1, "traqq: Cannot make the folder file: there is a file of that name\n"],
  );
  const second = await start("data");
  assertEquals([second.code, second.out], [1, ""]);
  assertMatch(
    second.err,
    /^traqq: Cannot open the journal in data\/journal: process \d+ has it open; .*\n$/,
  );
});

Deno.test("traqq serve that cannot bring its last events to storage says that the journal has them", async () => {
  await using folder = new Folder();
  const flags = ["--data-dir", "data", "--stop-timeout", "1s", ...MAPPING];
  const server = await Server.start(folder.path, ...flags);
  const locked = lockKv(folder);
  try {
    await record(server, events(30), NOON);
    const { code, err } = await server.stop();
    assertEquals(code, 1, err);
    assertMatch(
      messages(err).at(-1)!,
      /^Not in storage yet: 30 events \(storage took too long; raise --stop-timeout\)\. Nothing is lost: the journal in data\/journal has them, and the next start brings them to storage$/,
    );
  } finally {
    locked[Symbol.dispose]();
  }
  await using next = await Server.start(folder.path, ...flags);
  assertStringIncludes(JSON.stringify(await totals(next.address)), '"buy~US":10');
  // They may stand in a cut already.
  assertMatch((await next.stop()).err, /Recovered (30 events|\d+ commits?) from the journal/);
});

Deno.test("traqq serve says at a second signal what is true with a journal", async () => {
  const lastLine = async (...flags: string[]) => {
    await using folder = new Folder();
    const server = await Server.start(
      folder.path,
      ...["--data-dir", "data", "--stop-timeout", "10m"],
      ...flags,
    );
    using _locked = lockKv(folder);
    await record(server, events(5));
    server.running.process.kill("SIGTERM");
    await server.running.err.line(/Stopping/);
    const { code, err } = await server.stop("SIGTERM");
    assertEquals(code, 143);
    return messages(err).at(-1);
  };
  assertEquals(
    await lastLine(),
    "Stopped at once: all that was acknowledged is in storage or in the journal in data/journal, " +
      "and the next start brings it to storage",
  );
  assertEquals(
    await lastLine("--durability", "none"),
    "Stopped at once: what is in the journal in data/journal is brought to storage by the next " +
      "start; what was only in memory is lost",
  );
});

Deno.test("traqq journal dump --until piped into record is the storage as it was then", async () => {
  await using folder = new Folder();
  const flags = ["--data-dir", "data", ...MAPPING];
  await using server = await Server.start(folder.path, ...flags);
  // Times of their own: in a property of the name, by --at, and far from each other.
  await record(server, events(500).map((event) => ({ ...event, "@timestamp": "noise" })), NOON);
  await record(server, events(100, 77), NOON - 40 * 86_400);
  const wanted = await totals(server.address);
  const until = new Date(Date.now() + 1).toISOString();
  await new Promise((resolve) => setTimeout(resolve, 5));
  await record(server, events(200, 300), NOON); // by mistake
  assertEquals((await dump(folder)).out.split("\n").length, 801);

  const traqq = `"${Deno.execPath()}" run --quiet --no-prompt`;
  const pipeline = [
    `${traqq} --allow-read=data "${CLI}" journal dump --data-dir data --until ${until}`,
    `${traqq} --unstable-kv --allow-read=new.db --allow-write=new.db "${CLI}" record --storage kv ` +
    `--kv-path new.db --time-property @timestamp ${MAPPING.join(" ")}`,
  ].join(" | ");
  const { code, stdout } = await new Deno.Command("sh", {
    args: ["-c", pipeline],
    cwd: folder.path,
    env: { NO_COLOR: "1" },
  }).output();
  assertEquals(code, 0);
  assertMatch(new TextDecoder().decode(stdout), /^600 recorded, 0 rejected/);

  await using restored = await Server.start(folder.path, "--kv-path", "new.db", ...MAPPING);
  const found = await totals(restored.address);
  assertEquals(found, wanted);
  assertStringIncludes(JSON.stringify(found), '"count":40');
});

Deno.test("traqq journal dump gives an event as it was received, and its second as @timestamp", async () => {
  await using folder = new Folder();
  await using server = await Server.start(folder.path, "--data-dir", "data");
  const [hostname, port] = server.address.split(":");
  using conn = await Deno.connect({ hostname, port: Number(port) });
  const send = async (line: string) => {
    await conn.write(new TextEncoder().encode(`${line}\n`));
    const reply = new Uint8Array(1000);
    const count = await conn.read(reply);
    assertStringIncludes(new TextDecoder().decode(reply.subarray(0, count!)), '"success":true');
  };
  const at = 1767225600; // 2026-01-01T00:00:00Z
  await send(
    `{"cmd":"record","event":{"@timestamp":7,"event":"a","s":" x~ ","o":{"p":[1]}},"at":${at}}`,
  );
  await send(`{"cmd":"record","event":{"event":"b","big":1e999,"__proto__":1},"at":${at + 0.9}}`);
  await send(`{"cmd":"record_many","events":[{"event":"c"},{"event":""}],"at":-99999999999}`);
  const { code, out, err } = await dump(folder);
  assertEquals([code, err], [0, ""]);
  assertEquals(out.split("\n"), [
    '{"@timestamp":"2026-01-01T00:00:00Z","event":"a","s":" x~ ","o":{"p":[1]}}',
    '{"event":"b","big":1e999,"__proto__":1,"@timestamp":"2026-01-01T00:00:00Z"}',
    '{"event":"c","@timestamp":-99999999999}',
    "",
  ]);
  // By the journal's own directory, and up to before all of it.
  const own = (...flags: string[]) =>
    run({
      cwd: folder.path,
      allow: ["--allow-read=data/journal"],
      args: ["journal", "dump", "--journal", "data/journal", ...flags],
    });
  assertEquals((await own()).out, out);
  assertEquals(await own("--until", String(at)), { code: 0, out: "", err: "" });
});

Deno.test("traqq journal dump --follow prints each event once, over segments, until Ctrl-C", async () => {
  await using folder = new Folder();
  await using server = await Server.start(folder.path, "--data-dir", "data");
  // 80 of these are more than a segment.
  const fat = "x".repeat(1_000_000);
  const send = (first: number, count: number) =>
    record(
      server,
      // The last one is alone in what is read, and small.
      Array.from(
        { length: count },
        (_, i) => ({ event: "fat", i: first + i, fat: i < count - 1 ? fat : "" }),
      ),
    );
  await send(0, 10);
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    const following = new Deno.Command(Deno.execPath(), {
      args: [
        "run",
        "-q",
        "--allow-read=data",
        CLI,
        "journal",
        "dump",
        "--data-dir=data",
        "--follow",
      ],
      cwd: folder.path,
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    const numbers = new Numbers(following.stdout);
    const first = signal === "SIGINT" ? 10 : 80;
    await numbers.until(first);
    await send(first, 70);
    await numbers.until(first + 70);
    following.kill(signal);
    const status = await within(following.status, "the end");
    assertEquals(status.code, signal === "SIGINT" ? 130 : 143);
    await numbers.ended;
    assertEquals(numbers.seen, Array.from({ length: first + 70 }, (_, i) => i));
    assertEquals([numbers.rest, await new Response(following.stderr).text()], ["", ""]);
  }
  const segments = [...Deno.readDirSync(folder.file("data/journal"))].filter(({ name }) =>
    name.endsWith(".segment")
  );
  assertGreater(segments.length, 2);
});

Deno.test("traqq journal dump ends quietly when its reader does", async () => {
  await using folder = new Folder();
  await using server = await Server.start(folder.path, "--data-dir", "data");
  await record(
    server,
    Array.from({ length: 20 }, () => ({ event: "a", fat: "x".repeat(100_000) })),
  );
  for (const more of [[], ["--follow"]]) {
    const process = new Deno.Command(Deno.execPath(), {
      args: [
        "run",
        "-q",
        "--allow-read=data",
        CLI,
        "journal",
        "dump",
        "--data-dir",
        "data",
        ...more,
      ],
      cwd: folder.path,
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    const reader = process.stdout.getReader();
    await reader.read();
    await reader.cancel();
    const err = await new Response(process.stderr).text();
    assertEquals([(await within(process.status, "the end")).code, err], [0, ""]);
  }
});

Deno.test("a flipped bit in the journal is named with file and byte, and the rest is counted", async () => {
  await using folder = new Folder();
  folder.write("lazy.json", LAZY);
  const flags = ["--data-dir", "data", "--config", "lazy.json", "--add", "event"];
  const first = await Server.start(folder.path, ...flags);
  // One record each.
  for (const event of ["a", "b", "c"]) await record(first, [{ event }], NOON);
  await first.stop("SIGKILL");
  const path = folder.file("data/journal/0000000001.segment");
  const bytes = Deno.readFileSync(path);
  const at = new TextDecoder("latin1").decode(bytes).indexOf('{"event":"b"');
  bytes[at + 4] ^= 1;
  Deno.writeFileSync(path, bytes);
  const offset = at - eventsCapacity(1, 0);

  const damaged = `data/journal/0000000001.segment is damaged at byte ${offset}: `;
  const dumped = await dump(folder);
  assertEquals(dumped.code, 1);
  assertEquals(lines(dumped.out).map(({ event }) => event), ["a", "c"]);
  const [what, missing, end] = dumped.err.trimEnd().split("\n");
  assertStringIncludes(what, damaged);
  assertStringIncludes(missing, "events 2 to 2 are missing");
  assertMatch(end, /^traqq: Events of the journal in data\/journal are missing/);

  await using second = await Server.start(folder.path, ...flags);
  assertStringIncludes(JSON.stringify(await totals(second.address)), '{"a":1,"c":1}');
  const { err } = await second.stop();
  assertStringIncludes(err, damaged);
  assertStringIncludes(err, "has lost events 2 to 2");
  assertStringIncludes(err, "Recovered 2 events from the journal");
});

Deno.test("traqq commands that only ask leave the journal of the config file to its server", async () => {
  await using folder = new Folder();
  folder.write("traqq.json", JSON.stringify({ journal: { directory: "journal" } }));
  await using server = await Server.start(folder.path, "--config", "traqq.json");
  await record(server, events(3));
  await using client = await Client.connect(server.address);
  await client.queryDays(1); // a flush
  const asked = await run({
    cwd: folder.path,
    allow: ["--unstable-kv", "--allow-read=traqq.db,traqq.json", "--allow-write=traqq.db"],
    args: [
      ...["query", "--storage", "kv", "--config", "traqq.json", "--days", "2"],
      ...["--find", "add/event", "--merge", "--format", "csv"],
    ],
  });
  assertEquals([asked.code, asked.err], [0, ""]);
  assertStringIncludes(asked.out, "buy,3");
});

Deno.test("traqq journal dump says where to look when there is no journal", async () => {
  await using folder = new Folder();
  const { code, out, err } = await dump(folder);
  assertEquals([code, out], [1, ""]);
  assertStringIncludes(
    err,
    "Cannot read a journal in data/journal: there is none; is it the --data",
  );
});
