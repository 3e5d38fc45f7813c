/** Holds what docs/redis.md says of an operator's settings to real servers. */
import { assertEquals } from "@std/assert";
import { Redis } from "ioredis";
import { RedisStorage } from "../../src/storage/redis.ts";
import { Traqq } from "../../src/traqq.ts";
import { RedisServer, until, withRedis } from "../_redis.ts";
import { block } from "./_pages.ts";

const AT = 1_767_225_600;
const PASSWORD = "secret";

await withRedis("docs/redis.md", () => {
  Deno.test("docs/redis.md: the user may do all that traqq does, on one server and on a cluster", async () => {
    const rule = block("docs/redis.md", "redis user").trim().replace("PASSWORD", PASSWORD);
    for (const cluster of [false, true]) {
      await using server = await RedisServer.start({
        args: cluster ? ["--cluster-enabled", "yes", "--cluster-announce-ip", "127.0.0.1"] : [],
      });
      if (cluster) {
        await server.cli("cluster", "addslotsrange", "0", "16383");
        const serves = async () => (await server.cli("cluster", "info")).includes("state:ok");
        await until("a cluster of one", 10_000, serves);
      }
      assertEquals(await server.cli(...rule.split(" ")), "OK");
      const url = `redis://traqq:${PASSWORD}@${server.address}`;
      await using storage = await RedisStorage.open(url, { cluster });
      const errors: Error[] = [];
      await using traqq = await Traqq.open({
        storage,
        writer: "w",
        mapping: {
          bitmap: ["user"],
          add: ["event"],
          addValue: [{ key: "event", addKey: "amount" }],
          top: ["event"],
        },
        onError: (error) => errors.push(error),
      });
      for (const user of ["ann", "bob"]) {
        await traqq.record({ event: "buy", user, amount: 0.1 }, { at: AT });
        await traqq.flush();
      }
      const result = await traqq.query({ from: AT, to: AT });
      assertEquals(result.merged("bmp/user").count, 2);
      assertEquals(result.merged("add/event").counts, { buy: 2 });
      assertEquals(result.merged("adv/event/amount").sum, 0.2);
      assertEquals(result.merged("top/event").ranked, [["buy", 2]]);
      assertEquals(await storage.writers("traqq"), []);
      await traqq.prune(AT + 10 * 86_400);
      assertEquals((await traqq.query({ from: AT, to: AT })).find("add/event"), []);
      assertEquals(errors, []);
      // And no more: neither another prefix nor what would harm others.
      const client = new Redis(url);
      for (
        const command of [["set", "other:x", "1"], ["flushall"], ["keys", "*"], [
          "config",
          "get",
          "*",
        ]]
      ) {
        const [name, ...args] = command;
        const answer = await client.call(name, ...args).catch(({ message }: Error) => message);
        assertEquals(String(answer).split(" ")[0], "NOPERM", name);
      }
      client.disconnect();
    }
  });
});
