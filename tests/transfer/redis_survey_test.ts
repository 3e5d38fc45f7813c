import {
  assert,
  assertEquals,
  assertMatch,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { ConfigError, StorageError } from "../../src/base/errors.ts";
import { MemoryStorage } from "../../src/storage/memory.ts";
import { BATCH_CELLS } from "../../src/transfer/format.ts";
import { importCells } from "../../src/transfer/import.ts";
import { readRedisUrl, RedisSource } from "../../src/transfer/redis_source.ts";
import { prefixesIn, surveyRedis } from "../../src/transfer/redis_survey.ts";
import { TRAQQ_LAYOUT } from "../../src/transfer/redis_traqq.ts";
import { TRK_LAYOUT } from "../../src/transfer/redis_trk.ts";
import { freePort, RedisCluster, RedisServer, withRedis } from "../_redis.ts";
import { clientOf } from "../_redis_client.ts";
import { contents } from "../contract/kit.ts";
import { importRedis, recordAsRust } from "./_redis_writers.ts";

const APP = { prefix: "app", timezone: "UTC" };
const FIELDS = 1000;
const DAYS = 7;

/** More than two batches, in keys whose fields come in an order of the server's own. */
async function fill(server: RedisServer, fields = range(FIELDS)): Promise<void> {
  await using redis = await clientOf(server);
  for (let day = 0; day < DAYS; day++) {
    const key = `app:add:d:${day * 86_400}:event`;
    await redis.hset(key, ...fields.flatMap((i) => [`field ${i}`, `${i + day + 1}`]));
    await redis.sadd(`app:k:d:${day * 86_400}`, key);
  }
}

const range = (length: number) => Array.from({ length }, (_, i) => i);

function wanted(): Record<string, string> {
  const cells: [string, string][] = [];
  for (let day = 0; day < DAYS; day++) {
    for (const i of range(FIELDS)) {
      cells.push([
        JSON.stringify(["add", "event", undefined, "d", day * 86_400, "count", `field ${i}`]),
        `${i + day + 1}`,
      ]);
    }
  }
  return Object.fromEntries(cells.sort(([a], [b]) => a < b ? -1 : 1));
}

await withRedis("surveyRedis()", () => {
  Deno.test("surveyRedis(): what is stopped anywhere goes on there, and twice is once", async () => {
    await using server = await RedisServer.start();
    await fill(server);
    await using target = new MemoryStorage();
    const cells = DAYS * FIELDS;
    let runs = 0;
    for (let done = 0; done < cells; runs++) {
      await using source = await RedisSource.open(server.url);
      const survey = await surveyRedis(source, TRAQQ_LAYOUT, APP);
      const stop = new AbortController();
      const report = await importCells(target, survey.lines(), {
        signal: stop.signal,
        onProgress: ({ cells, skipped }) => cells > skipped && stop.abort(),
      });
      assertEquals(report.skipped, done);
      assert(report.cells > done);
      done = report.cells;
    }
    assertEquals(runs, Math.ceil(cells / BATCH_CELLS));
    assertEquals(await contents(target, "app"), wanted());
    const { report } = await importRedis(server.url, TRAQQ_LAYOUT, target, APP);
    assertEquals([report.cells, report.skipped, report.complete], [cells, cells, true]);
    assertEquals(await contents(target, "app"), wanted());
  });

  Deno.test("surveyRedis() has one id for the same data, in whatever order it was written", async () => {
    await using first = await RedisServer.start();
    await using second = await RedisServer.start();
    await fill(first);
    await fill(second, range(FIELDS).toReversed());
    await using target = new MemoryStorage();
    const one = await importRedis(first.url, TRAQQ_LAYOUT, target, APP);
    const other = await importRedis(second.url, TRAQQ_LAYOUT, target, APP);
    assertEquals(other.report.id, one.report.id);
    assertEquals(other.report.skipped, DAYS * FIELDS);
    assertEquals(await contents(target, "app"), wanted());
  });

  Deno.test("surveyRedis() has another id for other data, which is not added unasked", async () => {
    await using server = await RedisServer.start();
    await fill(server);
    await using target = new MemoryStorage();
    const one = await importRedis(server.url, TRAQQ_LAYOUT, target, APP);
    await server.cli("hincrby", "app:add:d:0:event", "field 1", "1");
    await assertRejects(
      () => importRedis(server.url, TRAQQ_LAYOUT, target, APP),
      ConfigError,
      "it holds something already",
    );
    assertEquals(await contents(target, "app"), wanted());
    const other = await importRedis(server.url, TRAQQ_LAYOUT, target, { ...APP, to: "copy" });
    assert(other.report.id !== one.report.id);
    const twice = await importRedis(server.url, TRAQQ_LAYOUT, target, { ...APP, merge: true });
    assertEquals([twice.report.id, twice.report.skipped], [other.report.id, 0]);
  });

  Deno.test("surveyRedis() tells when Redis changes while it is imported", async () => {
    await using server = await RedisServer.start();
    await fill(server);
    await using target = new MemoryStorage();
    await using source = await RedisSource.open(server.url);
    const survey = await surveyRedis(source, TRAQQ_LAYOUT, APP);
    await server.cli("hincrby", `app:add:d:${6 * 86_400}:event`, "field 1", "1");
    const error = await assertRejects(() => importCells(target, survey.lines()), StorageError);
    assertStringIncludes(
      error.message,
      `"app:add:d:518400:event" has changed since the import began`,
    );
  });

  Deno.test("surveyRedis() says how far it is", async () => {
    await using server = await RedisServer.start();
    await fill(server);
    await using source = await RedisSource.open(server.url);
    const said: number[][] = [];
    const survey = await surveyRedis(source, TRAQQ_LAYOUT, {
      ...APP,
      onProgress: ({ share, cells }) => said.push([Math.round(share * DAYS), cells]),
    });
    assertEquals(said, range(DAYS).map((i) => [i + 1, (i + 1) * FIELDS]));
    assertEquals(survey.cells, DAYS * FIELDS);
  });

  Deno.test("prefixesIn() and surveyRedis() name the prefixes that there are", async () => {
    await using server = await RedisServer.start();
    await using redis = await clientOf(server);
    for (const prefix of ["b", "a:b", "a"]) {
      await recordAsRust(redis, prefix, ["d:0"], { add: ["event"] }, { event: "x" });
    }
    await redis.sadd("trk:k:86400", "trk:86400:add:event");
    await redis.hset("trk:86400:add:event", "x", "1");
    await redis.sadd("heir:k:86400:", "heir:86400:add:event");
    await using source = await RedisSource.open(server.url);
    assertEquals(await prefixesIn(source, TRAQQ_LAYOUT), ["a", "a:b", "b"]);
    assertEquals(await prefixesIn(source, TRK_LAYOUT), ["heir", "trk"]);
    await assertRejects(
      () => surveyRedis(source, TRAQQ_LAYOUT, { prefix: "trk", timezone: "UTC" }),
      ConfigError,
      'nothing of layout traqq stands under the prefix "trk"; there is something under "a", "a:b", "b"',
    );
    await server.cli("flushall");
    await assertRejects(
      () => surveyRedis(source, TRAQQ_LAYOUT, APP),
      ConfigError,
      "no other prefix has either",
    );
  });

  Deno.test("RedisSource says why it cannot read, and never the password", async () => {
    await using server = await RedisServer.start({ args: ["--requirepass", "s3cret"] });
    const failed = async (url: string, wanted: string) => {
      const error = await assertRejects(async () => {
        await using _source = await RedisSource.open(url);
      }, StorageError);
      assertStringIncludes(error.message, wanted);
      assert(!Deno.inspect(error).includes("wr0ng"), Deno.inspect(error));
    };
    const { port } = server;
    await failed(server.url, "it does not take this password, or wants one");
    await failed(`redis://:wr0ng@127.0.0.1:${port}`, "it does not take this password");
    await failed(`redis://:wr0ng@127.0.0.1:${freePort()}`, "is it running");
    await failed(`redis://:s3cret@127.0.0.1:${port}/99`, "DB index is out of range");
    await using source = await RedisSource.open(`redis://:s3cret@127.0.0.1:${port}/3`);
    assertEquals(source.address, `127.0.0.1:${port}`);
    assertEquals(await source.type("x"), "none");
  });

  Deno.test("surveyRedis() reads every master of a cluster", async () => {
    await using cluster = await RedisCluster.start();
    const [node] = cluster.nodes;
    const cells: [string, string][] = [];
    for (let i = 0; i < 60; i++) {
      const key = `app:add:d:${i * 86_400}:event`;
      await node.cli("-c", "hset", key, "x", `${i + 1}`);
      await node.cli("-c", "sadd", `app:k:d:${i * 86_400}`, key);
      cells.push([
        JSON.stringify(["add", "event", undefined, "d", i * 86_400, "count", "x"]),
        `${i + 1}`,
      ]);
    }
    for (const url of [cluster.urls[0], cluster.urls[5]]) {
      await using target = new MemoryStorage();
      const { findings } = await importRedis(url, TRAQQ_LAYOUT, target, APP);
      assertEquals(findings, []);
      assertEquals(
        await contents(target, "app"),
        Object.fromEntries(cells.sort(([a], [b]) => a < b ? -1 : 1)),
      );
    }
    // The keys of a lost master are not left out.
    await using source = await RedisSource.open(node.url);
    await (await cluster.masterOf("app:add:d:0:event")).stop();
    const error = await assertRejects(
      () => surveyRedis(source, TRAQQ_LAYOUT, APP),
      StorageError,
    );
    assertMatch(error.message, /^Cannot (read from|reach) Redis at /);
  });
});

Deno.test("readRedisUrl() reads what it should, and never shows what it cannot read", () => {
  const { address, options } = readRedisUrl("rediss://ada:p%40ss@[::1]/2");
  assertEquals(address, "[::1]:6379");
  const { host, port, username, password, db, tls } = options;
  assertEquals([host, port, username, password, db, tls], ["::1", 6379, "ada", "p@ss", 2, {
    servername: "::1",
  }]);
  assertEquals(readRedisUrl("redis://localhost:7000").options.tls, undefined);
  for (const wrong of ["localhost:6379", "http://x", "redis://:pa ss#word@h:x", "redis://", ""]) {
    let message = "";
    try {
      readRedisUrl(wrong);
    } catch (error) {
      assert(error instanceof ConfigError);
      message = error.message;
    }
    assertStringIncludes(message, "wanted redis://HOST:PORT", wrong);
    assert(!message.includes("pa ss"));
  }
});
