import { assert, assertEquals, assertRejects } from "@std/assert";
import { type MeterProvider, metrics } from "@opentelemetry/api";
import { Procession, ProcessionMeterProvider } from "../../procession.ts";

function recorded(p: Procession): unknown[] {
  return [...p.events()].map((
    { kind, op, name, labels, value },
  ) => [kind, op, name, labels, value]);
}

Deno.test("ProcessionMeterProvider records what code instrumented for OpenTelemetry says", () => {
  const p = new Procession();
  // The real API, with the types of the real API.
  const provider: MeterProvider = new ProcessionMeterProvider(p);
  assert(metrics.setGlobalMeterProvider(provider));
  try {
    const meter = metrics.getMeter("shop", "1.0");
    const orders = meter.createCounter("orders", { unit: "1", description: "Orders" });
    orders.add(1);
    orders.add(2, { country: "DE", paid: true, items: 3, tags: ["a", "b"], none: undefined });
    const open = meter.createUpDownCounter("connections");
    open.add(1);
    open.add(-1);
    meter.createGauge("temperature").record(-3.5);
    meter.createHistogram("latency").record(0.2, { route: "/" });
  } finally {
    metrics.disable();
  }
  assertEquals(recorded(p), [
    ["counter", "add", "orders", {}, 1],
    ["counter", "add", "orders", {
      country: "DE",
      items: "3",
      paid: "true",
      tags: '["a","b"]',
    }, 2],
    ["gauge", "add", "connections", {}, 1],
    ["gauge", "add", "connections", {}, -1],
    ["gauge", "set", "temperature", {}, -3.5],
    ["histogram", undefined, "latency", { route: "/" }, 0.2],
  ]);
});

Deno.test("ProcessionMeterProvider.collect() asks observable instruments", async () => {
  const p = new Procession();
  const provider = new ProcessionMeterProvider(p);
  const meter = (provider as MeterProvider).getMeter("m");
  const cpu = meter.createObservableCounter("cpu_seconds");
  const memory = meter.createObservableGauge("memory");
  const queue = meter.createObservableUpDownCounter("queue");
  let seconds = 10;
  const ask = (result: { observe(value: number, attributes?: { core: number }): void }) =>
    result.observe(seconds, { core: 1 });
  cpu.addCallback(ask);
  const batch: Parameters<typeof meter.addBatchObservableCallback>[0] = async (result) => {
    await Promise.resolve();
    result.observe(memory, 512);
    result.observe(queue, -2);
    result.observe(cpu, 99); // not one of those that the callback is for
  };
  meter.addBatchObservableCallback(batch, [memory, queue]);
  await provider.collect();
  seconds = 11;
  cpu.addCallback(() => {
    throw new Error("no sensor");
  });
  meter.removeBatchObservableCallback(batch, [queue, memory]);
  await assertRejects(() => provider.collect(), AggregateError, "1 callbacks failed");
  cpu.removeCallback(ask);
  assertEquals(recorded(p), [
    ["counter", "set", "cpu_seconds", { core: "1" }, 10],
    ["gauge", "set", "memory", {}, 512],
    ["gauge", "set", "queue", {}, -2],
    ["counter", "set", "cpu_seconds", { core: "1" }, 11],
  ]);
});

Deno.test("ProcessionMeterProvider.collectEvery() collects until it is disposed of", async () => {
  const p = new Procession();
  const provider = new ProcessionMeterProvider(p);
  const asked = Promise.withResolvers<void>();
  const failed = Promise.withResolvers<unknown>();
  provider.getMeter("m").createObservableGauge("g").addCallback((result) => {
    result.observe(1);
    asked.resolve();
    throw new Error("and then this");
  });
  // Its timer keeps no process alive; this one does, for a while.
  const alive = setTimeout(() => asked.reject(new Error("nobody asked")), 20_000);
  {
    using _timer = provider.collectEvery(1, failed.resolve);
    await asked.promise;
    assert(await failed.promise instanceof AggregateError);
  }
  clearTimeout(alive);
  assert(p.eventCount > 0);
});

Deno.test("ProcessionMeterProvider never fails the code that it measures", () => {
  const p = new Procession();
  const provider = new ProcessionMeterProvider(p);
  const meter = provider.getMeter("m");
  meter.createCounter("c").add(-1);
  meter.createCounter("c").add(NaN);
  meter.createHistogram("h").record("5" as never);
  meter.createGauge("g").record(1, { big: 1n });
  assertEquals([p.eventCount, provider.rejectedCount], [0, 4]);
});

Deno.test("ProcessionMeterProvider remembers a bounded number of attributes", () => {
  const p = new Procession();
  const counter = new ProcessionMeterProvider(p).getMeter("m").createCounter("c");
  for (let i = 0; i < 10_050; i++) counter.add(1, { i: i % 10_020 });
  assertEquals([p.eventCount, p.seriesCount], [10_050, 10_020]);
});
