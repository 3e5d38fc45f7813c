import { assertEquals } from "@std/assert";
import { MemoryStorage } from "../../src/storage/memory.ts";
import { RedisSource } from "../../src/transfer/redis_source.ts";
import { timezoneIn } from "../../src/transfer/redis_survey.ts";
import { TRAQQ_LAYOUT } from "../../src/transfer/redis_traqq.ts";
import { Traqq } from "../../src/traqq.ts";
import { RedisServer, withRedis } from "../_redis.ts";
import { clientOf } from "../_redis_client.ts";
import { contents } from "../contract/kit.ts";
import { importRedis, recordAsRust, told } from "./_redis_writers.ts";

const MAPPING = {
  bitmap: ["ip"],
  add: ["event", "event~geo"],
  addValue: [{ key: "event~geo", addKey: "amount" }, { key: "geo", addKey: "amount" }],
  top: ["geo"],
};

/** Three days around the end of summer time in Berlin. */
const DAYS = ["2026-10-24", "2026-10-25", "2026-10-26"];

const EVENTS = [
  { event: "buy", ip: "1.1.1.1", geo: "US", amount: 99.99 },
  { event: "buy", ip: "10.0.0.2", geo: "DE", amount: 0.1 },
  { event: "refund", ip: "1.1.1.1", geo: "DE", amount: -20.5 },
  { event: "buy", ip: "10.0.0.3", geo: "ü {x} ", amount: 0.2 },
];

/**
 * The first seconds of the day and hour that the Rust traqq counts an instant in: of an hour that the
 * clock shows twice always the first.
 */
function rustBuckets(time: string): { day: number; hour: number } {
  const local = Temporal.Instant.from(time).toZonedDateTimeISO("Europe/Berlin").toPlainDateTime();
  const seconds = (at: Temporal.PlainDateTime) =>
    at.toZonedDateTime("Europe/Berlin", { disambiguation: "earlier" }).epochMilliseconds / 1000;
  return {
    day: seconds(local.round({ smallestUnit: "day", roundingMode: "floor" })),
    hour: seconds(local.round({ smallestUnit: "hour", roundingMode: "floor" })),
  };
}

