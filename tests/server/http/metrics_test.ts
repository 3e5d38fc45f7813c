import { assert, assertEquals, assertGreater, assertMatch } from "@std/assert";
import { serveTcp, type TcpServer } from "../../../src/server/tcp.ts";
import { Peer } from "../_peer.ts";
import { Asking } from "./_asking.ts";

/** Samples by name and labels; fails for a line that the exposition format does not know. */
function parse(text: string): Map<string, number> {
  const samples = new Map<string, number>();
  const types = new Map<string, string>();
  assert(text.endsWith("\n"));
  for (const line of text.trimEnd().split("\n")) {
    const comment = /^# (HELP|TYPE) ([a-z_]+) (.+)$/.exec(line);
    if (comment !== null) {
      const [, kind, name, rest] = comment;
      if (kind === "TYPE") {
        assertMatch(rest, /^(counter|gauge|histogram)$/);
        assert(!types.has(name), `${name} stands there twice`);
        types.set(name, rest);
      }
      continue;
    }
    const sample = /^([a-z_]+)(\{[a-z]+="[^"\\\n]*"(?:,[a-z]+="[^"\\\n]*")*\})? (\S+)$/.exec(line);
    assert(sample !== null, line);
    const [, name, labels = "", value] = sample;
    const type = types.get(name) ?? types.get(name.replace(/_(bucket|sum|count)$/, ""));
    assert(type !== undefined, `${name} has no type`);
    if (type === "counter") assertMatch(name, /_total$/);
    assert(Number.isFinite(Number(value)), line);
    assert(!samples.has(name + labels), `${name}${labels} stands there twice`);
    samples.set(name + labels, Number(value));
  }
  return samples;
}

Deno.test("GET /metrics has every counter as Prometheus text", async () => {
  const directory = await Deno.makeTempDir({ prefix: "traqq-test-" });
  try {
    const servers: TcpServer[] = [];
    const options = { tcp: () => servers[0].stats() };
    await using it = await Asking.open(options, { journal: { directory } });
    await using tcp = serveTcp(it.traqq, { port: 0 });
    servers.push(tcp);
    using peer = await Peer.connect(tcp);
    await peer.ask('{"cmd":"record","event":{"event":"tcp"}}');
    await it.record('{"event":"a"}\nnonsense\n{"geo":"US"}', { "Content-Type": "text/plain" });
    await it.ask("/nope");
    await it.traqq.flush();
    const reply = await it.ask("/metrics");
    assertEquals(reply.headers.get("content-type"), "text/plain; version=0.0.4; charset=utf-8");
    const samples = parse(reply.text);
    const value = (name: string) => samples.get(`traqq_${name}`);
    assertEquals(value("events_recorded_total"), 2);
    assertEquals(value('events_rejected_total{reason="invalid"}'), 1);
    assertEquals(value('events_rejected_total{reason="not_json"}'), 1);
    assertEquals(value('events_rejected_total{reason="late"}'), 0);
    assertEquals(value("events_pending"), 0);
    assertEquals(value('http_requests_total{method="POST",path="/record",status="200"}'), 1);
    assertEquals(value('http_requests_total{method="GET",path="other",status="404"}'), 1);
    assertEquals(value("http_body_bytes_total"), 35);
    assertEquals(value("tcp_connections"), 1);
    assertEquals(value("tcp_commands_total"), 1);
    assertGreater(value("journal_written_bytes_total")!, 0);
    const { commits } = it.traqq.stats();
    assertEquals(value("commit_duration_seconds_count"), commits);
    assertEquals(value('commit_duration_seconds_bucket{le="+Inf"}'), commits);
    assertEquals(value('commit_duration_seconds_bucket{le="30"}'), commits);
    assertEquals(value("event_loop_lag_seconds_count"), 0);
    const buckets = [...samples].filter(([name]) => name.startsWith("traqq_http_request_duration"))
      .filter(([name]) => name.includes("_bucket")).map(([, count]) => count);
    assertEquals(buckets, buckets.toSorted((a, b) => a - b), "each bound has those below it");
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});

Deno.test("GET /metrics measures how late timers are", async () => {
  await using it = await Asking.open();
  await it.ask("/metrics");
  const busyUntilMs = performance.now() + 700;
  while (performance.now() < busyUntilMs);
  await new Promise((resolve) => setTimeout(resolve, 20));
  const samples = parse((await it.ask("/metrics")).text);
  assertEquals(samples.get("traqq_event_loop_lag_seconds_count"), 1);
  assertGreater(samples.get("traqq_event_loop_lag_seconds_sum")!, 0.15);
});

Deno.test("GET /stats has a key per room", async () => {
  await using it = await Asking.open();
  await it.record('{"event":"a"}');
  const { body } = await it.ask("/stats");
  assertEquals(Object.keys(body), ["engine", "writer", "http", "process"]);
  assertEquals([body.engine.recorded, body.http.requests, body.http.active], [1, 1, 1]);
  // All that Traqq.stats() has is there.
  const { journal: _, ...own } = it.traqq.stats();
  assertEquals(
    [...Object.keys(body.engine), ...Object.keys(body.writer)].sort(),
    Object.keys(own).sort(),
  );
});
