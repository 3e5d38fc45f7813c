import { assertEquals } from "@std/assert";
import { type FileOptions, readConfig } from "../../src/engine/config.ts";
import { compilePlan, type Plan, type Step } from "../../src/engine/plan.ts";

function plan(options: FileOptions): Plan {
  return compilePlan(readConfig(options));
}

/** The names that lead to a step. */
function path(plan: Plan, step: Step): string {
  const own = plan.slots[step.slot].name;
  return step.parent < 0 ? own : `${path(plan, plan.steps[step.parent])}~${own}`;
}

Deno.test("compilePlan() shares the steps of patterns that begin alike", () => {
  const it = plan({
    mapping: { add: ["a", "a~b", "a~b~d"], top: ["a~b~c", "a~b"], bitmap: ["a~b~c"] },
  });
  const steps = it.steps.map((
    step,
  ) => [path(it, step), step.add?.pattern, step.top?.pattern, step.sketch]);
  assertEquals(steps, [
    ["a", "a", undefined, -1],
    ["a~b", "a~b", "a~b", -1],
    ["a~b~d", "a~b~d", undefined, -1],
    ["a~b~c", undefined, "a~b~c", 0],
  ]);
  assertEquals([it.hashed, it.sketches], [[], [{ type: "bmp", pattern: "a~b~c" }]]);
});

Deno.test("compilePlan() puts parents first, and each pattern where its names lead", () => {
  const patterns = ["d~c~b~a", "b", "c~b", "a~b", "e~a"];
  const it = plan({ mapping: { add: patterns } });
  for (const [i, step] of it.steps.entries()) {
    if (step.parent >= i) throw new Error(`step ${i} comes before its parent`);
    if (step.add !== undefined) assertEquals(step.add, { type: "add", pattern: path(it, step) });
  }
  assertEquals(it.steps.filter(({ add }) => add !== undefined).length, patterns.length);
});

Deno.test("compilePlan() remembers the values of counters, and hashes those of sketches alone", () => {
  const it = plan({
    mapping: { add: ["event"], bitmap: ["ip", "event~ip", "event"], top: ["geo"] },
  });
  assertEquals(
    it.slots.map(({ name, remembered }) => [name, remembered]),
    [["event", true], ["geo", true], ["ip", false]],
  );
  assertEquals(it.hashed, [{ slots: [2], sketch: 0 }, { slots: [0, 2], sketch: 1 }]);
  assertEquals(it.steps.find((step) => step.sketch === 2)?.add?.pattern, "event");
});

Deno.test("compilePlan() numbers each summed property once", () => {
  const it = plan({
    mapping: {
      addValue: [
        { key: "a", addKey: "n" },
        { key: "b", addKey: "m" },
        { key: "a", addKey: "m" },
        { key: "c", addKey: "c" },
      ],
    },
  });
  assertEquals(it.summed, ["n", "m", "c"]);
  assertEquals(
    it.steps.map(({ sums }) =>
      sums.map(({ metric, summed }) => [metric.addKey, metric.pattern, summed])
    ),
    [[["n", "a", 0], ["m", "a", 1]], [["m", "b", 1]], [["c", "c", 2]]],
  );
});

Deno.test("compilePlan() gives the event's name a length of its own", () => {
  const it = plan({
    mapping: { add: ["event~geo"] },
    limits: { maxFieldLength: 3, maxValueLength: 5 },
  });
  assertEquals(it.slots.map(({ name, maxLength }) => [name, maxLength]), [["event", 3], [
    "geo",
    5,
  ]]);
});

Deno.test("compilePlan() knows the most cells that one event can touch", () => {
  const mapping = {
    add: ["a", "b"],
    top: ["a"],
    bitmap: ["c"],
    addValue: [{ key: "a", addKey: "n" }],
  };
  assertEquals(plan({ mapping }).maxCells, 5);
  assertEquals(plan({ mapping, time: { hourly: true } }).maxCells, 10);
  assertEquals(plan({ mapping: {} }).maxCells, 0);
});
