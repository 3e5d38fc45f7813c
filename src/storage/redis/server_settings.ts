/**
 * Settings of the server under which numbers get lost.
 *
 * @module
 */
import type { Connection } from "./connection.ts";

/** What is wrong with the settings of each server, as sentences for people. */
export async function settingsWarnings(connection: Connection): Promise<string[]> {
  const { client } = connection;
  const servers = client.nodes?.("master") ?? [client];
  const policies = await Promise.all(servers.map(async (server) => {
    try {
      return await policyOf((...args) => server.call(args[0], ...args.slice(1)));
    } catch {
      return null; // only a warning: what really fails shows in what is done next
    }
  }));
  const bad = new Set(policies.filter((policy) => policy !== null && policy !== "noeviction"));
  return [...bad].map((policy) =>
    `Redis at ${connection.where} has the maxmemory-policy ${policy}: it drops keys, and numbers ` +
    "with them, when its memory is full; set maxmemory-policy to noeviction"
  );
}

/** CONFIG is often forbidden; INFO says it too, but not everywhere. */
async function policyOf(call: (...args: string[]) => Promise<unknown>): Promise<string | null> {
  try {
    const reply = await call("CONFIG", "GET", "maxmemory-policy");
    if (Array.isArray(reply) && typeof reply[1] === "string") return reply[1];
  } catch {
    // forbidden
  }
  const info = await call("INFO", "memory");
  return /^maxmemory_policy:(\S+)/m.exec(`${info}`)?.[1] ?? null;
}
