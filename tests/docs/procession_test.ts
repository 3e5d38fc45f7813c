/** Holds docs/procession.md to the code. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { Procession } from "../../procession.ts";
import { HEAD_BYTES, MAGIC, VERSION } from "../../src/procession/bytes.ts";
import { MAX_CHUNK_EVENTS, MAX_OFFSET_MS, OPEN_EVENT_BYTES } from "../../src/procession/chunks.ts";
import { MAX_CRATE_LABELS } from "../../src/procession/crate_json.ts";
import { KINDS } from "../../src/procession/series.ts";
import { MIN_BYTES } from "../../src/procession/store.ts";
import { DEFAULT_MAX_BYTES } from "../../src/procession/procession.ts";
import { START_MS, work } from "../procession/_work.ts";
import { code, numberOf, read, table } from "./_pages.ts";

const PAGE = "docs/procession.md";

Deno.test("docs/procession.md: the table of options has every option, its default and its bound", () => {
  const error = assertThrows(() => new Procession({ "?": 1 } as never)) as Error;
  const options = /only (.*), received/.exec(error.message)![1].split(", ");
  const rows = table(PAGE, "procession options");
  assertEquals(rows.map(([option]) => code(option)), options);
  assertEquals(numberOf(rows[0][2]), DEFAULT_MAX_BYTES);
  assertEquals(numberOf(/from ([\d,]+)/.exec(rows[0][1])![1]), MIN_BYTES);
});

Deno.test("docs/procession.md: the numbers in its text are those of the code", () => {
  const text = read(PAGE).replaceAll("\n", " ");
  const en = (value: number) => value.toLocaleString("en");
  for (
    const claim of [
      `at most ${en(MAX_CHUNK_EVENTS)} events and ${en(MAX_OFFSET_MS)} ms behind`,
      `typed arrays, ${OPEN_EVENT_BYTES} bytes each`,
      `more than ${en(MAX_CRATE_LABELS)} label sets`,
      `kind (${KINDS.map((kind, number) => `${number} ${kind}`).join(", ")})`,
    ]
  ) assert(text.includes(claim), claim);
});

Deno.test("docs/procession.md: the head of our bytes is that of the code", () => {
  const rows = table(PAGE, "procession bytes");
  assertEquals(rows.reduce((sum, [bytes]) => sum + Number(bytes), 0), HEAD_BYTES);
  assertEquals([...new TextEncoder().encode(code(rows[0][1]))], [...MAGIC]);
  assertEquals(rows[1][1], `version, ${VERSION}`);
});

Deno.test("docs/procession.md: the sizes are those that are measured", () => {
  const rows = table(PAGE, "procession sizes");
  const mixes = ["all", "counters", "gauges", "histograms"] as const;
  assertEquals(rows.length, mixes.length);
  mixes.forEach((mix, row) => {
    const bytes = (events: number, of: (p: Procession) => number, decimals?: number) => {
      const clock = { nowMs: START_MS };
      const p = new Procession({ maxBytes: 2 ** 30, now: () => clock.nowMs });
      work(p, clock, events, mix, decimals);
      return (of(p) / events).toFixed(2);
    };
    const measured = [
      bytes(65_536, (p) => p.memorySize()),
      bytes(1_000_000, (p) => p.toBytes().length),
      bytes(1_000_000, (p) => p.toBytes().length, 3),
    ];
    assertEquals(rows[row].slice(2), measured, mix);
  });
});
