/** Holds docs/storage.md and docs/redis.md to the code. */
import { assert, assertEquals } from "@std/assert";
import { FRAME_BYTES, framed, MAX_PAYLOAD_BYTES } from "../../src/journal/frame.ts";
import * as names from "../../src/journal/names.ts";
import * as records from "../../src/journal/records.ts";
import { crc32 } from "node:zlib";
import * as limits from "../../src/storage/kv/limits.ts";
import { after, code, numberOf, read, table } from "./_pages.ts";

const PAGE = "docs/storage.md";

Deno.test("docs/storage.md: the limits are those of the code", () => {
  for (const [limit, value] of table(PAGE, "limits")) {
    const name = /^`(\w+)`/.exec(limit)![1];
    assertEquals(numberOf(value), (limits as Record<string, unknown>)[name], limit);
  }
});

Deno.test("docs/storage.md: the keys are those that src/storage/kv/keys.ts names", () => {
  const inSource = [...read("src/storage/kv/keys.ts").matchAll(/^ \* \| (`\[.*?\]`) /gm)];
  assertEquals(table(PAGE, "keys").map(([key]) => key), inSource.map(([, key]) => key));
});

Deno.test("docs/redis.md: the keys are those that src/storage/redis/keys.ts names", () => {
  const inSource = [
    ...read("src/storage/redis/keys.ts").matchAll(/^ \* \| (`.*?`) \| (.*?) \| (.*) \|$/gm),
  ];
  assertEquals(table("docs/redis.md", "redis keys"), inSource.map(([, ...cells]) => cells));
  assert(inSource.length > 15);
});

Deno.test("docs/storage.md: the journal's files, frame and records are those of the code", () => {
  assertEquals(table(PAGE, "journal files").map(([name]) => code(name)), [
    names.segmentName(42),
    names.IDENTITY_NAME,
    names.SNAPSHOT_NAME,
    names.LOCK_NAME,
    `*${names.UNFINISHED}`,
    names.workerName(1),
  ]);
  for (const [name] of table(PAGE, "journal files")) assert(names.isOwnName(code(name)), name);

  const payload = new TextEncoder().encode("payload");
  const bytes = framed(payload);
  const fields = table(PAGE, "frame");
  assertEquals(fields.slice(0, 3).reduce((sum, [size]) => sum + Number(size), 0), FRAME_BYTES);
  const mark = [...bytes.subarray(0, 4)].map((byte) => byte.toString(16).padStart(2, "0"));
  assertEquals(/^`(.*?)`/.exec(fields[0][1])![1], mark.join(" "));
  const view = new DataView(bytes.buffer);
  assertEquals(view.getUint32(4, true), crc32(bytes.subarray(8)));
  assertEquals(view.getUint32(8, true), payload.length);
  assertEquals(MAX_PAYLOAD_BYTES, 2 ** 30);

  const events = new Uint8Array(1000);
  const head = { first: 7, receivedMs: 1234.5, seconds: [60, 61] };
  const end = records.writeTexts(records.roomIn(events), 0, head, ["{}", "[1]"]);
  const made = [
    records.headRecord({} as records.Head),
    events.subarray(0, end),
    records.cutRecord({ incarnation: "i", flush: 1, covers: 2, previous: null }, []),
    records.confirmedRecord({} as records.Confirmation),
  ].map((record) => record.subarray(FRAME_BYTES));
  assertEquals(
    made.map((payload) => [String(payload[0]), records.readRecord(payload).kind]),
    table(PAGE, "records").map(([kind, name]) => [kind, code(name)]),
  );
  // Number, time, count, seconds, lengths, JSON, as the table says.
  const fieldsOf = new DataView(events.buffer, FRAME_BYTES + 1);
  assertEquals(fieldsOf.getFloat64(0, true), 7);
  assertEquals(fieldsOf.getFloat64(8, true), 1234.5);
  assertEquals(fieldsOf.getUint8(16), 2);
  assertEquals([fieldsOf.getFloat64(17, true), fieldsOf.getFloat64(25, true)], [60, 61]);
  assertEquals([fieldsOf.getUint32(33, true), fieldsOf.getUint32(37, true)], [2, 3]);
  assertEquals(new TextDecoder().decode(events.subarray(FRAME_BYTES + 42, end)), "{}\n[1]");
  assert(after(PAGE, "records").includes(`at most ${records.MAX_EVENTS}, 1;`));
});
