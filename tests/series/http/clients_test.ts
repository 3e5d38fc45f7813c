import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { InfluxDB, Point } from "@influxdata/influxdb-client";
import { FieldType, InfluxDB as InfluxDB1 } from "influx";
import { MemoryStorage, Traqq } from "../../../mod.ts";
import { serveHttp } from "../../../src/server/http.ts";
import { Series } from "../../../src/series/series.ts";
import { TestDatabase } from "../_engine.ts";
import type { PlainPoint } from "../points/_oracle.ts";

interface Running {
  readonly url: string;
  readonly port: number;
  /** All points that came. */
  points(): Promise<PlainPoint[]>;
}

/** A real server on a free port. */
async function withServer(run: (server: Running) => Promise<void>, token?: string): Promise<void> {
  const database = new TestDatabase();
  await using series = await Series.open({
    durability: "none",
    openEngine: database.openEngine,
  });
  await using storage = new MemoryStorage();
  await using traqq = await Traqq.open({ storage });
  const server = serveHttp(traqq, { hostname: "127.0.0.1", port: 0, series, token });
  try {
    const points = async () => {
      await series.flush();
      return database.points;
    };
    await run({ url: server.url, port: server.addr.port, points });
  } finally {
    await server.shutdown();
  }
}

Deno.test("npm:@influxdata/influxdb-client writes points of every type, with text of every kind", async () => {
  await withServer(async ({ url, points }) => {
    const client = new InfluxDB({ url, token: "secret" });
    const api = client.getWriteApi("my org", "my bucket", "ns", { defaultTags: { env: "test" } });
    const point = new Point("cpu load").tag("host", "a,b=c d").tag("line", "one\ntwo")
      .floatField("usage", 64.5).intField("cores", 8).uintField("big", "18446744073709551615")
      .booleanField("ok", true).stringField("note", 'say "hi"\nand \\ more é')
      .timestamp("1609459200000000001");
    api.writePoint(point);
    await api.close();
    const [{ measurement, tags, fields, time }] = await points();
    assertEquals(measurement, "cpu load");
    // The client itself makes two letters of a line break in a tag.
    assertEquals(tags, [["env", "test"], ["host", "a,b=c d"], ["line", "one\\ntwo"]]);
    assertEquals(time, 1609459200000000001n);
    assertEquals({ ...fields }, {
      usage: ["float", 64.5],
      cores: ["integer", 8n],
      big: ["unsigned", 18446744073709551615n],
      ok: ["boolean", true],
      note: ["string", 'say "hi"\nand \\ more é'],
    });
  }, "secret");
});

Deno.test("npm:@influxdata/influxdb-client is told which line was bad, and that its token is", async () => {
  await withServer(async ({ url, points }) => {
    const write = async (token: string, ...lines: string[]) => {
      const options = { maxRetries: 0, writeFailed: () => Promise.resolve() };
      let failure: unknown;
      const api = new InfluxDB({ url, token }).getWriteApi("o", "b", "s", {
        ...options,
        writeFailed: (error) => {
          failure = error;
          return Promise.resolve();
        },
      });
      api.writeRecords(lines);
      await api.close();
      return failure as { statusCode: number; body: string; message: string } | undefined;
    };
    const bad = await write("secret", "cpu usage=1 5", "cpu usage=oops", "cpu usage=2 6");
    assertEquals(bad?.statusCode, 400);
    assertStringIncludes(bad!.body, "line 2: Cannot read the line at byte 11");
    assertEquals((await points()).length, 2);
    assertEquals((await write("wrong", "cpu usage=1"))?.statusCode, 401);
  }, "secret");
});

Deno.test("npm:influx makes its database, writes points, and is told what is wrong", async () => {
  await withServer(async ({ port, points }) => {
    const influx = new InfluxDB1({
      host: "127.0.0.1",
      port,
      database: "metrics",
      username: "anyone",
      password: "secret",
      schema: [{
        measurement: "cpu",
        fields: {
          usage: FieldType.FLOAT,
          cores: FieldType.INTEGER,
          note: FieldType.STRING,
          ok: FieldType.BOOLEAN,
        },
        tags: ["host"],
      }],
    });
    const [ping] = await influx.ping(15_000);
    assertEquals(ping.online, true);
    assertStringIncludes(String(ping.version), "traqq");
    if (!(await influx.getDatabaseNames()).includes("metrics")) {
      await influx.createDatabase("metrics");
    }
    assertEquals(await influx.getDatabaseNames(), ["traqq", "metrics"]);
    await influx.writePoints([{
      measurement: "cpu",
      tags: { host: "a b" },
      fields: { usage: 64.5, cores: 8, note: 'x "y"', ok: false },
      timestamp: new Date(1_609_459_200_000),
    }]);
    await influx.writeMeasurement("cpu", [{ tags: { host: "b" }, fields: { usage: 1 } }], {
      precision: "s",
    });
    const [first, second] = await points();
    assertEquals(first.tags, [["host", "a b"]]);
    assertEquals(first.time, 1_609_459_200_000_000_000n);
    assertEquals(first.fields.cores, ["integer", 8n]);
    assertEquals(first.fields.note, ["string", 'x "y"']);
    assertEquals(second.time % 1_000_000_000n, 0n);
    await assertRejects(() => influx.query("select * from cpu"), Error, "/sql");
    const wrong = new InfluxDB1({ host: "127.0.0.1", port, database: "metrics" });
    await assertRejects(() => wrong.writePoints([{ measurement: "cpu", fields: { usage: 1 } }]));
  }, "secret");
});

Deno.test("curl writes as the guides of RusTs and InfluxDB say", async () => {
  await withServer(async ({ url, points }) => {
    const curl = async (...args: string[]) => {
      const { stdout } = await new Deno.Command("curl", {
        args: ["-s", "-m", "30", "-w", "%{http_code}", ...args],
      }).output();
      return new TextDecoder().decode(stdout);
    };
    const lines = "cpu,host=server01,region=us-west usage=64.5 1609459200000000000\n" +
      "cpu,host=server01 usage=62.3 1609459201000000000\n" +
      "cpu,host=server02 usage=71.2 1609459200000000000";
    assertEquals(await curl("-X", "POST", `${url}/write`, "-d", lines.split("\n")[0]), "204");
    assertEquals(await curl("-X", "POST", `${url}/write`, "-d", lines), "204");
    assertEquals(
      await curl("-i", "-XPOST", `${url}/write?db=mydb`, "--data-binary", lines).then((text) =>
        text.slice(0, 12)
      ),
      "HTTP/1.1 204",
    );
    assertEquals(
      await curl("-XPOST", `${url}/query`, "--data-urlencode", "q=CREATE DATABASE mydb"),
      '{"results":[{"statement_id":0}]}\n200',
    );
    assertEquals((await points()).length, 7);
  });
});
