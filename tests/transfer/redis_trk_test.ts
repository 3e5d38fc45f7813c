import { assertEquals, assertRejects } from "@std/assert";
import { ConfigError } from "../../src/base/errors.ts";
import { HyperLogLog } from "../../src/sketch/hyperloglog.ts";
import { MemoryStorage } from "../../src/storage/memory.ts";
import { TRK_LAYOUT } from "../../src/transfer/redis_trk.ts";
import { Traqq } from "../../src/traqq.ts";
import { RedisServer, withRedis } from "../_redis.ts";
import { clientOf } from "../_redis_client.ts";
import { contents } from "../contract/kit.ts";
import { importRedis, recordAsTrk, told } from "./_redis_writers.ts";

const MAP = {
  bmp: ["ip", "geo~ip"],
  add: ["event", "event~geo"],
  addv: [{ key: "event~geo", value: "amount" }],
  top: ["geo", "event~geo"],
};

const EVENTS = [
  { event: "buy", ip: "1.1.1.1", geo: "US", amount: 99 },
  { event: "buy", ip: "10.0.0.2", geo: "DE", amount: 12 },
  { event: "refund", ip: "1.1.1.1", geo: "US", amount: -20 },
  { event: "buy", ip: "10.0.0.3", geo: "ü x", amount: 1 },
];

/** First seconds of three days in New York, the second of which is 25 hours long. */
const DAYS = ["2026-10-31T04:00:00Z", "2026-11-01T04:00:00Z", "2026-11-02T05:00:00Z"]
  .map((time) => Date.parse(time) / 1000);

const id = (
  type: string,
  pattern: string,
  addKey: string | null,
  start: number,
  kind: string,
  field: string | null,
) => JSON.stringify([type, pattern, addKey, "d", start, kind, field]);

