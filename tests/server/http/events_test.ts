import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { Traqq } from "../../../mod.ts";
import { MemoryStorage } from "../../../src/storage/memory.ts";
import { FaultyStorage } from "../../_faulty_storage.ts";
import { until } from "../_peer.ts";
import { Asking, gzip } from "./_asking.ts";

const NDJSON = { "Content-Type": "application/x-ndjson" };
const TEXT = { "Content-Type": "text/plain;charset=UTF-8" };

Deno.test("POST /record takes one object, an array, and lines", async () => {
  await using it = await Asking.open();
  const ok = async (
    body: string,
    headers: Record<string, string> | undefined,
    recorded: number,
  ) => {
    const reply = await it.record(body, headers);
    assertEquals([reply.status, reply.body], [200, { recorded, rejected: [] }], body);
  };
  await ok('{"event":"a"}', undefined, 1);
  await ok('{\n  "event": "a"\n}\n', undefined, 1);
  await ok(
    '[{"event":"a"},{"event":"b"}]',
    { "Content-Type": "Application/JSON; charset=utf-8" },
    2,
  );
  await ok('{"event":"a"}\n{"event":"b"}\n', NDJSON, 2);
  await ok('{"event":"a"}\r\n\r\n{"event":"b"}', { "Content-Type": "application/jsonl" }, 2);
  await ok('\ufeff{"event":"a"}\n{"event":"日本"}', NDJSON, 2);
  assertEquals(await it.counts(), { a: 6, b: 3, "日本": 1 });
});

Deno.test("POST /record takes beacons: text that is an object, an array or lines", async () => {
  await using it = await Asking.open();
  for (
    const body of [
      '{"event":"a"}',
      ' [{"event":"a"}] ',
      '{"event":"a"}\n{"event":"a"}',
      '{\n"event":"a"}',
      '\ufeff{"event":"a"}\nnonsense',
    ]
  ) assertEquals((await it.record(body, TEXT)).status, 200, body);
  // A blob without a type comes without a Content-Type.
  assertEquals((await it.record(new Blob(['{"event":"a"}']), {})).status, 200);
  assertEquals(await it.counts(), { a: 7 });
});

Deno.test("POST /record names what it refuses by its place, and records the rest", async () => {
  await using it = await Asking.open();
  const array = await it.record('[{"event":"a"},{"geo":"US"},7,{"event":"b"},null]');
  assertEquals([array.status, array.body.recorded], [200, 2]);
  assertEquals(array.body.rejected.map(({ index }: { index: number }) => index), [1, 2, 4]);
  assertStringIncludes(array.body.rejected[0].error, "Cannot record an event");

  // By line, so that it can be found in the file: blank ones count too.
  const bytes = new Uint8Array([
    ...new TextEncoder().encode('nonsense\n\n{"event":"a"}\n{"geo":"US"}\n"'),
    ...[0xff, 0x22, 0x0a],
    ...new TextEncoder().encode('{"event":"c"}\n{"event":'),
  ]);
  const lines = await it.record(bytes, NDJSON);
  assertEquals([lines.status, lines.body.recorded], [200, 2]);
  const rejected = lines.body.rejected as { index: number; error: string }[];
  assertEquals(rejected.map(({ index }) => index), [0, 3, 4, 6]);
  assertMatch(rejected[0].error, /^Cannot read the line: .*JSON/);
  assertMatch(rejected[2].error, /not UTF-8/);
  assertEquals(await it.counts(), { a: 2, b: 1, c: 1 });
  // What the engine has not seen is counted here.
  assertEquals(it.answer.stats().unreadableLines, 3);
  assertEquals(it.traqq.stats().rejected, 4);
});

Deno.test("POST /record answers 400 if nothing was recorded", async () => {
  await using it = await Asking.open();
  const report = async (
    body: string,
    headers: Record<string, string> | undefined,
    index: number,
  ) => {
    const reply = await it.record(body, headers);
    assertEquals([reply.status, reply.body.recorded, reply.body.rejected[0].index], [
      400,
      0,
      index,
    ]);
  };
  await report('{"geo":"US"}', undefined, 0);
  await report("[1]", undefined, 0);
  await report("\nx\n", NDJSON, 1);
  const error = async (
    body: BodyInit,
    headers: Record<string, string> | undefined,
    message: RegExp,
  ) => {
    const reply = await it.record(body, headers);
    assertEquals([reply.status, reply.body.success], [400, false], `${body}`);
    assertMatch(reply.body.error, message);
  };
  await error("", undefined, /has no event/);
  await error("[]", undefined, /has no event/);
  await error("\n \n", NDJSON, /has no event/);
  await error("", NDJSON, /has no event/);
  await error('{"event":', undefined, /it is not JSON/);
  await error('{"event":"a"}\n{"event":"b"}', undefined, /application\/x-ndjson/);
  await error('[{"event":"a"},', TEXT, /it is not JSON/);
  await error("7", undefined, /wanted an event such as .* received 7/);
  await error(new Uint8Array([0x22, 0xff, 0x22]), undefined, /not UTF-8/);
  assertEquals(await it.counts(), {});
});

