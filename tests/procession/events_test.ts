import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { ConfigError, Procession, type ProcessionEvent } from "../../procession.ts";

const START_MS = Date.parse("2026-01-01T00:00:00Z");

/** A procession with a clock in hand. */
function procession(options: ConstructorParameters<typeof Procession>[0] = {}) {
  const clock = { nowMs: START_MS };
  return { clock, p: new Procession({ now: () => clock.nowMs, ...options }) };
}

/** The bits of a double, by which -0 and 0 differ. */
function bits(value: number): bigint {
  return new BigUint64Array(Float64Array.of(value).buffer)[0];
}

function comparable(events: Iterable<ProcessionEvent>): unknown[] {
  return [...events].map(({ value, ...rest }) => ({ ...rest, value: bits(value) }));
}

Deno.test("Procession: the example of its makers", () => {
  const { p, clock } = procession({ maxBytes: 64 << 20, maxAgeMs: 3_600_000 });
  const hits = p.counter("http_requests", { route: "/", status: "200" });
  hits.increment();
  hits.increment(5);
  hits.absolute(42);
  clock.nowMs += 7;
  const depth = p.gauge("queue_depth");
  depth.set(3.5);
  depth.increment(1);
  depth.decrement(2);
  p.histogram("latency_seconds", { route: "/" }).record(0.0123);
  const labels = { route: "/", status: "200" };
  const at = { timestampMs: START_MS, kind: "counter", name: "http_requests", labels } as const;
  const later = {
    timestampMs: START_MS + 7,
    kind: "gauge",
    name: "queue_depth",
    labels: {},
  } as const;
  const wanted: ProcessionEvent[] = [
    { ...at, op: "add", value: 1 },
    { ...at, op: "add", value: 5 },
    { ...at, op: "set", value: 42 },
    { ...later, op: "set", value: 3.5 },
    { ...later, op: "add", value: 1 },
    { ...later, op: "sub", value: 2 },
    {
      timestampMs: START_MS + 7,
      kind: "histogram",
      name: "latency_seconds",
      labels: { route: "/" },
      value: 0.0123,
    },
  ];
  assertEquals([...p.events()], wanted);
  assertEquals([p.eventCount, p.seriesCount, p.droppedCount], [7, 3, 0]);
  assertEquals([...p.events({ name: "queue_depth" })], wanted.slice(3, 6));
  assertEquals([...p.events({ name: /^latency|depth$/g })], wanted.slice(3));
  assertEquals([...p.events({ labels: { route: "/" } })].length, 4);
  assertEquals([...p.events({ labels: { route: "/", status: "200" } })], wanted.slice(0, 3));
  assertEquals([...p.events({ labels: { route: "/x" } })], []);
  assertEquals([...p.events({ labels: { toString: "x" } })], []);
  assertEquals([...p.events({ from: START_MS + 1 })], wanted.slice(3));
  assertEquals([...p.events({ to: new Date(START_MS) })], wanted.slice(0, 3));
  assertEquals(
    [...p.events({ from: START_MS + 7, to: START_MS + 7, name: "queue_depth" })].length,
    3,
  );
});

/** What a run does next. */
const step = fc.oneof(
  { weight: 20, arbitrary: fc.record({ series: fc.nat(11), value: anyValue(), op: fc.nat(2) }) },
  { weight: 6, arbitrary: fc.nat(3).map((ms) => ({ ms })) },
  {
    weight: 2,
    arbitrary: fc.constantFrom(65_535, 65_536, 65_534, -1, -70_000, 1e9, -1e9).map((ms) => ({
      ms,
    })),
  },
);

function anyValue(): fc.Arbitrary<number> {
  return fc.oneof(
    fc.nat(3),
    fc.maxSafeInteger(),
    fc.double(),
    fc.constantFrom(-0, 0, NaN, Infinity, -Infinity, 2 ** 53, 5e-324),
  );
}

/** Twelve series of all kinds. */
function recorders(p: Procession) {
  return Array.from({ length: 12 }, (_, i) => {
    const labels: Record<string, string> = i % 2 === 0 ? {} : { n: String(i), __proto: "x" };
    const name = `m${i >> 2}`;
    if (i % 3 === 0) {
      const counter = p.counter(name, labels);
      return (op: number, value: number) => {
        const by = Number.isFinite(value) ? Math.abs(value) : 1;
        if (op === 0) counter.absolute(by);
        else counter.increment(by);
        return { kind: "counter", op: op === 0 ? "set" : "add", name, labels, value: by } as const;
      };
    }
    if (i % 3 === 1) {
      const gauge = p.gauge(name, labels);
      return (op: number, value: number) => {
        const method = (["increment", "decrement", "set"] as const)[op];
        gauge[method](value);
        const word = (["add", "sub", "set"] as const)[op];
        return { kind: "gauge", op: word, name, labels, value } as const;
      };
    }
    const histogram = p.histogram(name, labels);
    return (_: number, value: number) => {
      histogram.record(value);
      return { kind: "histogram", name, labels, value } as const;
    };
  });
}

