import { assert, assertEquals } from "@std/assert";
import { FakeTime } from "@std/testing/time";
import { MemoryStorage, Traqq } from "../../mod.ts";
import { Pruner, type PrunerOptions } from "../../src/writer/pruner.ts";

const HOUR_MS = 3_600_000;
const NOW_MS = 1_773_576_000_500; // 2026-03-15T12:00:00.5Z

/** A pruner and what it did. */
function make(more: Partial<PrunerOptions> = {}) {
  const runs: [string, number][] = [];
  const errors: Error[] = [];
  const pruner = new Pruner({
    retention: { d: 3 * 86_400, h: 7200 },
    prune: (unit, before) => Promise.resolve(runs.push([unit, before])),
    onError: (error) => errors.push(error),
    ...more,
  });
  return { pruner, runs, errors };
}

Deno.test("Pruner looks soon after start(), then every hour", async () => {
  using time = new FakeTime(NOW_MS);
  const { pruner, runs } = make();
  pruner.start();
  await time.tickAsync(999);
  assertEquals(runs, []);
  await time.tickAsync(1);
  const first = Math.floor((NOW_MS + 1000) / 1000);
  assertEquals(runs.splice(0), [["d", first - 3 * 86_400], ["h", first - 7200]]);
  await time.tickAsync(HOUR_MS - 1);
  assertEquals(runs, []);
  await time.tickAsync(1);
  assertEquals(runs.splice(0), [["d", first + 3600 - 3 * 86_400], ["h", first + 3600 - 7200]]);
  await time.tickAsync(HOUR_MS);
  assertEquals(runs.splice(0).length, 2);
  await pruner.close(1000);
  await time.tickAsync(5 * HOUR_MS);
  assertEquals([runs, time.next()], [[], false], "no timer is left");
});

Deno.test("Pruner.runIfDue() looks at once, and not again within the hour", async () => {
  using time = new FakeTime(NOW_MS);
  const { pruner, runs } = make({ retention: { d: undefined, h: 60 } });
  pruner.start();
  pruner.runIfDue();
  await time.runMicrotasks();
  assertEquals(runs.splice(0).map(([unit]) => unit), ["h"]);
  // The timer's first look, a second later, is not due; its next is an hour after the look.
  await time.tickAsync(HOUR_MS - 1);
  pruner.runIfDue();
  await time.runMicrotasks();
  assertEquals(runs, []);
  await time.tickAsync(1);
  assertEquals(runs.splice(0).length, 1);
  await pruner.close(1000);
  await time.tickAsync(HOUR_MS);
  pruner.runIfDue();
  await time.runMicrotasks();
  assertEquals(runs, [], "closed");
});

Deno.test("Pruner does nothing where everything is kept for ever", async () => {
  using time = new FakeTime(NOW_MS);
  const { pruner, runs } = make({ retention: { d: undefined, h: undefined } });
  pruner.start();
  pruner.runIfDue();
  await time.tickAsync(3 * HOUR_MS);
  assertEquals(runs, []);
});

Deno.test("Pruner never looks twice at a time, and goes on after a look that took hours", async () => {
  using time = new FakeTime(NOW_MS);
  const looks: PromiseWithResolvers<void>[] = [];
  const { pruner } = make({
    retention: { d: 60, h: undefined },
    prune: () => {
      looks.push(Promise.withResolvers<void>());
      return looks.at(-1)!.promise;
    },
  });
  pruner.start();
  await time.tickAsync(1000);
  await time.tickAsync(5 * HOUR_MS);
  pruner.runIfDue();
  assertEquals(looks.length, 1);
  looks[0].resolve();
  await time.tickAsync(HOUR_MS);
  assertEquals(looks.length, 2);
  looks[1].resolve();
  await pruner.close(1000);
});

