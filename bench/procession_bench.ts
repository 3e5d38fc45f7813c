/**
 * What recording, sealing and reading a procession cost, next to a plain array of events; before that,
 * what they take in memory.
 *
 * deno bench --allow-all bench/procession_bench.ts
 */
import { Procession } from "../procession.ts";
import { type Mix, START_MS, work } from "../tests/procession/_work.ts";

const EVENTS = 1_000_000;

/** The baseline: what somebody writes who has no recorder. */
interface Plain {
  t: number;
  k: string;
  v: number;
}

function check(received: number, wanted: number): void {
  if (received !== wanted) throw new Error(`BUG: expected ${wanted}, received ${received}`);
}

function recorded(events: number, mix: Mix, maxBytes = 2 ** 30, decimals?: number): Procession {
  const clock = { nowMs: START_MS };
  const p = new Procession({ maxBytes, now: () => clock.nowMs });
  work(p, clock, events, mix, decimals);
  check(p.eventCount + p.droppedCount, events);
  return p;
}

// Memory. Sizes are the same on every machine; the heap of the array is V8's.
{
  const heapBytes = Deno.memoryUsage().heapUsed;
  const plain: Plain[] = [];
  for (let i = 0; i < EVENTS; i++) plain.push({ t: START_MS + i, k: "hits", v: i + 0.5 });
  const plainBytes = (Deno.memoryUsage().heapUsed - heapBytes) / EVENTS;
  check(plain.length, EVENTS);
  const rows: Record<string, unknown> = {
    "array of { t, k, v }": { "bytes an event": plainBytes.toFixed(2) },
  };
  for (const mix of ["all", "counters", "gauges", "histograms"] as const) {
    const open = recorded(65_536, mix);
    const sealed = recorded(EVENTS, mix);
    const rounded = recorded(EVENTS, mix, 2 ** 30, 3);
    rows[mix] = {
      open: (open.memorySize() / 65_536).toFixed(2),
      sealed: (sealed.toBytes().length / EVENTS).toFixed(2),
      "sealed, three decimals": (rounded.toBytes().length / EVENTS).toFixed(2),
      "share of the array": (sealed.toBytes().length / EVENTS / plainBytes).toFixed(3),
    };
  }
  console.table(rows);

  // An hour at 2,000 events a second, 8 MiB.
  const clock = { nowMs: START_MS };
  const p = new Procession({ maxBytes: 8 * 2 ** 20, now: () => clock.nowMs });
  const sizes: number[] = [];
  for (let minute = 1; minute <= 60; minute++) {
    work(p, clock, 120_000, "all");
    clock.nowMs = START_MS + minute * 60_000;
    if (minute % 10 === 0) sizes.push(p.memorySize());
  }
  check(p.eventCount + p.droppedCount, 60 * 120_000);
  console.log("memorySize() every 10 minutes of an hour at 8 MiB:", sizes.join(" "));
}

for (const clock of ["Date.now", "a clock in hand"]) {
  const group = `${EVENTS} events recorded, time by ${clock}`;
  const now = clock === "Date.now" ? Date.now : () => START_MS;
  Deno.bench("array.push({ t, k, v })", { group, baseline: true }, () => {
    const plain: Plain[] = [];
    for (let i = 0; i < EVENTS; i++) plain.push({ t: now(), k: "hits", v: i });
    check(plain.length, EVENTS);
  });
  const handles = {
    "counter.increment()": (p: Procession) => {
      const counter = p.counter("hits");
      for (let i = 0; i < EVENTS; i++) counter.increment();
    },
    "gauge.set(i)": (p: Procession) => {
      const gauge = p.gauge("depth");
      for (let i = 0; i < EVENTS; i++) gauge.set(i);
    },
    "histogram.record(full double)": (p: Procession) => {
      const histogram = p.histogram("latency");
      for (let i = 0; i < EVENTS; i++) histogram.record(1 / (1 + i));
    },
  };
  for (const [name, record] of Object.entries(handles)) {
    Deno.bench(name, { group }, () => {
      const p = new Procession(clock === "Date.now" ? {} : { now });
      record(p);
      check(p.eventCount, EVENTS);
    });
  }
}

{
  const group = "sealing 65,536 events of mixed work";
  const open = recorded(65_536, "all");
  const { length } = open.toBytes();
  Deno.bench("toBytes() of an open chunk", { group }, () => {
    check(open.toBytes().length, length);
  });
}

{
  const group = `reading ${EVENTS} events of mixed work`;
  const p = recorded(EVENTS, "all");
  const bytes = p.toBytes();
  const names = [...p.events({ name: "latency_seconds" })].length;
  Deno.bench("events()", { group }, () => {
    let events = 0;
    for (const { value } of p.events()) if (value === value) events++;
    check(events, EVENTS);
  });
  Deno.bench("events({ name }), a tenth of them", { group }, () => {
    let events = 0;
    for (const { value } of p.events({ name: "latency_seconds" })) if (value === value) events++;
    check(events, names);
  });
  Deno.bench("summarize()", { group }, () => {
    check(p.summarize().reduce((sum, { count }) => sum + count, 0), EVENTS);
  });
  Deno.bench("Procession.fromBytes(), which checks everything", { group }, () => {
    check(Procession.fromBytes(bytes).eventCount, EVENTS);
  });
}