Deno.test("POST /record refuses other content types with 415", async () => {
  await using it = await Asking.open();
  for (
    const type of [
      "application/x-www-form-urlencoded",
      "text/html",
      "application/json; charset=iso-8859-1",
      "__proto__",
      "multipart/form-data",
    ]
  ) {
    const reply = await it.record('{"event":"a"}', { "Content-Type": type });
    assertEquals([reply.status, reply.body.success], [415, false], type);
  }
  assertEquals(await it.counts(), {});
});

Deno.test("POST /record takes at most 65,536 events, and then none of them", async () => {
  await using it = await Asking.open();
  const many = (count: number) => `[${Array(count).fill('{"event":"a"}').join(",")}]`;
  assertEquals((await it.record(many(65_537))).status, 413);
  assertEquals((await it.record('{"event":"a"}\n'.repeat(65_537), NDJSON)).status, 413);
  assertEquals(await it.counts(), {});
  assertEquals((await it.record('{"event":"a"}\n'.repeat(65_536), NDJSON)).body.recorded, 65_536);
  assertEquals(await it.counts(), { a: 65_536 });
});

Deno.test("POST /record reads at as seconds, with precision=ms as milliseconds, and as RFC 3339", async () => {
  await using it = await Asking.open();
  const ok = async (query: string) => {
    assertEquals((await it.record('{"event":"a"}', undefined, query)).status, 200, query);
  };
  await ok("?at=1767225600");
  await ok("?at=1767225600123&precision=ms");
  await ok("?at=2026-01-01T01:00:00%2B01:00");
  // A plus that nobody encoded.
  await ok("?at=2026-01-01T01:00:00+01:00");
  assertEquals(await it.counts(), { a: 4 });
  const bad = async (query: string, message: RegExp) => {
    const reply = await it.record('{"event":"a"}', undefined, query);
    assertEquals(reply.status, 400, query);
    assertMatch(reply.body.error, message);
  };
  await bad("?at=1767225600123", /milliseconds give precision=ms/);
  await bad("?at=2026-01-01", /not a day/);
  await bad("?at=yesterday", /Cannot read at/);
  await bad("?at=1&at=2", /several times/);
  await bad("?precision=ns", /wanted s or ms/);
  await bad("?token=secret", /there are only at, precision/);
  assertEquals(await it.counts(), { a: 4 });
});

Deno.test("POST /record keeps lines in the journal as they came", async () => {
  const directory = await Deno.makeTempDir({ prefix: "traqq-test-" });
  try {
    const options = { storage: new MemoryStorage(), journal: { directory } };
    {
      await using it = await Asking.open({}, { ...options, flush: { intervalMs: 1_000_000 } });
      const zipped = gzip('{"event":"a",  "kept":[1]}\nnonsense\n{"event":"b"}');
      const headers = { ...NDJSON, "Content-Encoding": "gzip" };
      assertEquals((await it.record(zipped, headers)).body.recorded, 2);
      assertEquals((await it.record('{"event":"c","also":{}}')).body.recorded, 1);
      assertEquals((await it.record('{\n"event":"d","left out":{}}')).body.recorded, 1);
    }
    const text = new TextDecoder().decode(
      Deno.readFileSync(
        `${directory}/${
          [...Deno.readDirSync(directory)].find(({ name }) => /^\d/.test(name))!.name
        }`,
      ),
    );
    for (
      const kept of [
        '{"event":"a",  "kept":[1]}',
        '{"event":"b"}',
        '{"event":"c","also":{}}',
        // Not a line, so written anew.
        '{"event":"d"}',
      ]
    ) assertStringIncludes(text, kept);
    assertEquals(text.includes("nonsense"), false);
    await using traqq = await Traqq.open({ ...options, storage: new MemoryStorage() });
    const result = await traqq.query({ from: 1767225600, to: 1767225600 });
    assertEquals({ ...result.merged("add/event").counts }, { a: 1, b: 1, c: 1, d: 1 });
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});

Deno.test("POST /record says which events were counted where its traqq was closed meanwhile", async () => {
  const bodies: [type: string, body: string, indices: number[]][] = [
    ["application/json", `[${Array(200).fill('{"event":"a","geo":"b"}').join()}]`, range(0, 200)],
    // The first line is none.
    [
      "application/x-ndjson",
      `no\n${Array(200).fill('{"event":"a","geo":"b"}').join("\n\n")}`,
      range(1, 400, 2),
    ],
  ];
  for (const [type, body, indices] of bodies) {
    const storage = new FaultyStorage();
    const gate = Promise.withResolvers<void>();
    storage.gate = gate.promise;
    await using it = await Asking.open({}, { storage, flush: { maxCells: 1 } });
    const replying = it.record(body, { "Content-Type": type });
    await until(() => it.traqq.stats().slowed > 0);
    const closing = it.traqq.close();
    gate.resolve();
    const reply = await replying;
    await closing;
    const { recorded } = it.traqq.stats();
    assert(recorded > 0 && recorded < 200, `${recorded}`);
    assertEquals([reply.status, reply.body.recorded], [200, recorded]);
    const late = reply.body.rejected.filter(({ error }: { error: string }) =>
      /the server is stopping/.test(error)
    );
    assertEquals(late.map(({ index }: { index: number }) => index), indices.slice(recorded));
  }
});

function range(from: number, to: number, step = 1): number[] {
  return Array.from({ length: Math.ceil((to - from) / step) }, (_, i) => from + i * step);
}
