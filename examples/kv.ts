/**
 * traqq on Deno KV, as in an app on Deno Deploy: what is recorded survives the process.
 *
 * ```sh
 * deno run --unstable-kv --allow-read=. --allow-write=. examples/kv.ts app.db
 * ```
 */
import { KvStorage, Traqq } from "@traqq/traqq";

// On Deno Deploy: KvStorage.open(await Deno.openKv())
await using storage = await KvStorage.open(Deno.args[0] ?? ":memory:");
await using traqq = await Traqq.open({
  storage,
  mapping: { add: ["path"], bitmap: ["visitor"] },
  time: { timezone: "Europe/Berlin", hourly: true },
});

/** What a request handler would do. */
async function visit(path: string, visitor: string): Promise<void> {
  await traqq.record({ event: "visit", path, visitor });
}

await visit("/", "ada");
await visit("/docs", "ada");
await visit("/", "grace");
// An isolate may sleep after its last request: until this resolves, events are only in memory.
await traqq.flush();

const today = await traqq.queryDays(1);
console.log("visits by path", { ...today.merged("add/path").counts });
console.log("visitors", today.merged("bmp/visitor").count);
