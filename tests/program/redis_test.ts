import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { Client } from "../../src/client/client.ts";
import { freePort, RedisServer, until, withRedis } from "../_redis.ts";
import { CERT, KEY } from "../server/_tls.ts";
import { Folder, run, Server } from "./_program.ts";

const AT = "2026-11-01T12:00:00Z";

await withRedis("traqq --storage redis", () => {
  Deno.test("traqq commands keep and find everything in Redis, beside each other", async () => {
    await using redis = await RedisServer.start();
    await using folder = new Folder();
    const flags = ["--storage", "redis", "--redis-url", redis.url];
    const traqq = async (...args: string[]) => {
      const { code, out, err } = await run({ cwd: folder.path, allow: ["-A"], args });
      assertEquals([code, err], [0, ""], args.join(" "));
      return out;
    };
    {
      await using server = await Server.start(
        folder.path,
        ...flags,
        "--data-dir=data",
        "--add=event~geo",
        "--bitmap=ip",
        "--add-value=event/amount",
        "--top=geo",
      );
      await using client = await Client.connect(server.address);
      const event = { event: "buy", geo: "US", ip: "1", amount: 0.1 };
      await client.recordMany([event, { ...event, geo: "DE", amount: 0.2 }], { at: AT });
      const { out, code } = await server.stop();
      assertEquals(code, 0);
      assertStringIncludes(out, `Redis ${redis.address}`);
    }
    await traqq(
      "record",
      ...flags,
      "--add=event~geo",
      "--at",
      AT,
      "--event",
      '{"event":"buy","geo":"DE"}',
    );
    const day = ["--from", "2026-11-01", "--to", "2026-11-01", "--format", "ndjson"];
    const rows = await traqq("query", ...flags, ...day);
    assertStringIncludes(rows, '"field":["buy","DE"],"value":2');
    assertStringIncludes(rows, '"value":0.3}');
    await traqq("export", ...flags, "all.ndjson");
    await traqq("import", "--kv-path=copy.db", "all.ndjson");
    assertEquals(await traqq("query", "--storage=kv", "--kv-path=copy.db", ...day), rows);
    await traqq("import", ...flags, "--prefix=copy", "all.ndjson");
    assertEquals(await traqq("query", ...flags, "--prefix=copy", ...day), rows);
    assertMatch(
      await traqq("prune", ...flags, "--before", "2026-12-01"),
      /^Removed 1 day or hour with 7 values/,
    );
    assertMatch(await traqq("prune", ...flags, "--writers"), /^Removed .* flush/m);
  });

  Deno.test("traqq --storage redis takes the URL from the environment, and shows no password", async () => {
    await using redis = await RedisServer.start({ args: ["--requirepass", "secret"] });
    await using folder = new Folder();
    const ask = (url: string) =>
      run({
        cwd: folder.path,
        allow: ["--allow-net", "--allow-env=TRAQQ_REDIS_URL", "--ignore-env"],
        env: { TRAQQ_REDIS_URL: url },
        args: ["query", "--storage=redis", "--days=1"],
      });
    const asked = await ask(`redis://:secret@${redis.address}`);
    assertEquals([asked.code, asked.err], [0, ""]);
    for (const password of ["", ":wrong@"]) {
      const refused = await ask(`redis://${password}${redis.address}`);
      assertEquals(refused.code, 1);
      assertStringIncludes(refused.err, `Cannot open Redis at ${redis.address}`);
      assertEquals(refused.err.trimEnd().split("\n").length, 1);
      assertEquals(refused.err.includes("wrong@"), false);
    }
  });

  Deno.test("traqq --redis-ca trusts the server's certificate, and no other does", async () => {
    await using folder = new Folder();
    folder.write("cert.pem", CERT);
    folder.write("key.pem", KEY);
    const port = freePort();
    await using _redis = await RedisServer.start({
      args: [
        ...["--tls-port", `${port}`, "--tls-auth-clients", "no"],
        ...["--tls-cert-file", folder.file("cert.pem"), "--tls-key-file", folder.file("key.pem")],
        ...["--tls-ca-cert-file", folder.file("cert.pem")],
      ],
    });
    const traqq = (...args: string[]) =>
      run({
        cwd: folder.path,
        allow: ["-A"],
        args: [
          args[0],
          "--storage=redis",
          `--redis-url=rediss://127.0.0.1:${port}`,
          ...args.slice(1),
        ],
      });
    const recorded = await traqq("record", "--redis-ca=cert.pem", '--event={"event":"x"}');
    assertEquals([recorded.code, recorded.err], [0, ""]);
    const asked = await traqq("query", "--redis-ca=cert.pem", "--days=1", "--format=ndjson");
    assertStringIncludes(asked.out, '"value":1');
    const refused = await traqq("query", "--days=1");
    assertEquals([refused.code, refused.out], [1, ""]);
    assertMatch(refused.err, /^.*Cannot open Redis at .* certificate is not to be trusted.*\n$/);
  });

  Deno.test("traqq --redis-replicas confirms nothing that no replica has", async () => {
    await using redis = await RedisServer.start();
    await using replica = await RedisServer.start();
    await using folder = new Folder();
    const record = () =>
      run({
        cwd: folder.path,
        allow: ["-A"],
        args: [
          ...["record", "--storage=redis", `--redis-url=${redis.url}`, "--redis-replicas=1"],
          ...["--event", '{"event":"x"}', "--config", "soon.json"],
        ],
      });
    folder.write("soon.json", JSON.stringify({ flush: { deadlineMs: 3000 } }));
    const alone = await record();
    assertEquals(alone.code, 1);
    assertStringIncludes(alone.err, "1 events that are not confirmed");
    await replica.cli("replicaof", "127.0.0.1", `${redis.port}`);
    await until(
      "the replica to follow",
      20_000,
      async () => (await redis.cli("info", "replication")).includes("state=online"),
    );
    assertEquals((await record()).code, 0);
  });

  Deno.test("traqq --redis-url of one node of a cluster says what is missing", async () => {
    await using node = await RedisServer.start({ args: ["--cluster-enabled", "yes"] });
    await node.cli("cluster", "addslotsrange", "0", "16383");
    const serves = async () => (await node.cli("cluster", "info")).includes("state:ok");
    await until("a cluster of one", 10_000, serves);
    await using folder = new Folder();
    const { code, err } = await run({
      cwd: folder.path,
      allow: ["-A"],
      args: ["record", "--storage=redis", `--redis-url=${node.url}`, '--event={"event":"x"}'],
    });
    assertEquals(code, 1);
    assertMatch(err, /^.*this is one server of a cluster; use --redis-cluster.*\n$/);
  });
});
