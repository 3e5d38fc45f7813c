/** Opening Redis, and what is said when that cannot be done. */
import {
  assert,
  assertEquals,
  assertRejects,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import { Cluster, Redis } from "ioredis";
import { StorageError } from "../../../src/base/errors.ts";
import { addressesOf, type RedisTarget } from "../../../src/storage/redis/options.ts";
import { RedisStorage, type RedisStorageOptions } from "../../../src/storage/redis.ts";
import { count, TestWriter } from "../../contract/kit.ts";
import { freePort, RedisServer, until, withRedis } from "../../_redis.ts";
import { CERT, KEY } from "../../server/_tls.ts";

const PASSWORD = "s3cr:t/ä";
const ENCODED = encodeURIComponent(PASSWORD);

Deno.test("addressesOf() reads URLs, several of them, and what stands in them", () => {
  const ok = (target: string | string[], ...wanted: Record<string, unknown>[]) => {
    const plain = { username: undefined, password: undefined, db: 0, tls: false, port: 6379 };
    assertEquals(addressesOf(target) as unknown, wanted.map((it) => ({ ...plain, ...it })));
  };
  ok("redis://localhost", { host: "localhost" });
  ok("redis://10.0.0.1:7000/3", { host: "10.0.0.1", port: 7000, db: 3 });
  ok("rediss://[::1]:80", { host: "::1", port: 80, tls: true });
  ok(`redis://ann:${ENCODED}@h`, { host: "h", username: "ann", password: PASSWORD });
  ok("redis://:secret@h", { host: "h", password: "secret" });
  ok("redis://a:1,b:2, redis://c:3,", { host: "a", port: 1 }, { host: "b", port: 2 }, {
    host: "c",
    port: 3,
  });
  ok(["redis://a", "redis://b"], { host: "a" }, { host: "b" });
  for (
    const text of ["", " , ", "localhost", "http://h", "redis://h:99999", "redis://h/x", "redis://"]
  ) {
    const error = assertThrows(() => addressesOf(text), StorageError);
    assertEquals(error.code, "refused", text);
  }
  const error = assertThrows(() => addressesOf("redis://:secret@h:x"), StorageError);
  assert(!error.message.includes("secret"));
});

await withRedis("RedisStorage.open()", async () => {
  const server = await RedisServer.start();
  const guarded = await RedisServer.start({ args: ["--requirepass", PASSWORD] });
  const files = server.folder; // they go with it
  Deno.writeTextFileSync(`${files}/cert.pem`, CERT);
  Deno.writeTextFileSync(`${files}/key.pem`, KEY);
  const tlsPort = freePort();
  await server.cli("config", "set", "tls-auth-clients", "no");
  await server.cli("config", "set", "tls-cert-file", `${files}/cert.pem`);
  await server.cli("config", "set", "tls-key-file", `${files}/key.pem`);
  await server.cli("config", "set", "tls-ca-cert-file", `${files}/cert.pem`);
  await server.cli("config", "set", "tls-port", `${tlsPort}`);

  /** Opening fails at once, with one sentence that has no password in it. */
  const refuses = async (
    target: RedisTarget | undefined,
    words: string,
    options: RedisStorageOptions = {},
    code = "refused",
  ) => {
    const startMs = performance.now();
    const error = await assertRejects(
      () => RedisStorage.open(target, options),
      StorageError,
      words,
    );
    assertEquals(error.code, code, error.message);
    for (const secret of [PASSWORD, ENCODED, "wrong-one"]) {
      assert(!`${error.message} ${error.stack}`.includes(secret), error.message);
    }
    assert(!error.message.includes("\n"));
    if (code === "refused") assert(performance.now() - startMs < 3000, "at once");
  };

  Deno.test("RedisStorage.open() says what is wrong with the password", async () => {
    await refuses(guarded.url, "wants a password");
    await refuses(`redis://:wrong-one@${guarded.address}`, "is wrong");
    await refuses(`redis://ann:wrong-one@${guarded.address}`, "is wrong");
    await refuses(guarded.url, "is wrong", { password: "wrong-one" });
    await refuses(guarded.url, "wants a password", { cluster: true });
    await refuses(guarded.url, "is wrong", { cluster: true, password: "wrong-one" });
    for (
      const url of [
        `redis://:${ENCODED}@${guarded.address}`,
        `redis://default:${ENCODED}@${guarded.address}/1`,
      ]
    ) {
      await using storage = await RedisStorage.open(url);
      assertEquals(await storage.timezone("app"), null);
    }
    await using storage = await RedisStorage.open(guarded.url, { password: PASSWORD });
    assertEquals(await storage.timezone("app"), null);
  });

  Deno.test("RedisStorage.open() gives up, in time, where nobody answers", async () => {
    const nobody = `redis://127.0.0.1:${freePort()}`;
    const openTimeoutMs = 300;
    await refuses(nobody, "ECONNREFUSED", { openTimeoutMs }, "unavailable");
    await refuses(nobody, "no answer", { openTimeoutMs, cluster: true }, "unavailable");
    // Somebody listens, and says nothing.
    using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    await refuses(
      `redis://127.0.0.1:${listener.addr.port}`,
      "Cannot open Redis",
      { openTimeoutMs },
      "unavailable",
    );
  });

  Deno.test("RedisStorage.open() trusts no certificate that it was not told of", async () => {
    const url = `rediss://127.0.0.1:${tlsPort}`;
    await refuses(url, "certificate");
    await refuses(
      `redis://127.0.0.1:${tlsPort}`,
      "Cannot open Redis",
      { openTimeoutMs: 500 },
      "unavailable",
    );
    await refuses(`rediss://${server.address}`, "TLS", { openTimeoutMs: 500 }, "unavailable");
    await using storage = await RedisStorage.open(url, { tls: { ca: CERT } });
    await new TestWriter(storage).flush([count("a", 1)]);
    await refuses(url, "certificate", { tls: { ca: CERT, servername: "elsewhere.example" } });
  });

  Deno.test("RedisStorage.open() says that a server is no cluster", async () => {
    await refuses(server.url, "no cluster", { cluster: true });
    await refuses([`${server.url}/1`, server.url], "database 0");
  });

  Deno.test("RedisStorage.open() says which right is missing", async () => {
    await server.cli(
      "acl",
      "setuser",
      "reader",
      "on",
      `>${PASSWORD}`,
      "~*",
      "+@read",
      "+@connection",
      "+info",
    );
    await using storage = await RedisStorage.open(`redis://reader:${ENCODED}@${server.address}`);
    const chunk = new TestWriter(storage).chunk([count("a", 1)]);
    const error = await assertRejects(() => storage.commit(chunk), StorageError, "ACL SETUSER");
    assertEquals(error.code, "refused");
  });

  Deno.test("RedisStorage.open() warns of a maxmemory-policy that drops keys, also where CONFIG is forbidden", async () => {
    await using dropping = await RedisServer.start({ args: ["--maxmemory-policy", "allkeys-lru"] });
    await dropping.cli("acl", "setuser", "app", "on", "nopass", "~*", "+@all", "-config");
    for (const user of ["", "app:x@"]) {
      const warnings: string[] = [];
      const onWarning = (message: string) => warnings.push(message);
      await using _storage = await RedisStorage.open(`redis://${user}${dropping.address}`, {
        onWarning,
      });
      assertEquals(warnings.length, 1);
      assertStringIncludes(warnings[0], "allkeys-lru");
      await using _other = await RedisStorage.open(server.url, { onWarning });
      assertEquals(warnings.length, 1);
    }
  });

  Deno.test("RedisStorage.open() takes a client of the caller, and leaves it open", async () => {
    const client = new Redis(server.port, "127.0.0.1", { lazyConnect: true });
    try {
      const storage = await RedisStorage.open(client);
      await new TestWriter(storage, { prefix: "own" }).flush([count("a", 1)]);
      await storage.close();
      assertEquals(
        (await assertRejects(() => storage.timezone("own"), StorageError)).code,
        "closed",
      );
      assertEquals(await client.exists("{own}:meta:starts:d"), 1);
    } finally {
      client.disconnect();
    }
    const prefixed = new Redis(server.port, "127.0.0.1", { lazyConnect: true, keyPrefix: "x:" });
    await refuses(prefixed, "keyPrefix");
    const node = { host: "127.0.0.1", port: server.port };
    const options = { lazyConnect: true, scaleReads: "slave" } as const;
    await refuses(new Cluster([node], options), "scaleReads");
    prefixed.disconnect();
  });

  Deno.test("RedisStorage follows the master that Sentinels name", async () => {
    await using master = await RedisServer.start();
    const folder = Deno.makeTempDirSync({ prefix: "traqq-sentinel-" });
    Deno.writeTextFileSync(
      `${folder}/sentinel.conf`,
      `sentinel monitor main 127.0.0.1 ${master.port} 1\n`,
    );
    const port = freePort();
    const sentinel = new Deno.Command("redis-server", {
      args: [`${folder}/sentinel.conf`, "--sentinel", "--port", `${port}`, "--bind", "127.0.0.1"],
      stdin: "null",
      stdout: "null",
      stderr: "null",
    }).spawn();
    try {
      await until("the Sentinel to listen", 10_000, async () => {
        try {
          (await Deno.connect({ hostname: "127.0.0.1", port })).close();
          return true;
        } catch {
          return false;
        }
      });
      const sentinels = [`127.0.0.1:${port}`];
      await using storage = await RedisStorage.open(undefined, { sentinels, name: "main" });
      assertEquals(storage.capabilities.atomicity, "chunk");
      await new TestWriter(storage).flush([count("a", 1)]);
      assertEquals(await master.cli("exists", "{app}:meta:starts:d"), "1");
      await refuses(undefined, "Cannot open Redis", {
        sentinels,
        name: "other",
        openTimeoutMs: 500,
      }, "unavailable");
      await refuses(undefined, "name of their master", { sentinels });
    } finally {
      sentinel.kill("SIGTERM");
      await sentinel.status;
      Deno.removeSync(folder, { recursive: true });
    }
  });

  Deno.test("RedisStorage says unavailable while a server is a replica, and goes on when it is a master", async () => {
    await using other = await RedisServer.start();
    await using storage = await RedisStorage.open(other.url, { retries: 8 });
    const writer = new TestWriter(storage);
    await writer.flush([count("a", 1)]);
    const chunk = writer.chunk([count("a", 1)]);
    // Of a master that does not answer: it keeps what it has.
    await other.cli("replicaof", "127.0.0.1", `${freePort()}`);
    const error = await assertRejects(() => storage.commit(chunk), StorageError);
    assertEquals(error.code, "unavailable", error.message);
    await other.cli("replicaof", "no", "one");
    await storage.commit(chunk);
    assertEquals(await other.cli("hgetall", "app:add:d:1793491200:event"), "a\n2");
  });

  Deno.test("RedisStorage goes on when a server restarts, and a frozen one does not hold it for ever", async () => {
    await using other = await RedisServer.start({
      args: ["--appendonly", "yes", "--appendfsync", "always"],
    });
    await using storage = await RedisStorage.open(other.url, { commandTimeoutMs: 300, retries: 1 });
    const writer = new TestWriter(storage);
    await writer.flush([count("a", 1)]);
    other.freeze();
    const chunk = writer.chunk([count("a", 1)]);
    const error = await assertRejects(() => storage.commit(chunk), StorageError);
    assertEquals(error.code, "unknown");
    other.thaw();
    await storage.commit(chunk); // the frozen server may have had it
    await other.restart("SIGKILL");
    await until("the connection to be back", 10_000, async () => {
      try {
        return await storage.timezone("app") === null;
      } catch {
        return false;
      }
    });
    await writer.flush([count("a", 1)]);
    assertEquals(await other.cli("hgetall", "app:add:d:1793491200:event"), "a\n3");
  });
});
