import { assertEquals, assertRejects } from "@std/assert";
import fc from "fast-check";
import type { CellGroup } from "../../src/engine/cut.ts";
import { FieldLimiter } from "../../src/engine/fields.ts";
import type { Metric } from "../../src/storage/storage.ts";

const ADD: Metric = { type: "add", pattern: "event" };
const ADV: Metric = { type: "adv", pattern: "event", addKey: "n" };

function counts(fields: Record<string, number>, start = 0, metric = ADD): CellGroup {
  return { kind: "count", metric, unit: "d", start, fields: new Map(Object.entries(fields)) };
}

function sums(fields: Record<string, bigint>, count = 4): CellGroup {
  const map = new Map(Object.entries(fields));
  return { kind: "sum", metric: ADV, unit: "d", start: 0, fields: map, count };
}

/** A limiter on a storage that groups are committed to. */
function limiter(maxFields: number) {
  const stored = new Map<string, Set<string>>();
  const loads: string[] = [];
  const keyOf = (metric: Metric, unit: string, start: number) =>
    JSON.stringify([metric, unit, start]);
  const it = new FieldLimiter(maxFields, (metric, unit, start) => {
    const key = keyOf(metric, unit, start);
    loads.push(key);
    return Promise.resolve(new Set(stored.get(key)));
  });
  const commit = async (group: CellGroup) => {
    const moved = await it.limit(group);
    if (group.kind === "sketch") return moved;
    const key = keyOf(group.metric, group.unit, group.start);
    stored.set(key, new Set([...stored.get(key) ?? [], ...group.fields.keys()]));
    return moved;
  };
  return { it, stored, loads, commit };
}

Deno.test("FieldLimiter.limit() moves what is beyond the limit to ~other", async () => {
  const { it } = limiter(2);
  const group = counts({ a: 1, b: 2, c: 3, d: 4 });
  assertEquals(await it.limit(group), 2);
  assertEquals(group, counts({ a: 1, b: 2, "~other": 7 }));
});

Deno.test("FieldLimiter.limit() knows what storage held before", async () => {
  const { it, stored } = limiter(3);
  stored.set(JSON.stringify([ADD, "d", 0]), new Set(["x", "y", "~other"]));
  const group = counts({ a: 1, x: 1, b: 1 });
  assertEquals(await it.limit(group), 1);
  assertEquals(group, counts({ a: 1, x: 1, "~other": 1 }));
});

Deno.test("FieldLimiter.limit() lets known fields through for ever", async () => {
  const { commit } = limiter(2);
  assertEquals(await commit(counts({ a: 1, b: 1 })), 0);
  for (let i = 0; i < 3; i++) {
    const group = counts({ b: 1, a: 1 });
    assertEquals(await commit(group), 0);
    assertEquals(group, counts({ b: 1, a: 1 }));
    const beyond = counts({ [`new${i}`]: 5, a: 1 });
    assertEquals(await commit(beyond), 1);
    assertEquals(beyond, counts({ a: 1, "~other": 5 }));
  }
});

Deno.test("FieldLimiter.limit() counts each bucket, unit and metric by itself", async () => {
  const { commit } = limiter(1);
  const others: Metric[] = [
    { type: "top", pattern: "event" },
    { type: "add", pattern: "geo" },
  ];
  assertEquals(await commit(counts({ a: 1 })), 0);
  assertEquals(await commit(counts({ b: 1 }, 86_400)), 0);
  assertEquals(await commit({ ...counts({ c: 1 }), unit: "h" }), 0);
  for (const metric of others) assertEquals(await commit(counts({ d: 1 }, 0, metric)), 0);
  assertEquals(await commit(sums({ e: 1n })), 0);
  assertEquals(await commit(counts({ f: 1 })), 1);
});

Deno.test("FieldLimiter.limit() moves sums, their zeros and refunds", async () => {
  const { it } = limiter(1);
  const group = sums({ a: 5n, b: 7n, c: -7n, d: 0n });
  assertEquals(await it.limit(group), 3);
  assertEquals(group, sums({ a: 5n, "~other": 0n }));
});

Deno.test("FieldLimiter.limit() leaves sketches alone", async () => {
  const { it, loads } = limiter(1);
  const group = {
    kind: "sketch",
    metric: ADD,
    unit: "d",
    start: 0,
    sketch: null,
  } as unknown as CellGroup;
  assertEquals([await it.limit(group), loads.length], [0, 0]);
});

Deno.test("FieldLimiter.limit() reads storage only when it comes near the limit", async () => {
  const { commit, loads } = limiter(100);
  for (let i = 0; i < 10; i++) {
    await commit(counts(Object.fromEntries(Array.from({ length: 10 }, (_, k) => [`f${k}`, 1]))));
  }
  assertEquals(loads.length, 1, "an upper bound will do so far");
  await commit(counts({ f0: 1 }));
  assertEquals(loads.length, 2, "the bound says 101, storage 10");
  const other = limiter(2);
  other.stored.set(JSON.stringify([ADD, "d", 0]), new Set(["a", "~other"]));
  await other.commit(counts({ b: 1 }));
  assertEquals(other.loads.length, 1, "~other is none of the two");
  for (let i = 0; i < 20; i++) await commit(counts({ f0: 1, [`g${i}`]: 1 }));
  assertEquals(loads.length, 2, "now the fields are known");
});

Deno.test("FieldLimiter.limit() may be called again after storage failed", async () => {
  let failing = true;
  const it = new FieldLimiter(1, () => {
    if (failing) return Promise.reject(new Error("down"));
    return Promise.resolve(new Set(["a"]));
  });
  const group = counts({ a: 1, b: 1 });
  await assertRejects(() => it.limit(group), Error, "down");
  assertEquals(group, counts({ a: 1, b: 1 }));
  failing = false;
  assertEquals(await it.limit(group), 1);
  assertEquals(group, counts({ a: 1, "~other": 1 }));
});

Deno.test("FieldLimiter keeps totals, and no more fields than allowed", async () => {
  const names = fc.constantFrom("a", "b", "c", "d", "e", "f", "__proto__");
  const group = fc.dictionary(names, fc.integer({ min: 1, max: 5 }), { noNullPrototype: true });
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(group, fc.constantFrom(0, 86_400)), { maxLength: 12 }),
      fc.integer({ min: 1, max: 5 }),
      async (groups, maxFields) => {
        const { commit } = limiter(maxFields);
        const seen = new Map<number, Set<string>>();
        for (const [fields, start] of groups) {
          const before = seen.get(start) ?? new Set<string>();
          const it = counts(fields, start);
          if (it.kind !== "count") return;
          const all = [...it.fields.keys()];
          const total = [...it.fields.values()].reduce((a, b) => a + b, 0);
          const moved = await commit(it);
          const kept = [...it.fields.keys()].filter((field) => field !== "~other");
          assertEquals([...it.fields.values()].reduce((a, b) => a + b, 0), total);
          assertEquals(moved, all.length - kept.length);
          for (const field of kept) before.add(field);
          assertEquals(before.size <= maxFields, true);
          if (moved > 0) {
            assertEquals(before.size, maxFields, "nothing is moved while there is room");
          }
          seen.set(start, before);
        }
      },
    ),
  );
});