await withRedis("the import of layout trk", () => {
  for (const [name, heir] of [["trk", false], ["trk2", true]] as const) {
    for (const prefix of ["metrics", "my:app"]) {
      Deno.test(`TRK_LAYOUT gives what traqq counts of the events of ${name}, prefix ${prefix}`, async () => {
        await using server = await RedisServer.start();
        await using redis = await clientOf(server);
        await using counted = new MemoryStorage();
        await using traqq = await Traqq.open({
          storage: counted,
          prefix,
          mapping: {
            bitmap: MAP.bmp,
            add: MAP.add,
            addValue: [{ key: "event~geo", addKey: "amount" }],
            top: MAP.top,
          },
          time: { timezone: "America/New_York" },
          limits: { maxFutureMs: 1e15 },
        });
        for (const [i, day] of DAYS.entries()) {
          for (const event of EVENTS.slice(i)) {
            await traqq.record(event, { at: day + 86_400 / 2 });
            await recordAsTrk(redis, prefix, day, MAP, event, heir);
          }
        }
        await traqq.flush();
        await using target = new MemoryStorage();
        const { findings } = await importRedis(server.url, TRK_LAYOUT, target, {
          prefix,
          timezone: "America/New_York",
        });
        assertEquals(findings.map(told), []);
        assertEquals(await contents(target, prefix), await contents(counted, prefix));
      });
    }
  }

  Deno.test("TRK_LAYOUT refuses days that do not begin in the zone, and leaves the target alone", async () => {
    await using server = await RedisServer.start();
    await using redis = await clientOf(server);
    for (const day of DAYS) await recordAsTrk(redis, "m", day, MAP, EVENTS[0]);
    await using target = new MemoryStorage();
    const error = await assertRejects(
      () => importRedis(server.url, TRK_LAYOUT, target, { prefix: "m", timezone: "-04:00" }),
      ConfigError,
    );
    assertEquals(
      error.message,
      "Cannot import in the time zone -04:00: 1 of 3 buckets do not begin where its days do, such as " +
        '2026-11-02T05:00:00Z ("m:1793595600:add:event"); give the zone of the machine that ' +
        "recorded them: --timezone ZONE",
    );
    assertEquals([await contents(target, "m"), await target.timezone("m")], [{}, null]);
  });

  Deno.test("TRK_LAYOUT takes a count only where no other label shares the totals", async () => {
    await using server = await RedisServer.start();
    await using redis = await clientOf(server);
    const day = 86_400;
    const addv = [
      { key: "event", value: "amount" },
      { key: "event~geo", value: "amount" },
      { key: "geo", value: "qty" },
      { key: "tax", value: "tax" },
      { key: "fee", value: "fee" },
      { key: "geo", value: "fee" },
    ];
    for (const amount of [99, 12]) {
      const event = { event: "buy", geo: "US", amount, qty: 2, tax: 7, fee: 3 };
      await recordAsTrk(redis, "m", day, { addv }, event);
    }
    assertEquals(await redis.hgetall(`m:${day}:addv:amount:i`), { sum: "222", count: "4" });
    await using target = new MemoryStorage();
    const { findings } = await importRedis(server.url, TRK_LAYOUT, target, {
      prefix: "m",
      timezone: "UTC",
    });
    assertEquals(await contents(target, "m"), {
      [id("adv", "event", "amount", day, "sum", "buy")]: "111000000",
      [id("adv", "event~geo", "amount", day, "sum", "buy~US")]: "111000000",
      [id("adv", "geo", "fee", day, "sum", "US")]: "6000000",
      [id("adv", "geo", "qty", day, "sum", "US")]: "4000000",
      [id("adv", "geo", "qty", day, "tally", null)]: "2",
      [id("adv", "tax", "tax", day, "sum", "~other")]: "14000000",
      [id("adv", "tax", "tax", day, "tally", null)]: "2",
    });
    assertEquals(
      findings.map(told).sort(),
      [
        `refused m:${day}:addv:fee:fee: it has no sums of its own, and its totals are shared with ` +
        "other labels",
        `shared m:${day}:addv:amount:i: its count is that of all of these labels together: event, ` +
        "event~geo",
        `shared m:${day}:addv:fee:i: its count is that of all of these labels together: fee, geo`,
      ].sort(),
    );
  });

  Deno.test("TRK_LAYOUT takes what a real trk left of odd events", async () => {
    // The keys, types and values are those that trk wrote on a real server for these five events, with
    // {bmp:['ip','ip~geo'],add:['event','geo~event','ref '],top:['geo','url'],addv:[event/amount,
    // geo~event/amount,'tax',geo/qty]}, TZ=Asia/Kolkata:
    //   buy 1.1.1.1 US 99.99 tax 7 qty 2 url http://a/b~c?x=1, buy 2001:db8::1 DE "12" tax "3.9"
    //   qty "1e3" "ref " x, view 1.1.1.1 " fr " 0 url ü~:x, refund 3.3.3.3 US -20.5,
    //   odd "" {} Infinity qty true url \ud800x
    await using server = await RedisServer.start();
    await using redis = await clientOf(server);
    const day = Date.parse("2026-11-21T18:30:00Z") / 1000;
    const key = (rest: string) => `my:app:${day}:${rest}`;
    const hashes = {
      "add:event": { buy: "2", view: "1", refund: "1", odd: "1" },
      "add:event~geo": { "buy~US": "1", "view~ fr ": "1", "odd~[object Object]": "1" },
      "add:ref ": { x: "1" },
      "addv:amount:event": { buy: "111", refund: "-20" },
      "addv:amount:event~geo": { "buy~US": "99", "buy~DE": "12", "refund~US": "-20" },
      "addv:amount:i": { sum: "182", count: "8" },
      "addv:qty:geo": { US: "2", DE: "1" },
      "addv:qty:i": { sum: "3", count: "3" },
      "addv:tax:i": { sum: "10", count: "2" },
    };
    for (const [rest, fields] of Object.entries(hashes)) await redis.hset(key(rest), fields);
    await redis.zadd(key("top:url"), 1, "http://a/b~c?x=1", 1, "ü~:x", 1, "\ufffdx");
    await redis.set(key("bmp:ip"), Buffer.from([0xe0]));
    await redis.zadd(key("bmp:i:ip"), 0, "1.1.1.1", 1, "2001:db8::1", 2, "3.3.3.3");
    const known = [...Object.keys(hashes), "top:url", "bmp:ip", "addv:tax:tax"];
    await redis.sadd(`my:app:k:${day}`, ...known.map((rest) => key(rest).trim()));

    await using target = new MemoryStorage();
    const { findings } = await importRedis(server.url, TRK_LAYOUT, target, {
      prefix: "my:app",
      timezone: "Asia/Kolkata",
      to: "ours",
    });
    assertEquals(findings.map(({ kind }) => kind), ["shared"]);
    await using traqq = await Traqq.open({ storage: target, prefix: "ours" });
    const result = await traqq.query({ from: day, to: day });
    assertEquals(result.buckets[0].label, "2026-11-22");
    assertEquals(result.merged("bmp/ip").count, 3);
    assertEquals(
      { ...result.merged("add/event~geo").counts },
      hashesAsNumbers(hashes["add:event~geo"]),
    );
    assertEquals({ ...result.merged("add/ref ").counts }, { x: 1 });
    assertEquals(result.merged("top/url").ranked.map(([member]) => member), [
      "http://a/b~c?x=1",
      "ü~:x",
      "\ufffdx",
    ]);
    const { sums, sum, count } = result.merged("adv/geo/qty");
    assertEquals([{ ...sums }, sum, count], [{ US: 2, DE: 1 }, 3, 3]);
    const tax = result.merged("adv/tax/tax");
    assertEquals([tax.sum, tax.count], [10, 2]);
  });

  Deno.test("TRK_LAYOUT tells of bitmaps whose values nobody knows, and brings the others", async () => {
    await using server = await RedisServer.start();
    await using redis = await clientOf(server);
    const values = Array.from({ length: 3000 }, (_, i) => `user ${i}`);
    await redis.zadd("m:0:bmp:i:user", ...values.flatMap((value, i) => [i, value]));
    for (const i of [0, 7, 8, 2500, 2999, 3000]) await redis.setbit("m:0:bmp:user", i, 1);
    await redis.zadd("m:0:bmp:i:user", "1.5", "half", "-8", "below");
    await redis.setbit("m:0:bmp:lost", 0, 1);
    await redis.zadd("m:0:bmp:i:alone", 0, "x");
    await redis.set("m:0:bmp:wrong", "\x80");
    await redis.set("m:0:bmp:i:wrong", "no sorted set");
    await redis.setbit("m:0:bmp:blind", 3, 1);
    await redis.zadd("m:0:bmp:i:blind", 2, "x");
    await redis.hset("m:0:addv:amount:i", { sum: "1", count: "1" });
    await redis.hset("m:0:addv:a:b:c", "x", "1");
    await redis.hset("m:0:bmp", "x", "1");
    await redis.sadd("m:k:0", "m:0:add:gone");
    await using target = new MemoryStorage();
    const { findings } = await importRedis(server.url, TRK_LAYOUT, target, {
      prefix: "m",
      timezone: "UTC",
    });
    const sketch = new HyperLogLog();
    for (const i of [0, 7, 8, 2500, 2999]) sketch.add(`user ${i}`);
    assertEquals(await contents(target, "m"), {
      [id("bmp", "user", null, 0, "sketch", null)]: sketch.toBytes().toHex(),
    });
    assertEquals(findings.map(told).sort(), [
      "missing m:0:add:gone: it is a known key, and there is no such key",
      "missing m:0:bmp:i:alone: its bitmap m:0:bmp:alone is not there, so it counts nothing",
      "refused m:0:addv:a:b:c: wanted one colon between the summed property and the label",
      "refused m:0:addv:amount:i: nobody knows which labels these are the totals of",
      "refused m:0:bmp:blind: 1 of its 1 bits have no value in m:0:bmp:i:blind; they are left out",
      "refused m:0:bmp:i:wrong: wanted a zset, received a string",
      "refused m:0:bmp:lost: m:0:bmp:i:lost is not there, so nobody knows which values were counted",
      "refused m:0:bmp:user: 1 of its 6 bits have no value in m:0:bmp:i:user; they are left out",
      "unknown m:0:bmp: it is none of the keys of this layout",
    ]);
  });
});

function hashesAsNumbers(hash: Record<string, string>): Record<string, number> {
  return Object.fromEntries(Object.entries(hash).map(([field, text]) => [field, Number(text)]));
}
