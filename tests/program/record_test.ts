import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { ask, Folder, run, Server, spawn, within } from "./_program.ts";

const EVENTS = `{"event":"a"}
nope

{"event":"b"}
[1]
{"event":""}
{"event":"a","at":1762000000000}
{"event":"a"}`;

/** The counts of add/event, as they are in storage. */
async function counts(server: Server): Promise<Record<string, number>> {
  const { out } = await ask(server, [
    "query",
    "--days",
    "2",
    "--find",
    "add/event",
    "--merge",
    "--format",
    "json",
  ]);
  return JSON.parse(out)[0]?.counts ?? {};
}

Deno.test("traqq record --event records events of the command line", async () => {
  await using folder = new Folder();
  await using server = await Server.start(folder.path, "--storage", "memory");
  const ok = await ask(server, [
    "record",
    "--event",
    '{"event":"a"}',
    "--event",
    '{"event":\n"b"}',
  ]);
  assertEquals(ok, { code: 0, out: "2 recorded, 0 rejected\n", err: "" });
  const bad = await ask(server, ["record", "--event", '{"event":"a"}', "--event", '{"event":7}']);
  assertEquals([bad.code, bad.out], [1, "1 recorded, 1 rejected\n"]);
  assertStringIncludes(bad.err, "--event 2: Cannot record an event");
  assertEquals(await counts(server), { a: 2, b: 1 });
});

Deno.test("traqq record rejects bad lines with number and reason, records the rest and exits with 1", async () => {
  await using folder = new Folder();
  await using server = await Server.start(
    folder.path,
    "--storage",
    "memory",
    "--time-property",
    "at",
  );
  folder.write("events.ndjson", EVENTS);
  const { code, out, err } = await ask(
    server,
    ["record", "events.ndjson", "--rejected", "bad.ndjson"],
    { cwd: folder.path, allow: ["--allow-read=events.ndjson", "--allow-write=bad.ndjson"] },
  );
  assertEquals(code, 1);
  assertMatch(out, /^3 recorded, 4 rejected in \d+\.\d s\n$/);
  assertStringIncludes(err, "line 2: Cannot read the line as JSON");
  const rejected = Deno.readTextFileSync(folder.file("bad.ndjson")).trimEnd().split("\n")
    .map((line) => JSON.parse(line));
  assertEquals(rejected.map(({ file, line, text }) => [file, line, text]), [
    ["events.ndjson", 2, "nope"],
    ["events.ndjson", 5, "[1]"],
    ["events.ndjson", 6, '{"event":""}'],
    ["events.ndjson", 7, '{"event":"a","at":1762000000000}'],
  ]);
  assertStringIncludes(rejected[3].reason, "milliseconds");
  assertEquals(await counts(server), { a: 2, b: 1 });
});

Deno.test("traqq record reads gzip, several members of it too, by its bytes and not by its name", async () => {
  await using folder = new Folder();
  await using server = await Server.start(folder.path, "--storage", "memory");
  const two = new Uint8Array([...await gzip('{"event":"a"}\n'), ...await gzip('{"event":"b"}\n')]);
  folder.write("events.log", two);
  const file = await ask(server, ["record", "events.log"], {
    cwd: folder.path,
    allow: ["--allow-read"],
  });
  assertEquals(file.code, 0, file.err);
  const pipe = await ask(server, ["record"], { stdin: two });
  assertEquals(pipe.code, 0, pipe.err);
  assertEquals(await counts(server), { a: 2, b: 2 });

  folder.write("cut.gz", (await gzip('{"event":"a"}\n'.repeat(1000))).slice(0, -12));
  const cut = await ask(server, ["record", "cut.gz"], {
    cwd: folder.path,
    allow: ["--allow-read"],
  });
  assertEquals(cut.code, 1);
  assertStringIncludes(cut.err, "Cannot read cut.gz after line");
  assertStringIncludes(cut.err, "cut off");
});