await withRedis("the import of layout traqq", () => {
  for (const prefix of ["shop", "my:shop", "a*[b]?\\c"]) {
    Deno.test(`TRAQQ_LAYOUT gives what traqq counts of the same events, prefix ${prefix}`, async () => {
      await using server = await RedisServer.start();
      await using redis = await clientOf(server);
      await using counted = new MemoryStorage();
      await using traqq = await Traqq.open({
        storage: counted,
        prefix,
        mapping: MAPPING,
        time: { timezone: "Europe/Berlin", hourly: true },
        limits: { maxFutureMs: 1e15 },
      });
      for (const [i, day] of DAYS.entries()) {
        // On the 25th 02:30 comes twice.
        for (const time of ["00:30:00Z", "01:30:00Z"]) {
          const { day: dayStart, hour } = rustBuckets(`${day}T${time}`);
          for (const event of EVENTS.slice(i % 2)) {
            await traqq.record(event, { at: hour + 1800 });
            await recordAsRust(redis, prefix, [`d:${dayStart}`, `h:${hour}`], MAPPING, {
              ...event,
              geo: event.geo.trim(),
            });
          }
        }
      }
      await traqq.flush();
      // Another prefix that begins alike, and a key that is nobody's.
      await recordAsRust(redis, `${prefix}:eu`, ["d:0"], MAPPING, EVENTS[0]);
      await redis.set("other", "x");

      await using target = new MemoryStorage();
      const { report, findings } = await importRedis(server.url, TRAQQ_LAYOUT, target, {
        prefix,
        timezone: "Europe/Berlin",
      });
      assertEquals(findings.map(told), []);
      const wanted = await contents(counted, prefix);
      assertEquals(await contents(target, prefix), wanted);
      assertEquals(report.cells, Object.keys(wanted).length);
      assertEquals(report.complete, true);
      assertEquals(await target.timezone(prefix), "Europe/Berlin");
    });
  }

  Deno.test("TRAQQ_LAYOUT rounds sums that were added as floats to six decimals", async () => {
    await using server = await RedisServer.start();
    await using redis = await clientOf(server);
    const key = "app:adv:d:0:amount:event";
    const sums: Record<string, [string[], string]> = {
      thirds: [["0.1", "0.2"], "300000"],
      half: [["0.0000005"], "1"],
      minus: [["-0.0000005"], "-1"],
      less: [["0.00000049"], "0"],
      big: [["9007199254740991", "0.5"], "9007199254740991500000"],
      nothing: [["5.5", "-5.5"], "0"],
    };
    for (const [field, [amounts]] of Object.entries(sums)) {
      for (const amount of amounts) await redis.hincrbyfloat(key, field, amount as never);
    }
    for (let i = 0; i < 1000; i++) await redis.hincrbyfloat(key, "many", "0.01" as never);
    await redis.hset(key, "exponent", "1.5e3");
    await redis.sadd("app:k:d:0", key);
    await using target = new MemoryStorage();
    const { findings } = await importRedis(server.url, TRAQQ_LAYOUT, target, {
      prefix: "app",
      timezone: "UTC",
    });
    assertEquals(findings.map(told), []);
    const got = Object.entries(await contents(target, "app"))
      .map(([id, value]) => [JSON.parse(id)[6], value]);
    assertEquals(Object.fromEntries(got), {
      ...Object.fromEntries(Object.entries(sums).map(([field, [, micros]]) => [field, micros])),
      many: "10000000",
      exponent: "1500000000",
    });
  });

  Deno.test("TRAQQ_LAYOUT tells of every key and value that it cannot bring, and brings the rest", async () => {
    await using server = await RedisServer.start();
    await using redis = await clientOf(server);
    await redis.hset("app:add:d:0:event", {
      good: "3",
      zero: "0",
      text: "x",
      huge: "9007199254740992",
    });
    await redis.hset("app:add:d:0:event", {
      float: "1.5",
      minus: "-1",
      hex: "0x10",
      max: "9007199254740991",
    });
    await redis.hset("app:add:d:0:event", Buffer.from([0xff, 0x41]), "1");
    await redis.hset("app:add:d:0:event", "\ufeffbom", "1");
    await redis.set("app:add:d:0:string", "1");
    await redis.hset("app:add:d:0:geo~event", "US~buy", "1");
    await redis.hset("app:add:d:0:a:b", "x", "1");
    await redis.hset("app:add:d:00:event", "x", "1");
    await redis.hset("app:add:w:0:event", "x", "1");
    await redis.hset("app:adv:d:0:amount:event", {
      ok: "1.25",
      inf: "inf",
      nan: "nan",
      far: "1e17",
    });
    await redis.hset("app:adv:d:0:amount:event:i", { sum: "7", count: "x", more: "1" });
    await redis.hset("app:adv:d:0:amount:geo", { US: "1.25" });
    await redis.hset("app:adv:d:0:amount:geo:i", { sum: "1.5", count: "2" });
    await redis.hset("app:adv:d:0:amount:alone:i", { sum: "2.5", count: "4" });
    await redis.hset("app:adv:d:0:amount", "x", "1");
    await redis.hset("app:adv:d:0:amount:a:b:i", "x", "1");
    await redis.set("app:bmp:d:0:ip", "HYLL and then nothing");
    await redis.zadd(
      "app:top:d:0:geo",
      5,
      "US",
      1.5,
      "DE",
      0,
      "FR",
      -1,
      "IT",
      "inf",
      "ES",
      2 ** 53,
      "PL",
    );
    await redis.set("app:session:1", "of somebody else");
    await redis.sadd("app:k:d:0", "app:add:d:0:event", "app:add:d:0:gone", "elsewhere");
    await redis.set("app:k:d:86400", "no set");
    // It looks like the known keys of a prefix of its own, and is none.
    await redis.hset("app:add:d:0:x:k:d:5", "x", "1");

    await using target = new MemoryStorage();
    const { report, findings } = await importRedis(server.url, TRAQQ_LAYOUT, target, {
      prefix: "app",
      timezone: "UTC",
    });
    const id = (
      type: string,
      pattern: string,
      addKey: string | null,
      kind: string,
      field: string | null,
    ) => JSON.stringify([type, pattern, addKey, "d", 0, kind, field]);
    assertEquals(await contents(target, "app"), {
      [id("add", "event", null, "count", "good")]: "3",
      [id("add", "event", null, "count", "max")]: "9007199254740991",
      [id("add", "event", null, "count", "\ufeffbom")]: "1",
      [id("adv", "alone", "amount", "sum", "~other")]: "2500000",
      [id("adv", "alone", "amount", "tally", null)]: "4",
      [id("adv", "event", "amount", "sum", "ok")]: "1250000",
      [id("adv", "geo", "amount", "sum", "US")]: "1250000",
      [id("adv", "geo", "amount", "tally", null)]: "2",
      [id("top", "geo", null, "count", "US")]: "5",
    });
    assertEquals(report.refused, 0);
    const count = "wanted a whole count from 1 to 2^53 - 1, received";
    const number = "wanted a number up to ±2^53, received";
    const unknown = "it is none of the keys of this layout";
    const colon = "wanted one colon between the property that is summed and the pattern";
    assertEquals(
      findings.map(told).sort(),
      [
        `refused app:add:d:0:event "\ufffdA": its name is no UTF-8`,
        `refused app:add:d:0:event "float": ${count} "1.5"`,
        `refused app:add:d:0:event "hex": ${count} "0x10"`,
        `refused app:add:d:0:event "huge": ${count} "9007199254740992"`,
        `refused app:add:d:0:event "minus": ${count} "-1"`,
        `refused app:add:d:0:event "text": ${count} "x"`,
        `refused app:add:d:0:event "zero": ${count} "0"`,
        `refused app:add:d:0:a:b: wanted property names without ":", "{" and "}", which traqq does not take`,
        `refused app:add:d:0:x:k:d:5: wanted property names without ":", "{" and "}", which traqq does not take`,
        `refused app:add:d:0:geo~event: wanted property names in ascending order, each once: traqq finds no others`,
        `refused app:add:d:0:string: wanted a hash, received a string`,
        `refused app:adv:d:0:amount:a:b:i: ${colon}`,
        `refused app:adv:d:0:amount:event "far": ${number} "1e17"`,
        `refused app:adv:d:0:amount:event "inf": ${number} "inf"`,
        `refused app:adv:d:0:amount:event "nan": ${number} "nan"`,
        `refused app:adv:d:0:amount:event:i "count": ${count} "x"`,
        `refused app:adv:d:0:amount:event:i "more": wanted only "sum" and "count" in totals`,
        `refused app:adv:d:0:amount: ${colon}`,
        `refused app:bmp:d:0:ip: Cannot read a sketch: expected bytes 5-7 to be 00 00 00, received 61 6e 64`,
        `refused app:top:d:0:geo "DE": ${count} "1.5"`,
        `refused app:top:d:0:geo "ES": ${count} "inf"`,
        `refused app:top:d:0:geo "FR": ${count} "0"`,
        `refused app:top:d:0:geo "IT": ${count} "-1"`,
        `refused app:top:d:0:geo "PL": ${count} "9007199254740992"`,
        `differs app:adv:d:0:amount:geo:i "sum": it is 1.5, and its labels together are 1.25; the labels are taken`,
        `unknown app:add:d:00:event: ${unknown}`,
        `unknown app:add:w:0:event: ${unknown}`,
        `unknown app:k:d:86400: ${unknown}`,
        `unknown app:session:1: ${unknown}`,
        `missing app:add:d:0:gone: it is a known key, and there is no such key`,
        `missing elsewhere: it is a known key, and there is no such key`,
      ].sort(),
    );
  });

  for (const [prefix, root] of [["app", "{app}:meta"], ["{app}", "{app}:tagmeta"]]) {
    Deno.test(`TRAQQ_LAYOUT leaves the bookkeeping of our own storage out, prefix ${prefix}`, async () => {
      await using server = await RedisServer.start();
      await using redis = await clientOf(server);
      const key = `${prefix}:add:d:0:event`;
      const beside = prefix === "app" ? `{${key}}` : key;
      await redis.hset(key, "x", "1");
      await redis.sadd(`${prefix}:k:d:0`, key);
      await redis.set(`${root}:tz`, "Europe/Berlin");
      await redis.hset(`${root}:cp:writer`, "flush", "1");
      await redis.hset(`${beside}:cp:writer`, "seq", "1");
      await redis.sadd(`${beside}:cps`, "writer");
      await redis.set(`${beside}:tmp`, "x");
      await using source = await RedisSource.open(server.url);
      assertEquals(await timezoneIn(source, TRAQQ_LAYOUT, prefix), "Europe/Berlin");
      assertEquals(await timezoneIn(source, TRAQQ_LAYOUT, "other"), null);
      await using target = new MemoryStorage();
      const { report, findings } = await importRedis(server.url, TRAQQ_LAYOUT, target, {
        prefix,
        timezone: "UTC",
      });
      assertEquals([report.cells, findings], [1, []]);
    });
  }

  Deno.test("TRAQQ_LAYOUT reads keys of many thousand fields, sketches sparse and dense", async () => {
    await using server = await RedisServer.start();
    await using redis = await clientOf(server);
    const fields: Record<string, string> = {};
    for (let i = 0; i < 12_345; i++) fields[`field ${i}`] = `${i + 1}`;
    await redis.hset("app:add:h:3600:event", fields);
    await redis.zadd(
      "app:top:d:0:geo",
      ...Object.entries(fields).flatMap(([field, count]) => [count, field]),
    );
    for (const [name, size] of [["few", 10], ["many", 20_000]] as const) {
      const values = Array.from({ length: size }, (_, i) => `value ${i}`);
      await redis.pfadd(`app:bmp:d:0:${name}`, ...values);
      await redis.pfcount(`app:bmp:d:0:${name}`);
    }
    await redis.sadd("app:k:d:0", "app:top:d:0:geo", "app:bmp:d:0:few", "app:bmp:d:0:many");
    await using target = new MemoryStorage();
    const { report, findings } = await importRedis(server.url, TRAQQ_LAYOUT, target, {
      prefix: "app",
      timezone: "UTC",
    });
    assertEquals([report.cells, findings], [2 * 12_345 + 2, []]);
    await using traqq = await Traqq.open({ storage: target, prefix: "app" });
    const days = await traqq.query({ from: 0, to: 0 });
    assertEquals(days.merged("top/geo").ranked.slice(0, 2), [["field 12344", 12_345], [
      "field 12343",
      12_344,
    ]]);
    assertEquals(days.merged("bmp/few").count, await redis.pfcount("app:bmp:d:0:few"));
    assertEquals(days.merged("bmp/many").count, await redis.pfcount("app:bmp:d:0:many"));
    const hours = await traqq.query({ from: 0, to: 7200, unit: "h" });
    assertEquals(hours.merged("add/event").counts["field 41"], 42);
  });
});
