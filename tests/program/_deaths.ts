/**
 * Servers that bring events to Redis only when they are told to, so that a test knows what Redis has.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { Client } from "../../src/client/client.ts";
import { type Day, MAPPING } from "./_load.ts";
import type { Folder, Server } from "./_program.ts";

/** Flags of such a server, with a journal that has all it acknowledged. */
export function flushesWhenAsked(folder: Folder, urls: readonly string[]): string[] {
  const journal = { directory: "journal", durability: "every_write" };
  const config = { mapping: MAPPING, journal, flush: { intervalMs: 1e6 } };
  folder.write("serve.json", JSON.stringify(config));
  return ["--storage", "redis", "--redis-url", urls.join(), "--config", "serve.json"];
}

/** Has events of a day counted: a query flushes them. */
export async function counted(server: Server, day: Day, count: number): Promise<void> {
  await using client = await Client.connect(server.address);
  const [from, to] = day.take(count);
  const events = Array.from({ length: to - from }, (_, i) => JSON.parse(day.event(from + i)));
  const at = new Date(day.start * 1000);
  assertEquals((await client.recordMany(events, { at })).rejected, []);
  day.acknowledge(from, to);
  await client.query({ from: at, to: at });
}