Deno.test("traqq record refuses what cannot be read or would destroy its input", async () => {
  await using folder = new Folder();
  await using server = await Server.start(folder.path, "--storage", "memory");
  folder.write("events.ndjson", '{"event":"a"}\n');
  Deno.symlinkSync(folder.file("events.ndjson"), folder.file("link"));
  const bad = async (args: string[], code: number, message: string) => {
    const ended = await ask(server, ["record", ...args], {
      cwd: folder.path,
      allow: ["--allow-read", "--allow-write"],
    });
    assertEquals(ended.code, code, ended.err);
    assertStringIncludes(ended.err, message);
  };
  await bad(["none.ndjson"], 1, "Cannot read none.ndjson: there is no such file");
  await bad([folder.path], 1, "it is a folder");
  await bad(["events.ndjson", "--rejected", "./events.ndjson"], 2, "which is read");
  await bad(["events.ndjson", "--rejected", "link"], 2, "which is read");
  await bad(["events.ndjson", "--rejected", "no/such"], 1, "Cannot write no/such");
  assertEquals(Deno.readTextFileSync(folder.file("events.ndjson")), '{"event":"a"}\n');
  assertEquals(await counts(server), {});
});

Deno.test("traqq record survives what JSON can do to it", async () => {
  await using folder = new Folder();
  await using server = await Server.start(folder.path, "--storage", "memory");
  const lines = [
    '\ufeff{"event":"bom"}',
    '{"event":"crlf"}\r',
    '{"event":"__proto__","constructor":"x","__proto__":{"event":"y"}}',
    `{"event":"deep","x":${"[".repeat(5000)}${"]".repeat(5000)}}`,
    `{"event":"${"x".repeat(2 << 20)}"}`,
    '{"event":"lone \\ud800"}',
    '{"event":"nul\\u0000"}',
  ];
  const { code, out, err } = await ask(server, ["record"], { stdin: lines.join("\n") });
  assertEquals(code, 1, err);
  assertStringIncludes(out, "6 recorded, 1 rejected");
  assertStringIncludes(err, "line 5: Cannot read the line: it is longer than");
  const found = await counts(server);
  assertEquals(found.bom, 1);
  assertEquals(found.crlf, 1);
  assertEquals(Object.hasOwn(found, "__proto__"), true);
});

Deno.test("traqq record --at gives the time of events", async () => {
  await using folder = new Folder();
  await using server = await Server.start(folder.path, "--storage", "memory");
  const event = ["record", "--event", '{"event":"a"}', "--at", "2020-02-29T12:00:00Z"];
  assertEquals((await ask(server, event)).code, 0);
  const { out } = await ask(server, [
    "query",
    "--from",
    "2020-02-29",
    "--to",
    "2020-02-29",
    "--format",
    "csv",
    "--find",
    "add/event",
  ]);
  assertEquals(out, "date,event,value\n2020-02-29,a,1\n");
});

Deno.test("traqq record --storage opens the storage itself", async () => {
  await using folder = new Folder();
  const kv = ["--unstable-kv", "--allow-read=traqq.db", "--allow-write=traqq.db"];
  const recorded = await run({
    cwd: folder.path,
    allow: kv,
    args: [
      "record",
      "--storage",
      "kv",
      "--add",
      "geo",
      "--time-property",
      "at",
      "--timezone",
      "Asia/Kathmandu",
    ],
    stdin: '{"event":"a","geo":"NP","at":"2026-11-01T18:15:00Z"}\n',
  });
  assertEquals(recorded.code, 0, recorded.err);
  const { out, err } = await run({
    cwd: folder.path,
    allow: kv,
    args: [
      "query",
      "--storage",
      "kv",
      "--from",
      "2026-11-02",
      "--to",
      "2026-11-02",
      "--format",
      "ndjson",
    ],
  });
  assertEquals(
    out,
    '{"date":"2026-11-02","start":1793556900,"type":"add","key":["geo"],"field":["NP"],"value":1}\n',
    err,
  );
  const other = await run({
    cwd: folder.path,
    allow: kv,
    args: ["record", "--storage", "kv", "--timezone", "UTC", "--event", '{"event":"a"}'],
  });
  assertEquals(other.code, 2);
  assertStringIncludes(other.err, "Asia/Kathmandu");
});

