/** The servers that other tests stand on. */
import { assertEquals, assertNotEquals, assertStringIncludes } from "@std/assert";
import { RedisCluster, RedisServer, until, withRedis } from "./_redis.ts";

await withRedis("RedisServer", () => {
  Deno.test("RedisServer starts, freezes, is killed and comes back on its port", async () => {
    await using server = await RedisServer.start({ args: ["--appendonly", "yes"] });
    assertEquals(await server.cli("ping"), "PONG");
    assertEquals(await server.cli("set", "a", "1"), "OK");
    const { pid, port } = server;
    server.freeze();
    const late = server.cli("get", "a");
    const first = await Promise.race([
      late,
      new Promise<string>((resolve) => setTimeout(resolve, 200, "frozen")),
    ]);
    assertEquals(first, "frozen");
    server.thaw();
    assertEquals(await late, "1");
    await server.restart("SIGKILL");
    assertNotEquals(server.pid, pid);
    assertEquals(server.port, port);
    assertEquals(await server.cli("get", "a"), "1");
  });

  Deno.test("RedisCluster serves every slot, and a replica takes over from a master", async () => {
    await using cluster = await RedisCluster.start();
    const before = await cluster.masterOf("a");
    assertEquals(await before.cli("set", "a", "1"), "OK");
    await cluster.copied(before);
    before.kill();
    const others = cluster.nodes.filter((node) => node !== before);
    await until("a replica to take over", 60_000, async () => {
      for (const node of others) {
        if ((await node.cli("get", "a").catch(() => "")) === "1") return true;
      }
      return false;
    });
    await before.restart("SIGKILL");
    await cluster.ready();
    const after = await cluster.masterOf("a");
    assertNotEquals(after.port, before.port);
    assertStringIncludes(await after.cli("get", "a"), "1");
  });
});
