import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { importCommand } from "../../src/cli/import.ts";
import { KvStorage } from "../../src/storage/kv.ts";
import { RedisCluster, RedisServer, until, withRedis } from "../_redis.ts";
import { clientOf } from "../_redis_client.ts";
import { contents, readAll } from "../contract/kit.ts";
import { recordAsRust, recordAsTrk } from "../transfer/_redis_writers.ts";
import { Folder, run, spawn, within } from "./_program.ts";

const ALLOW = [
  "--unstable-kv",
  "--allow-net=127.0.0.1",
  "--allow-env",
  "--allow-read=.",
  "--allow-write=.",
];
const EVENT = { event: "buy", ip: "1.1.1.1", geo: "US", amount: 12 };
const MAP = {
  bmp: ["ip"],
  add: ["event", "event~geo"],
  addv: [{ key: "event", value: "amount" }],
  top: ["geo"],
};
/** First second of a day in New York. */
const DAY = Date.parse("2026-11-21T05:00:00Z") / 1000;

async function stored(path: string, prefix: string) {
  await using storage = await KvStorage.open(path);
  return { cells: await contents(storage, prefix), timezone: await storage.timezone(prefix) };
}

await withRedis("traqq import --from-redis", () => {
  Deno.test("traqq import --from-redis brings trk's data with the permissions of --help, once", async () => {
    await using folder = new Folder();
    await using server = await RedisServer.start({ args: ["--requirepass", "s3cret"] });
    await using redis = await clientOf(server, { password: "s3cret" });
    for (let i = 0; i < 3; i++) await recordAsTrk(redis, "my:app", DAY + i * 86_400, MAP, EVENT);
    const { flags } = importCommand.permissions.find(({ when }) =>
      when.startsWith("--from-redis")
    )!;
    const allow = flags.replace("HOST:PORT", server.address).split(" ");
    const url = `redis://:s3cret@${server.address}`;
    const args = ["--layout", "trk", "--timezone", "America/New_York"];
    const first = await run({
      allow,
      args: ["import", "--from-redis", url, ...args],
      cwd: folder.path,
    });
    const done = `Imported 18 cells of Redis ${server.address} into prefix my:app`;
    assertEquals([first.code, first.out, first.err], [0, `${done}\n`, ""]);
    const again = await run({
      allow,
      args: ["import", ...args],
      cwd: folder.path,
      env: { TRAQQ_FROM_REDIS_URL: url },
    });
    assertEquals([again.code, again.out, again.err], [0, `${done} (18 of them before)\n`, ""]);
    const { cells, timezone } = await stored(folder.file("traqq.db"), "my:app");
    assertEquals([Object.keys(cells).length, timezone], [18, "America/New_York"]);

    const query = await run({
      allow: ["--unstable-kv", "--allow-read=traqq.db", "--allow-write=traqq.db"],
      args: [
        ...["query", "--storage", "kv", "--prefix", "my:app", "--from", "2026-11-21"],
        ...["--to", "2026-11-23", "--find", "adv/event/amount", "--merge", "--format", "json"],
      ],
      cwd: folder.path,
    });
    assertEquals(query.code, 0, query.err);
    assertStringIncludes(query.out.replaceAll(/\s/g, ""), '"buy":36');
  });

  Deno.test("traqq import --from-redis names what it cannot bring, up to a bound, and brings the rest", async () => {
    await using folder = new Folder();
    await using server = await RedisServer.start();
    await using redis = await clientOf(server);
    await recordAsRust(redis, "app", ["d:0", "h:3600"], { add: ["event"] }, { event: "x" });
    for (let i = 0; i < 25; i++) await redis.hset("app:add:d:0:event", `bad \x1b[31m${i}`, "x");
    await redis.set("app:session:1", "of somebody else");
    const ended = await run({
      allow: ALLOW,
      args: ["import", "--from-redis", server.url, "--layout", "traqq", "--prefix", "copy"],
      cwd: folder.path,
    });
    assertEquals(ended.code, 1, ended.err);
    assertStringIncludes(ended.out, "Imported 2 cells");
    const lines = ended.err.trimEnd().split("\n");
    assertEquals(lines.filter((line) => line.startsWith("Not imported: ")).length, 20);
    assertMatch(
      lines[1],
      /^Not imported: "app:add:d:0:event" field "bad \\u001b\[31m\d+": wanted a whole count/,
    );
    assertEquals(lines.at(-1), "In Redis: 1 unknown key, 25 not imported");
    const { cells, timezone } = await stored(folder.file("traqq.db"), "copy");
    assertEquals([Object.values(cells), timezone], [["1", "1"], "UTC"]);
  });

  Deno.test("traqq import --from-redis takes the zone that stands there, or the target's", async () => {
    await using folder = new Folder();
    await using server = await RedisServer.start();
    await using redis = await clientOf(server);
    await recordAsTrk(redis, "m", DAY, MAP, EVENT);
    await recordAsRust(redis, "ours", [`d:${DAY}`], { add: ["event"] }, EVENT);
    await redis.set("{ours}:meta:tz", "America/New_York");
    const imported = async (...args: string[]) =>
      await run({
        allow: ALLOW,
        args: ["import", "--from-redis", server.url, ...args],
        cwd: folder.path,
      });
    const wrong = await imported("--layout", "trk");
    assertEquals([wrong.code, wrong.out], [2, ""]);
    assertStringIncludes(
      wrong.err,
      "Cannot import in the time zone UTC: 1 of 1 buckets do not begin",
    );
    {
      await using storage = await KvStorage.open(folder.file("traqq.db"));
      assertEquals(await storage.timezone("m"), null);
      await storage.claimTimezone("m", "America/New_York");
    }
    assertEquals((await imported("--layout", "trk")).code, 0);
    assertEquals((await imported("--layout", "traqq")).code, 0);
    assertEquals((await stored(folder.file("traqq.db"), "ours")).timezone, "America/New_York");
  });

  Deno.test("traqq import --from-redis refuses what it should, in one line, and never shows a password", async () => {
    await using folder = new Folder();
    await using server = await RedisServer.start({ args: ["--requirepass", "s3cret"] });
    await using redis = await clientOf(server, { password: "s3cret" });
    const bad = async (code: number, args: string[], message: string, allow = ALLOW) => {
      const ended = await run({ allow, args: ["import", ...args], cwd: folder.path });
      assertEquals(ended.code, code, ended.err);
      assertStringIncludes(ended.err, message);
      assertEquals(ended.err.trimEnd().split("\n").length, 1, ended.err);
      assert(!/s3cret|wr0ng/.test(ended.err), ended.err);
    };
    const url = `redis://:s3cret@${server.address}`;
    const from = ["--from-redis", url, "--layout", "traqq"];
    await bad(2, ["--from-redis", url], "needs --layout traqq or --layout trk");
    await bad(2, ["--layout", "trk"], "environment variable TRAQQ_FROM_REDIS_URL");
    await bad(
      2,
      ["--layout", "trk2", "--from-redis", url],
      '--layout wants traqq or trk, received "trk2"',
    );
    await bad(2, ["--from-prefix", "x"], "add --from-redis URL");
    await bad(2, ["--timezone", "UTC", "x.ndjson"], "leave it or the files out");
    await bad(2, [...from, "x.ndjson"], "leave it or the files out");
    await bad(
      2,
      ["--from-redis", "http://:s3cret@x", "--layout", "trk"],
      "wanted redis://HOST:PORT",
    );
    await bad(2, [...from, "--timezone", "Mars"], "wanted an IANA name");
    await bad(
      1,
      ["--from-redis", `redis://:wr0ng@${server.address}`, "--layout", "trk"],
      "password",
    );
    await bad(1, from, "no prefix has known keys of layout traqq");
    await bad(
      1,
      from,
      `Deno does not allow it; run again with --allow-net=${server.address}`,
      ["--unstable-kv"],
    );
    assertEquals([...Deno.readDirSync(folder.path)], [], "none of these has made a file");
    for (const prefix of ["a", "b"]) {
      await recordAsRust(redis, prefix, ["d:0"], { add: ["event"] }, { event: "x" });
    }
    await bad(
      2,
      from,
      'There are several prefixes in Redis: "a", "b"; choose one with --from-prefix',
    );
    await bad(2, [...from, "--from-prefix", "c"], 'there is something under "a", "b"');
    const into = ["--from-prefix", "b", "--prefix", "a"];
    assertEquals(
      (await run({
        allow: ALLOW,
        args: ["import", ...from, "--from-prefix", "a"],
        cwd: folder.path,
      })).code,
      0,
    );
    await bad(2, [...from, ...into], "or give --merge");
    const merged = await run({
      allow: ALLOW,
      args: ["import", ...from, ...into, "--merge"],
      cwd: folder.path,
    });
    assertEquals(merged.code, 0, merged.err);
    assertEquals(Object.values((await stored(folder.file("traqq.db"), "a")).cells), ["2"]);
  });

  Deno.test("traqq import --from-redis that is killed at any moment and begun again imports each cell once", async () => {
    await using folder = new Folder();
    await using server = await RedisServer.start();
    await using redis = await clientOf(server);
    const fields = Array.from({ length: 4000 }, (_, i) => [`field ${i}`, `${i + 1}`]);
    for (let day = 0; day < 10; day++) {
      await redis.hset(`app:add:d:${day * 86_400}:event`, ...fields.flat());
    }
    const args = [
      "import",
      "--from-redis",
      server.url,
      "--layout",
      "traqq",
      "--from-prefix",
      "app",
    ];
    const written = () =>
      ["traqq.db", "traqq.db-wal"].reduce((sum, name) => {
        try {
          return sum + Deno.statSync(folder.file(name)).size;
        } catch {
          return sum;
        }
      }, 0);
    for (const more of [100_000, 1_000_000, 500_000]) {
      const child = spawn({ allow: ALLOW, args, cwd: folder.path });
      const kill = () => child.process.kill("SIGKILL");
      const from = written();
      await until("cells to be written", 20_000, () => written() > from + more).finally(kill);
      const { signal } = await within(child.process.status, "the import", kill);
      await Promise.all([child.out.ended, child.err.ended]);
      assertEquals(signal, "SIGKILL");
    }
    const ended = await run({ allow: ALLOW, args, cwd: folder.path });
    assertEquals(ended.code, 0, ended.err);
    assertMatch(ended.out, /^Imported 40000 cells .* \(\d+ of them before\)\n$/);
    await using storage = await KvStorage.open(folder.file("traqq.db"));
    const cells = await readAll(storage, { type: "add", pattern: "event" }, {
      prefix: "app",
      unit: "d",
      from: 0,
      to: 10 * 86_400,
    });
    const sum = cells.reduce((sum, cell) => sum + ("count" in cell ? cell.count : 0), 0);
    assertEquals([cells.length, sum], [40_000, 10 * 4000 * 4001 / 2]);
  });

  Deno.test("traqq import --from-redis ends at a signal, also while Redis does not answer", async () => {
    await using folder = new Folder();
    await using server = await RedisServer.start();
    await using redis = await clientOf(server);
    const fields = Array.from({ length: 20_000 }, (_, i) => [`field ${i}`, "1"]);
    for (let day = 0; day < 10; day++) {
      await redis.hset(`app:add:d:${day * 86_400}:event`, ...fields.flat());
    }
    const child = spawn({
      allow: ALLOW,
      args: ["import", "--from-redis", server.url, "--layout", "traqq", "--from-prefix", "app"],
      cwd: folder.path,
    });
    await until(
      "the first reading to begin",
      20_000,
      async () => /cmdstat_hscan:calls=\d\d/.test(await server.cli("info", "commandstats")),
    );
    server.freeze();
    child.process.kill("SIGINT");
    const { code } = await within(
      child.process.status,
      "the end",
      () => child.process.kill("SIGKILL"),
    );
    server.thaw();
    const [out, err] = await Promise.all([child.out.ended, child.err.ended]);
    assertEquals([code, out, err], [130, "", "Stopped; nothing is imported\n"]);
  });

  Deno.test("traqq import --from-redis reads a cluster, which it must be allowed to reach", async () => {
    await using folder = new Folder();
    await using cluster = await RedisCluster.start();
    const [node] = cluster.nodes;
    for (let i = 0; i < 12; i++) {
      await node.cli("-c", "hset", `app:add:d:${i * 86_400}:event`, "x", "1");
    }
    const files = ["--unstable-kv", "--allow-read=.", "--allow-write=.", "--allow-env"];
    const imported = (addresses: readonly string[]) =>
      run({
        allow: [...files, `--allow-net=${addresses.join(",")}`],
        args: ["import", "--from-redis", node.url, "--layout", "traqq", "--from-prefix", "app"],
        cwd: folder.path,
      });
    const alone = await imported([node.address]);
    assertEquals([alone.code, alone.out], [1, ""]);
    assertMatch(alone.err, /^traqq: Cannot reach Redis at .*--allow-net flag; .*all nodes.*\n$/);
    const all = await imported(cluster.nodes.map(({ address }) => address));
    assertEquals([all.code, all.err], [0, ""]);
    assertStringIncludes(all.out, "Imported 12 cells");
  });
});