Deno.test("traqq record says what is certain when the server goes away, and when there is none", async () => {
  await using folder = new Folder();
  const server = await Server.start(folder.path, "--storage", "memory");
  const slow = spawn({
    allow: [`--allow-net=${server.address}`],
    args: ["record", "--addr", server.address],
    stdin: '{"event":"a"}\n'.repeat(2_000_000),
  });
  await within(
    (async () => {
      for (;;) {
        const { out } = await ask(server, ["stats", "--format", "json"]);
        if (JSON.parse(out).recorded > 0) return;
      }
    })(),
    "the first events",
  );
  await server.stop("SIGKILL");
  const status = await within(slow.process.status, "the end", () => slow.process.kill("SIGKILL"));
  assertEquals(status.code, 1);
  const err = await slow.err.ended;
  assertMatch(
    err,
    /Lines up to \d+ from standard input are done; of lines \d+ to \d+, \d+ are recorded/,
  );
  assertMatch(await slow.out.ended, /^\d+ recorded, 0 rejected/);

  const none = await ask(server, ["record", "--event", '{"event":"a"}']);
  assertEquals(none.code, 1);
  assertStringIncludes(none.err, "traqq serve");
});

Deno.test("traqq record stops on Ctrl-C with a summary and 130", async () => {
  await using folder = new Folder();
  await using server = await Server.start(folder.path, "--storage", "memory");
  const process = new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "--no-prompt",
      `--allow-net=${server.address}`,
      new URL("../../cli.ts", import.meta.url).pathname,
      "record",
      "--addr",
      server.address,
    ],
    stdin: "piped",
    stdout: "piped",
    stderr: "null",
  }).spawn();
  const writer = process.stdin.getWriter();
  await writer.write(new TextEncoder().encode('{"event":"a"}\n{"event":"a"}\n'));
  // They are recorded although the input has not ended.
  await within(
    (async () => {
      while ((await counts(server)).a !== 2);
    })(),
    "two events",
  );
  process.kill("SIGINT");
  const out = await within(
    new Response(process.stdout).text(),
    "the summary",
    () => process.kill("SIGKILL"),
  );
  assertEquals((await process.status).code, 130);
  assertMatch(out, /^2 recorded, 0 rejected/);
  await writer.abort().catch(() => {});
});

Deno.test("traqq record stops on Ctrl-C in the middle of a file that is all there", async () => {
  await using folder = new Folder();
  await using server = await Server.start(folder.path, "--storage", "memory");
  folder.write("big.ndjson", '{"event":"a"}\n'.repeat(5_000_000));
  const recorder = spawn({
    cwd: folder.path,
    allow: [`--allow-net=${server.address}`, "--allow-read=big.ndjson"],
    args: ["record", "--addr", server.address, "big.ndjson"],
  });
  await within(
    (async () => {
      while (!((await counts(server)).a > 0));
    })(),
    "the first events",
  );
  recorder.process.kill("SIGINT");
  const { code } = await within(recorder.process.status, "the end", () => {
    recorder.process.kill("SIGKILL");
  });
  const [, recorded] = /^(\d+) recorded, 0 rejected/.exec(await recorder.out.ended)!;
  assertEquals([code, await recorder.err.ended], [130, ""]);
  assertEquals(Number(recorded) < 5_000_000, true, recorded);
  assertEquals((await counts(server)).a, Number(recorded));
});

async function gzip(text: string): Promise<Uint8Array> {
  const stream = new Blob([text]).stream().pipeThrough(new CompressionStream("gzip"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}
