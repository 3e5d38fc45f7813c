import { assertEquals } from "@std/assert";
import { Procession } from "../../procession.ts";

const START_MS = Date.parse("2026-01-01T00:00:00Z");

Deno.test("toPrometheus() says what everything stands at", () => {
  let now = START_MS;
  const p = new Procession({ now: () => now });
  const hits = p.counter("http.requests", { route: "/", "user-agent": 'a"b\\c\nd' });
  const latency = p.histogram("latency_seconds", { quantile: "mine" });
  latency.record(100);
  hits.increment(2);
  now += 120_000; // a sealed chunk, and out of the window of the quantiles
  hits.increment(3);
  p.gauge("depth").set(4);
  p.gauge("depth").decrement(0.5);
  p.gauge("hot").set(Infinity);
  for (let i = 0; i < 100; i++) latency.record(2);
  assertEquals(
    p.toPrometheus(),
    `# TYPE latency_seconds summary
latency_seconds{quantile_2="mine",quantile="0.5"} 2
latency_seconds{quantile_2="mine",quantile="0.9"} 2
latency_seconds{quantile_2="mine",quantile="0.95"} 2
latency_seconds{quantile_2="mine",quantile="0.99"} 2
latency_seconds{quantile_2="mine",quantile="0.999"} 2
latency_seconds_sum{quantile_2="mine"} 300
latency_seconds_count{quantile_2="mine"} 101
# TYPE http_requests counter
http_requests{route="/",user_agent="a\\"b\\\\c\\nd"} 5
# TYPE depth gauge
depth 3.5
# TYPE hot gauge
hot +Inf
`,
  );
  now += 120_000;
  const quantile = (windowMs?: number) =>
    /quantile="0.5"} (.*)/.exec(p.toPrometheus(windowMs === undefined ? {} : { windowMs }))![1];
  assertEquals([quantile(), quantile(130_000)], ["NaN", "2"]);
  assertEquals(new Procession().toPrometheus(), "");
});

Deno.test("toPrometheus() keeps names apart that Prometheus would not", () => {
  const p = new Procession();
  p.counter("a.b", { "x.y": "1", x_y: "2" }).increment();
  p.counter("a_b").increment(2);
  p.gauge("a_b").set(3);
  p.histogram("a").record(1);
  p.counter("a_sum").increment(4);
  p.counter("1st", { __name__: "x" }).increment();
  const names = p.toPrometheus().split("\n").filter((line) => line.startsWith("# TYPE"));
  assertEquals(names.map((line) => line.split(" ")[2]), [
    "a_b",
    "a_b_2",
    "a_b_3",
    "a",
    "a_sum_2",
    "_1st",
  ]);
  const lines = p.toPrometheus().split("\n");
  assertEquals(lines[1], 'a_b{x_y="1",x_y_2="2"} 1');
  assertEquals(lines.at(-2), '_1st{_name__="x"} 1');
});

Deno.test("toPrometheus() of a counter goes on when its first events are dropped", () => {
  let now = START_MS;
  const p = new Procession({ maxAgeMs: 100_000, now: () => now });
  const hits = p.counter("hits");
  for (let i = 0; i < 100; i++) {
    hits.increment();
    now += 10_000;
  }
  assertEquals(p.toPrometheus(), "# TYPE hits counter\nhits 100\n");
  assertEquals(Procession.fromBytes(p.toBytes()).toPrometheus(), "# TYPE hits counter\nhits 100\n");
});