Deno.test("Procession: whatever the clock does, each event comes back, in order, to the last bit", () => {
  fc.assert(fc.property(fc.array(step, { maxLength: 400 }), (steps) => {
    const { p, clock } = procession({ maxBytes: 16 * 2 ** 20 });
    const all = recorders(p);
    const wanted: ProcessionEvent[] = [];
    for (const one of steps) {
      if ("ms" in one) {
        clock.nowMs += one.ms;
        continue;
      }
      wanted.push({ timestampMs: clock.nowMs, ...all[one.series](one.op, one.value) });
    }
    assertEquals(comparable(p.events()), comparable(wanted));
    assertEquals(p.eventCount, wanted.length);
    assertEquals(comparable(Procession.fromBytes(p.toBytes()).events()), comparable(wanted));
    // What a filter gives is what filtering gives.
    const [from, to] = [START_MS - 1000, START_MS + 66_000];
    assertEquals(
      comparable(p.events({ from, to, name: "m1" })),
      comparable(
        wanted.filter(({ timestampMs, name }) =>
          name === "m1" && timestampMs >= from && timestampMs <= to
        ),
      ),
    );
    assertEquals(
      comparable(p.events({ labels: { n: "3" } })),
      comparable(wanted.filter(({ labels }) => labels.n === "3")),
    );
  }));
});

Deno.test("Procession: chunks that are full are sealed, and all events come back", () => {
  const { p, clock } = procession();
  const handles = recorders(p);
  const events = 150_000;
  for (let i = 0; i < events; i++) {
    if (i % 3 === 0) clock.nowMs++;
    handles[i * 7 % 12](i % 3, i);
  }
  assertEquals(p.eventCount, events);
  let i = 0;
  let nowMs = START_MS;
  for (const { timestampMs, value } of p.events()) {
    if (i % 3 === 0) nowMs++;
    assert(timestampMs === nowMs && value === i, `event ${i}`);
    i++;
  }
  assertEquals(i, events);
});

Deno.test("Procession: an event 65,535 ms behind the first is in its chunk, the next ms begins another", () => {
  for (const ms of [65_534, 65_535, 65_536, 65_537, -1]) {
    const { p, clock } = procession();
    const hits = p.counter("hits");
    hits.increment();
    clock.nowMs += ms;
    hits.increment();
    assertEquals([...p.events()].map(({ timestampMs }) => timestampMs - START_MS), [0, ms]);
    assertEquals(p.toJSON().chunks.length, ms >= 0 && ms <= 65_535 ? 1 : 2);
  }
});

Deno.test("Procession.events() gives what there is at the call, also where its arrays are used again", () => {
  const { p } = procession();
  const [hits, misses] = [p.counter("hits"), p.counter("misses")];
  // The first chunk is full, so the second one has its arrays.
  for (let i = 0; i < 65_536 + 1000; i++) hits.increment(i);
  const events = p.events();
  const chunks = p.resample({ stepMs: 1000 });
  for (let i = 0; i < 70_000; i++) (i % 2 === 0 ? misses : hits).absolute(7);
  let i = 0;
  for (const { name, op, value } of events) {
    if (name !== "hits" || op !== "add" || value !== i) throw new Error(`event ${i}: ${value}`);
    i++;
  }
  assertEquals(i, 66_536);
  assertEquals(chunks.length, 1);
});

Deno.test("Procession.events() gives what there is at the call, whatever is recorded meanwhile", () => {
  const { p, clock } = procession();
  const hits = p.counter("hits");
  for (let i = 0; i < 100; i++) hits.increment(i);
  const events = p.events();
  events.next();
  for (let i = 0; i < 70_000; i++) hits.increment(7);
  clock.nowMs += 1e6;
  p.counter("others").increment();
  const values = [...events].map(({ value }) => value);
  assertEquals(values, Array.from({ length: 99 }, (_, i) => i + 1));
});

Deno.test("Procession.events() is lazy: it stops where the reader stops", () => {
  const { p } = procession({ maxBytes: 2 ** 30 });
  const hits = p.counter("hits");
  for (let i = 0; i < 2_000_000; i++) hits.increment();
  const events = p.events();
  assertEquals(events.next().value!.value, 1);
  assertEquals(events.return!().done, true);
  // Of the 31 chunks none is decoded for a name that is in none.
  assertEquals(p.events({ name: "misses" }).next().done, true);
});