Deno.test("Pruner goes on when the clock was put back", async () => {
  const { pruner, runs } = make({ retention: { d: 60, h: undefined } });
  for (const nowMs of [NOW_MS, NOW_MS - 100 * 24 * HOUR_MS]) {
    using time = new FakeTime(nowMs);
    pruner.runIfDue();
    await time.runMicrotasks();
  }
  assertEquals(runs.length, 2);
  await pruner.close(1000);
});

Deno.test("Pruner tells what failed, and tries again an hour later", async () => {
  using time = new FakeTime(NOW_MS);
  let tries = 0;
  const { pruner, errors } = make({
    prune: () => {
      tries++;
      return Promise.reject(new Error("down"));
    },
  });
  pruner.start();
  await time.tickAsync(1000);
  await time.runMicrotasks();
  assertEquals([tries, errors.map(({ message }) => message)], [1, ["down"]]);
  await time.tickAsync(HOUR_MS);
  await time.runMicrotasks();
  assertEquals([tries, errors.length], [2, 2]);
  await pruner.close(1000);
});

Deno.test("Pruner.close() waits for what is under way, up to its deadline", async () => {
  using time = new FakeTime(NOW_MS);
  const look = Promise.withResolvers<void>();
  const options = { retention: { d: 60, h: undefined }, prune: () => look.promise };
  const patient = make(options);
  patient.pruner.runIfDue();
  let closed = false;
  const closing = patient.pruner.close(1000).then(() => closed = true);
  await time.tickAsync(999);
  assertEquals(closed, false);
  look.resolve();
  await closing;
  assertEquals(patient.errors, []);

  const hasty = make({ ...options, prune: () => new Promise(() => {}) });
  hasty.pruner.runIfDue();
  const late = hasty.pruner.close(1000);
  await time.tickAsync(1000);
  await late;
  assertEquals(hasty.errors.length, 1);
  assert(hasty.errors[0].message.includes("flush.deadlineMs"));
});

Deno.test("a Traqq that records nothing prunes what has expired, by the days of the stored zone", async () => {
  using time = new FakeTime(NOW_MS);
  const storage = new MemoryStorage();
  const writer = await Traqq.open({
    storage,
    mapping: { add: ["event"] },
    time: { timezone: "Asia/Tokyo" },
  });
  const day = (text: string) => Date.parse(`${text}+09:00`) / 1000;
  for (const date of ["2026-03-10", "2026-03-11", "2026-03-12", "2026-03-15"]) {
    await writer.record({ event: "x" }, { at: day(`${date}T12:00:00`) });
  }
  await writer.close();
  const reader = await Traqq.open({ storage, retention: { d: "3d" } });
  const held = async () => {
    const starts: number[] = [];
    const range = { prefix: "traqq", unit: "d", from: -1e12, to: 1e12 } as const;
    for await (const cells of storage.read({ type: "add", pattern: "event" }, range)) {
      starts.push(...cells.map(({ start }) => start));
    }
    return starts;
  };
  assertEquals((await held()).length, 4);
  await time.tickAsync(1000);
  await time.runMicrotasks();
  const midnight = (date: string) => day(`${date}T00:00:00`);
  assertEquals(await held(), ["2026-03-12", "2026-03-15"].map(midnight));
  for (let hour = 0; hour < 48; hour++) {
    await time.tickAsync(HOUR_MS);
    await time.runMicrotasks();
  }
  assertEquals(await held(), [midnight("2026-03-15")]);
  await reader.close();
});

Deno.test("a Traqq that prunes by itself does not keep its process alive", async () => {
  const mod = new URL("../../mod.ts", import.meta.url);
  const { code } = await new Deno.Command(Deno.execPath(), {
    args: [
      "eval",
      "--quiet",
      `import { MemoryStorage, Traqq } from ${JSON.stringify(mod.href)};
       await Traqq.open({ storage: new MemoryStorage(), retention: { d: "3d" } });`,
    ],
    signal: AbortSignal.timeout(20_000),
  }).output();
  assertEquals(code, 0);
});
