import { Redis, type RedisOptions } from "ioredis";
import { type RedisServer, until } from "./_redis.ts";

/** A client of a test's own, closed with it. */
export async function clientOf(
  server: RedisServer,
  options: RedisOptions = {},
): Promise<Redis & AsyncDisposable> {
  const client = new Redis(server.port, "127.0.0.1", { ...options, lazyConnect: true });
  await client.connect();
  return Object.assign(client, {
    async [Symbol.asyncDispose]() {
      client.disconnect();
      await until("the client to be closed", 5000, () => client.status === "end");
    },
  });
}