Deno.test("Procession: labels are data, whatever their names, and their order means nothing", () => {
  const { p } = procession();
  const labels = Object.fromEntries([["__proto__", "x"], ["constructor", "y"], ["a", "\ud800"]]);
  p.counter("__proto__", labels).increment();
  p.counter("n", { a: "1", b: "2" }).increment();
  p.counter("n", { b: "2", a: "1" }).increment();
  p.counter("n", { a: "1", b: "2", c: "" }).increment();
  assertEquals(p.seriesCount, 3);
  const [first, second] = Procession.fromBytes(p.toBytes()).events();
  assertEquals(Object.entries(first.labels), [["__proto__", "x"], ["a", "\ufffd"], [
    "constructor",
    "y",
  ]]);
  assertEquals(Object.keys(second.labels), ["a", "b"]);
  assertEquals([...p.events({ labels: Object.fromEntries([["__proto__", "x"]]) })].length, 1);
  assertThrows(() => (second.labels as Record<string, string>).a = "2", TypeError);
});

Deno.test("Procession: two of them share nothing", () => {
  const [one, other] = [new Procession(), new Procession()];
  one.counter("hits").increment();
  assertEquals([one.eventCount, other.eventCount], [1, 0]);
});

Deno.test("Procession: the filter is asked once for each handle, and what it refuses is not recorded", () => {
  const asked: unknown[] = [];
  const { p } = procession({
    filter: (name, labels) => {
      asked.push([name, labels]);
      return labels.user === undefined;
    },
  });
  const refused = p.counter("hits", { user: "4711" });
  const kept = p.gauge("depth");
  for (let i = 0; i < 3; i++) {
    refused.increment();
    kept.set(i);
  }
  assertEquals(asked, [["hits", { user: "4711" }], ["depth", {}]]);
  assertEquals([p.eventCount, p.droppedCount, p.seriesCount], [3, 0, 1]);
  assertThrows(() => refused.increment(-1), RangeError, "an event");
});

Deno.test("Procession: the clock is Date.now, read at each event; parts of a millisecond fall off", () => {
  const real = Date.now;
  try {
    const p = new Procession();
    const hits = p.counter("hits");
    for (const ms of [1000.9, 1001.2, 999.5, -0.5]) {
      Date.now = () => ms;
      hits.increment();
    }
    assertEquals([...p.events()].map(({ timestampMs }) => timestampMs), [1000, 1001, 999, -1]);
  } finally {
    Date.now = real;
  }
  const broken = new Procession({ now: () => NaN });
  assertThrows(() => broken.counter("hits").increment(), RangeError, "received NaN");
});

Deno.test("handles refuse what cannot be recorded, and say so", () => {
  const { p } = procession();
  const hits = p.counter("hits", { route: "/" });
  for (const by of [-1, NaN, Infinity, "1" as unknown as number, 1n as unknown as number]) {
    assertThrows(() => hits.increment(by), RangeError, 'counter hits{route="/"}');
    assertThrows(() => hits.absolute(by), RangeError, "wanted a number from 0");
  }
  const wrong = "3" as unknown as number;
  assertThrows(
    () => p.gauge("depth").set(wrong),
    TypeError,
    'gauge depth: wanted a number, received "3"',
  );
  assertThrows(() => p.gauge("depth").increment(wrong), TypeError);
  assertThrows(() => p.gauge("depth").decrement(wrong), TypeError);
  assertThrows(() => p.histogram("size").record(wrong), TypeError, "histogram size");
  assertThrows(() => p.counter(5 as unknown as string), TypeError, "its name to be a string");
  assertThrows(() => p.counter("hits", { status: 200 } as never), TypeError, '"status"');
  assertThrows(() => p.counter("hits", null as never), TypeError, "labels as an object");
  hits.increment(-0);
  hits.increment(0.5);
  assertEquals([...p.events()].map(({ value }) => bits(value)), [bits(0), bits(0.5)]);
});

Deno.test("Procession refuses options and filters that are none", () => {
  for (
    const options of [
      { maxBytes: 1000 },
      { maxBytes: NaN },
      { maxAgeMs: 0 },
      { maxAgeMs: "1h" },
      { filter: true },
      { now: 5 },
      { maxByte: 5000 },
      null,
      7,
    ]
  ) {
    assertThrows(() => new Procession(options as never), ConfigError, "Cannot make a procession");
  }
  const { p } = procession();
  for (
    const filter of [{ name: 5 }, { labels: { a: 1 } }, { from: "now" }, { to: new Date(NaN) }]
  ) {
    assertThrows(() => p.events(filter as never), TypeError, "Cannot read events");
  }
});
