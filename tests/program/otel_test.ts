import { assert, assertEquals } from "@std/assert";
import { Folder, spawn, within } from "./_program.ts";

/** What OTLP calls an attribute, as JSON. */
interface Attribute {
  key: string;
  value: { stringValue?: string; intValue?: string };
}

interface Span {
  name: string;
  traceId: string;
  attributes: Attribute[];
}

interface Metric {
  name: string;
  histogram?: { dataPoints: { count: string; attributes: Attribute[] }[] };
}

/** A collector: takes traces and metrics as OTLP over HTTP, in JSON. */
class Collector implements AsyncDisposable {
  readonly spans: Span[] = [];
  /** The last value of each. */
  readonly metrics = new Map<string, Metric>();
  readonly services = new Set<string | undefined>();
  readonly #server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    (request) => this.#take(request),
  );

  get url(): string {
    return `http://127.0.0.1:${this.#server.addr.port}`;
  }

  /** Waits until what came is as wanted. */
  async until(isThere: () => boolean): Promise<void> {
    const wait = async () => {
      while (!isThere()) await new Promise((resolve) => setTimeout(resolve, 20));
    };
    await within(wait(), "what the server exports");
  }

  async #take(request: Request): Promise<Response> {
    const body = await request.json();
    for (const { resource, scopeSpans } of body.resourceSpans ?? []) {
      this.services.add(textOf(resource.attributes, "service.name"));
      for (const { spans } of scopeSpans) this.spans.push(...spans);
    }
    for (const { resource, scopeMetrics } of body.resourceMetrics ?? []) {
      this.services.add(textOf(resource.attributes, "service.name"));
      for (const { metrics } of scopeMetrics) {
        for (const metric of metrics) this.metrics.set(metric.name, metric);
      }
    }
    return Response.json({});
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.shutdown();
  }
}

function textOf(attributes: Attribute[], key: string): string | undefined {
  const value = attributes.find((attribute) => attribute.key === key)?.value;
  return value?.stringValue ?? value?.intValue;
}

const NAMES = [
  "traqq serve with OTEL_DENO=true exports traces and metrics of HTTP",
  "traqq serve --workers with OTEL_DENO=true exports what all of them do",
];

for (const [i, name] of NAMES.entries()) {
  const workers = i + 1;
  Deno.test(name, async () => {
    await using folder = new Folder();
    await using collector = new Collector();
    const args = ["--addr=127.0.0.1:0", "--http=127.0.0.1:0", `--workers=${workers}`];
    const running = spawn({
      cwd: folder.path,
      allow: ["--allow-net=127.0.0.1", "--allow-read", "--allow-write"],
      args: ["serve", ...args],
      env: {
        OTEL_DENO: "true",
        OTEL_SERVICE_NAME: "shop-analytics",
        OTEL_EXPORTER_OTLP_PROTOCOL: "http/json",
        OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
        OTEL_METRIC_EXPORT_INTERVAL: "200",
        OTEL_BSP_SCHEDULE_DELAY: "100",
      },
    });
    const url = / and (http:\S+?),/.exec(await running.out.line(/listens/))![1];
    const ask = async (path: string, body?: string) => {
      using client = Deno.createHttpClient({ poolMaxIdlePerHost: 0 });
      const method = body === undefined ? "GET" : "POST";
      const reply = await fetch(url + path, { method, body, client });
      await reply.body?.cancel();
      return reply.status;
    };
    for (let i = 0; i < 5; i++) assertEquals(await ask("/record", '{"event":"a"}'), 200);
    assertEquals(await ask("/nowhere"), 404);

    await collector.until(() => collector.spans.length >= 6);
    const seen = collector.spans.map(({ attributes }) =>
      ["http.request.method", "url.path", "http.response.status_code"]
        .map((key) => textOf(attributes, key)).join(" ")
    );
    const wanted = [...Array.from({ length: 5 }, () => "POST /record 200"), "GET /nowhere 404"];
    assertEquals(seen.sort(), wanted.sort());
    assertEquals(new Set(collector.spans.map(({ traceId }) => traceId)).size, 6);
    const answered = () => {
      const points = collector.metrics.get("http.server.request.duration")?.histogram?.dataPoints;
      return points?.reduce((sum, { count }) => sum + Number(count), 0);
    };
    await collector.until(() => answered() === 6);
    assert(collector.metrics.has("http.server.active_requests"));
    assertEquals([...collector.services], ["shop-analytics"]);

    running.process.kill("SIGTERM");
    assertEquals((await within(running.process.status, "the end")).code, 0);
    await Promise.all([running.out.ended, running.err.ended]);
  });
}
