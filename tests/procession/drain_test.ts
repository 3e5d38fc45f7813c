import { assert, assertEquals, assertRejects } from "@std/assert";
import fc from "fast-check";
import { type DrainTarget, Procession, type TraqqEvent } from "../../procession.ts";
import { MemoryStorage, Traqq } from "../../mod.ts";

const START_MS = Date.parse("2026-01-01T00:00:00.250Z");

Deno.test("Procession.drainTo() moves everything into a Traqq, at its time", async () => {
  let now = START_MS;
  const p = new Procession({ now: () => now });
  const latency = p.histogram("latency", { route: "/" });
  const hits = p.counter("hits", { route: "/", kind: "page", event: "view" });
  for (let i = 0; i < 1000; i++) {
    hits.increment(2);
    latency.record(0.5);
    now += 86_400; // all in all a day
  }
  p.gauge("depth").set(NaN);
  await using traqq = await Traqq.open({
    storage: new MemoryStorage(),
    mapping: {
      add: ["event", "event~kind", "label_event", "label_kind"],
      addValue: [{ key: "event~route~op", addKey: "value" }, { key: "event", addKey: "value" }],
    },
  });
  const report = await p.drainTo(traqq);
  assertEquals(report, { recorded: 2001, rejected: [] });
  assertEquals([p.eventCount, p.seriesCount, p.droppedCount], [0, 0, 0]);
  const result = await traqq.query({ from: new Date(START_MS), to: new Date(now) });
  assertEquals(result.buckets.length, 2);
  assertEquals({ ...result.merged("add/event").counts }, { hits: 1000, latency: 1000, depth: 1 });
  assertEquals({ ...result.merged("add/label_kind").counts }, { page: 1000 });
  assertEquals({ ...result.merged("adv/event/value").sums }, { hits: 2000, latency: 500 });
  assertEquals({ ...result.merged("adv/event~route~op/value").sums }, { "hits~add~/": 2000 });
  // What is recorded from now on is moved by the next call.
  hits.increment();
  assertEquals((await p.drainTo(traqq)).recorded, 1);
});

Deno.test("Procession.drainTo() reports what is refused", async () => {
  const p = new Procession();
  p.counter("~").increment();
  p.counter("ok").increment();
  await using traqq = await Traqq.open({ storage: new MemoryStorage() });
  const { recorded, rejected } = await p.drainTo(traqq);
  assertEquals([recorded, rejected.length, rejected[0].event.name], [1, 1, "~"]);
  assert(rejected[0].error.message.includes("Cannot record an event"));
  assertEquals(p.eventCount, 0);
});

/** Takes events until it has as many as it is told, then fails. */
class Fragile implements DrainTarget {
  readonly taken: TraqqEvent[] = [];
  left = Infinity;

  // deno-lint-ignore require-await -- a thrown error must be a rejection
  async recordMany(events: Iterable<TraqqEvent>) {
    let recorded = 0;
    for (const event of events) {
      if (this.left === 0) throw new Error("the disk is full");
      this.left--;
      this.taken.push(event);
      recorded++;
    }
    return { recorded, rejected: [] };
  }
}

Deno.test("Procession.drainTo(): what a target took before it failed is not moved again, the rest stays", async () => {
  await fc.assert(fc.asyncProperty(
    fc.array(fc.record({ series: fc.nat(5), value: fc.nat(9), ms: fc.nat(20_000) }), {
      minLength: 1,
    }),
    fc.array(fc.nat(60), { maxLength: 4 }),
    async (events, stops) => {
      let now = START_MS;
      const p = new Procession({ now: () => now });
      for (const { series, value, ms } of events) {
        now += ms;
        if (series === 0) p.histogram("h").record(value);
        else p.gauge(`g${series}`).increment(value);
      }
      const [latest] = p.summarize({ name: "g1" });
      const target = new Fragile();
      for (const stop of stops) {
        target.left = stop;
        const before = target.taken.length;
        await p.drainTo(target).catch(() => {});
        assertEquals(target.taken.length - before, Math.min(stop, events.length - before));
        assertEquals(p.eventCount, events.length - target.taken.length);
        // The levels of what is left are as they were.
        const [now] = p.summarize({ name: "g1" });
        if (now !== undefined) assertEquals(now.latest, latest.latest);
        assertEquals([...Procession.fromBytes(p.toBytes()).events()], [...p.events()]);
      }
      target.left = Infinity;
      await p.drainTo(target);
      assertEquals(target.taken.map(({ value }) => value), events.map(({ value }) => value));
      assertEquals([p.eventCount, p.seriesCount, p.droppedCount], [0, 0, 0]);
      assertEquals(p.memorySize(), new Procession().memorySize());
    },
  ));
});

Deno.test("Procession.drainTo(): a target that resolves has taken all, whether it asked for the end or not", async () => {
  const p = new Procession();
  for (let i = 0; i < 3; i++) p.counter("hits").increment(i);
  const target: DrainTarget = {
    recordMany(events) {
      const iterator = events[Symbol.iterator]();
      for (let i = 0; i < 3; i++) iterator.next();
      return Promise.resolve({ recorded: 3, rejected: [] });
    },
  };
  assertEquals(await p.drainTo(target), { recorded: 3, rejected: [] });
  assertEquals(p.eventCount, 0);
});

Deno.test("Procession.drainTo() twice at once moves nothing twice", async () => {
  const p = new Procession();
  for (let i = 0; i < 100; i++) p.counter("hits").increment();
  await using traqq = await Traqq.open({ storage: new MemoryStorage() });
  const reports = await Promise.all([p.drainTo(traqq), p.drainTo(traqq)]);
  assertEquals(reports.map(({ recorded }) => recorded), [100, 0]);
  await traqq.close();
  p.counter("hits").increment();
  await assertRejects(() => p.drainTo(traqq));
  assertEquals(p.eventCount, 1);
});
