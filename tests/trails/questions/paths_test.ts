import { assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { paths, type PathsOptions, TrailData } from "../../../src/trails/mod.ts";
import { byUser, dataOf, randomTrails, type Step } from "./_trails.ts";

/** Each path by itself, then all its beginnings counted. */
function direct(events: readonly Step[], { length, from, gap = Infinity }: {
  length: number;
  from: string | undefined;
  gap: number | undefined;
}): Map<string, number[]> {
  const all = byUser(events).flatMap(([, trail]) =>
    trail.flatMap((event, at) => {
      const isFirst = at === 0 || event.time - trail[at - 1].time >= gap;
      if (from === undefined ? !isFirst : event.event !== from) return [];
      let end = at + 1;
      while (
        end < trail.length && end < at + length && trail[end].time - trail[end - 1].time < gap
      ) end++;
      return [trail.slice(at, end).map(({ event }) => event)];
    })
  );
  const counts = new Map<string, number[]>();
  for (const path of all) {
    for (let end = 1; end <= path.length; end++) {
      const key = JSON.stringify(path.slice(0, end));
      const [count, ended] = counts.get(key) ?? [0, 0];
      counts.set(key, [count + 1, ended + (end === path.length ? 1 : 0)]);
    }
  }
  return counts;
}

Deno.test("paths() counts what following each path counts, with pauses, lengths and starts", async () => {
  await fc.assert(
    fc.asyncProperty(
      randomTrails([0, 1, 9, 10, 11, 50]),
      fc.record({
        length: fc.constantFrom(1, 2, 3, 5),
        from: fc.constantFrom(undefined, undefined, "a", "b"),
        gap: fc.constantFrom(undefined, 10),
      }),
      async (events, { length, from, gap }) => {
        const question = paths({
          length,
          ...(from === undefined ? {} : { from }),
          ...(gap === undefined ? {} : { gap }),
        });
        const answer = await question.run(dataOf(events), { workers: 1 });
        assertEquals(
          new Map(answer.paths.map(({ values, count, ended }) => [
            JSON.stringify(values),
            [count, ended],
          ])),
          direct(events, { length, from, gap }),
        );
      },
    ),
    { numRuns: 300 },
  );
});

Deno.test("paths: values with commas and quotes stay apart, events that are filtered out are not in them", async () => {
  const data = TrailData.fromEvents(
    ["a,b", 'c"', "skip", "d\ne", ""].map((page, time) => ({ user: "u", time, page })),
    { by: "user" },
  );
  const filter = { clauses: [[{ field: "page", value: "skip", op: "notequal" }]] };
  const answer = await paths({ field: "page", length: 4 }).run(data, { filter });
  assertEquals(answer.paths.map(({ values }) => values), [
    ["a,b"],
    ["a,b", 'c"'],
    ["a,b", 'c"', "d\ne"],
    ["a,b", 'c"', "d\ne", ""],
  ]);
  assertEquals(answer.paths.map(({ ended }) => ended), [0, 0, 0, 1]);
});

Deno.test("paths: the most frequent first, and every start has a path of its own", async () => {
  const data = TrailData.fromEvents(
    [..."aabab"].map((event, time) => ({ user: "u", time, event })),
    { by: "user" },
  );
  const answer = await paths({ from: "a", length: 2 }).run(data);
  assertEquals(answer.paths, [
    { values: ["a"], count: 3, ended: 0 },
    { values: ["a", "b"], count: 2, ended: 2 },
    { values: ["a", "a"], count: 1, ended: 1 },
  ]);
});

Deno.test("paths: what cannot be asked is one clear error", () => {
  const bad = (message: string, options: unknown) =>
    assertThrows(() => paths(options as PathsOptions), Error, message);
  bad("Cannot make paths: wanted a length of 1 to 20 events, received 0", { length: 0 });
  bad("Cannot use field: wanted a field", { field: "a b" });
  bad("Cannot use gap: wanted a duration", { gap: -1 });
});
