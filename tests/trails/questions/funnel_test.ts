import { assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { funnel, type FunnelOptions, TrailData, TrailProgram } from "../../../src/trails/mod.ts";
import { byUser, dataOf, randomTrails, type Step } from "./_trails.ts";

/** What a test asks: steps are sets of event names, so that one event can be several steps. */
interface Asked {
  readonly steps: readonly (readonly string[])[];
  readonly within: number | undefined;
  readonly order: "strict" | "ordered" | "any";
  readonly exclude: string | undefined;
  readonly by: boolean;
}

/** Whether a chain through the first `count` steps begins at event `at`: every way is tried. */
function hasChain(trail: readonly Step[], at: number, count: number, asked: Asked): boolean {
  const { steps, within = Infinity, order, exclude } = asked;
  const isStep = (event: Step, step: number) =>
    event.event !== exclude && steps[step].includes(event.event);
  const isLate = (event: Step) => event.time >= trail[at].time + within;
  if (order === "any") {
    // Each event counts for the first step that it is and that is not done.
    const done = new Set<number>();
    for (const event of trail.slice(at)) {
      if (event.event === exclude || isLate(event)) return false;
      const step = steps.findIndex((_, i) => !done.has(i) && isStep(event, i));
      if (step >= 0) done.add(step);
      if (done.size === 0) return false; // it begins at `at`
      if (steps.every((_, i) => i >= count || done.has(i))) return true;
    }
    return false;
  }
  const from = (i: number, step: number): boolean => {
    if (!isStep(trail[i], step) || isLate(trail[i])) return false;
    if (step + 1 === count) return true;
    for (let next = i + 1; next < trail.length; next++) {
      if (order === "strict" && next > i + 1) return false;
      if (from(next, step + 1)) return true;
      if (trail[next].event === exclude) return false;
    }
    return false;
  };
  return from(at, 0);
}

/** How many users come how far, by the value of `kind` where the chain begins. */
function direct(events: readonly Step[], asked: Asked): Record<string, number[]> {
  const rows: Record<string, number[]> = {};
  for (const kind of asked.by ? ["", "k", "l"] : ["all"]) {
    const counts = asked.steps.map((_, i) =>
      byUser(events).filter(([, trail]) =>
        trail.some((event, at) =>
          (!asked.by || event.kind === kind) && hasChain(trail, at, i + 1, asked)
        )
      ).length
    );
    if (!asked.by || counts.some((count) => count > 0)) rows[kind] = counts;
  }
  return rows;
}

async function asked({ steps, within, order, exclude, by }: Asked, events: readonly Step[]) {
  const options: FunnelOptions = {
    order,
    ...(within === undefined ? {} : { within }),
    ...(exclude === undefined ? {} : { exclude }),
    ...(by ? { by: "kind" } : {}),
  };
  const texts = steps.map((names) => names.map((name) => `event = "${name}"`).join(" or "));
  const { rows } = await funnel(texts, options).run(dataOf(events), { workers: 1 });
  return Object.fromEntries(
    rows.map(({ by = "all", steps }) => [by, steps.map(({ users }) => users)]),
  );
}

const questions: fc.Arbitrary<Asked> = fc.record({
  steps: fc.array(fc.constantFrom(["a"], ["a"], ["b"], ["c"], ["a", "b"], ["b", "c"]), {
    minLength: 1,
    maxLength: 4,
  }),
  within: fc.constantFrom(undefined, 1, 5, 10, 20),
  order: fc.constantFrom("strict", "ordered", "any"),
  exclude: fc.constantFrom(undefined, undefined, "x", "b"),
  by: fc.boolean(),
});

Deno.test("funnel() counts what trying every chain counts, with ties, repeats and exclusions", async () => {
  await fc.assert(
    fc.asyncProperty(questions, randomTrails([0, 0, 1, 2, 5, 9]), async (question, events) => {
      assertEquals(await asked(question, events), direct(events, question));
    }),
    { numRuns: 600 },
  );
});

Deno.test("funnel() of four steps on one long trail counts what trying every chain counts", async () => {
  const long = fc.array(
    fc.record({
      gap: fc.constantFrom(0, 1, 1, 2),
      event: fc.constantFrom("a", "b", "c", "d", "x"),
    }),
    { minLength: 4, maxLength: 16 },
  ).map((events) => {
    let time = 0;
    return events.map(({ gap, event }) => ({ user: "u1", time: time += gap, event, kind: "" }));
  });
  const steps = fc.shuffledSubarray([["a"], ["b"], ["c"], ["d"]], { minLength: 4 });
  const four: fc.Arbitrary<Asked> = fc.record({
    steps,
    within: fc.constantFrom(4, 6, 8),
    order: fc.constantFrom("ordered", "ordered", "any"),
    exclude: fc.constantFrom(undefined, undefined, "x"),
    by: fc.constant(false),
  });
  await fc.assert(
    fc.asyncProperty(four, long, async (question, events) => {
      assertEquals(await asked(question, events), direct(events, question));
    }),
    { numRuns: 250 },
  );
});

/** Events of one user, as `time:event`. */
const trail = (text: string) =>
  TrailData.fromEvents(
    text.split(" ").map((one) => {
      const [time, event] = one.split(":");
      return { user: "u", time: Number(time), event };
    }),
    { by: "user" },
  );

async function reached(steps: string[], options: FunnelOptions, text: string): Promise<number> {
  const { rows } = await funnel(steps, options).run(trail(text));
  return rows[0].steps.filter(({ users }) => users === 1).length;
}

Deno.test("funnel: a step exactly at the end of the time is too late, one of a second before is not", async () => {
  assertEquals(await reached(["a", "b"], { within: "1m" }, "0:a 60:b"), 1);
  assertEquals(await reached(["a", "b"], { within: "1m" }, "0:a 59:b"), 2);
});

Deno.test("funnel: a later first step has time of its own", async () => {
  assertEquals(await reached(["a", "b"], { within: "1m" }, "0:a 50:a 70:b"), 2);
  assertEquals(await reached(["a", "b", "c"], { within: "1m" }, "0:a 50:b 55:a 58:c"), 3);
  // A chain that has begun later and has not come as far ends nothing.
  const steps = ["a", "b", "c", "d"];
  assertEquals(await reached(steps, { within: "1m" }, "0:a 1:b 2:c 3:a 4:b 5:d"), 4);
});

Deno.test("funnel: events of one second stand in the order of the data", async () => {
  assertEquals(await reached(["a", "b"], { within: "1m" }, "5:a 5:b"), 2);
  assertEquals(await reached(["a", "b"], { within: "1m" }, "5:b 5:a"), 1);
  assertEquals(await reached(["a", "b"], { within: "1m", order: "any" }, "5:b 5:a"), 2);
});

Deno.test("funnel: a step that is there twice needs two events", async () => {
  for (const order of ["strict", "ordered", "any"] as const) {
    assertEquals(await reached(["a", "a", "b"], { order, within: "1h" }, "0:a 1:b"), 1);
    assertEquals(await reached(["a", "a", "b"], { order, within: "1h" }, "0:a 1:a 2:b"), 3);
  }
});

Deno.test("funnel: strict allows nothing between, exclude only what it names", async () => {
  assertEquals(await reached(["a", "b"], { order: "strict" }, "0:a 1:c 2:b"), 1);
  assertEquals(await reached(["a", "b"], { order: "strict" }, "0:a 1:a 2:b"), 2);
  assertEquals(await reached(["a", "b"], { exclude: "x" }, "0:a 1:c 2:b"), 2);
  assertEquals(await reached(["a", "b"], { exclude: ["x", "y"] }, "0:a 1:y 2:b"), 1);
  assertEquals(await reached(["a", "b"], { exclude: "x" }, "0:a 1:x 2:a 3:b"), 2);
});

Deno.test("funnel: any order of five steps, and a trail in which none is ever complete", async () => {
  const steps = ["a", "b", "c", "d", "e"];
  const options = { order: "any", within: "1h" } as const;
  assertEquals(await reached(steps, options, "0:e 1:c 2:a 3:d 4:b"), 5);
  assertEquals(await reached(steps, options, "0:e 1:c 2:a 3:d 4000:b"), 1);
  // Few chains are under way at once: this ends at once, with one chain for each event it would not.
  const long = Array.from({ length: 20_000 }, (_, i) => `${i / 10 | 0}:${"abcd"[i % 4]}`).join(" ");
  assertEquals(await reached(steps, options, long), 4);
  assertEquals(await reached(["a", "b", "c", "e"], { within: "1h" }, long), 3);
});

Deno.test("funnel: steps are names, conditions or objects, and the program can be run by itself", async () => {
  const question = funnel(["a", "*", { event: "c", kind: 3 }, 'kind != "q"'], { by: "kind" });
  const steps = ['event = "a"', "*", 'event = "c", kind = "3"', 'kind != "q"'];
  assertEquals(TrailProgram.parse(question.program).results, steps.map((_, i) => `#step_${i + 1}`));
  const { rows } = await funnel(['say "hi"\\'], {}).run(
    TrailData.fromEvents([{ u: 1, time: 0, event: 'say "hi"\\' }], { by: "u" }),
  );
  assertEquals(rows, [{ steps: [{ step: 'event = "say \\"hi\\"\\\\"', users: 1 }] }]);
});

Deno.test("funnel: what cannot be asked is one clear error", () => {
  const bad = (message: string, steps: unknown, options: unknown = {}) =>
    assertThrows(() => funnel(steps as string[], options as FunnelOptions), Error, message);
  bad("Cannot make a funnel: wanted 1 to 30 steps, received 0", []);
  bad("wanted 1 to 5 steps, received 6", [..."abcdef"], { order: "any" });
  bad('Cannot use order: wanted strict or ordered or any, received "loose"', ["a"], {
    order: "loose",
  });
  bad("Cannot use within: wanted a duration such as 30m", ["a"], { within: "0s" });
  bad("Cannot use by: wanted a field", ["a"], { by: "utm-source" });
  bad('Cannot use step 1: in "a =" found ->; wanted a string', ["a ="]);
  bad("Cannot use step 1: wanted a condition", ['a = "x" -> yield $n, quit -- ']);
  bad("Cannot use step 2: it is empty", ["a", " "]);
  bad("Cannot use step 1: wanted a text, number or boolean as a, received null", [{ a: null }]);
  bad("Cannot exclude every event", ["a"], { exclude: "*" });
});
