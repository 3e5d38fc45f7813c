/**
 * A client of `traqq serve`, in another process or on another machine.
 *
 * ```sh
 * deno run --unstable-kv --allow-net=127.0.0.1:9876 --allow-read=traqq.db \
 *   --allow-write=traqq.db,traqq.db.refused.ndjson cli.ts serve --add event~geo --top geo
 * deno run --allow-net=127.0.0.1:9876 examples/client.ts
 * ```
 */
import { Client } from "@traqq/traqq";

await using client = await Client.connect(Deno.args[0] ?? "127.0.0.1:9876");

const { recorded, rejected } = await client.recordMany([
  { event: "purchase", geo: "US" },
  { event: "purchase", geo: "DE" },
  { event: "purchase", geo: "US" },
  { geo: "US" }, // not an event: it is reported, and the others are recorded
]);
console.log(`${recorded} recorded, ${rejected.length} rejected: ${rejected[0].error.message}`);

const { buckets } = await client.queryDays(1);
console.log("today is", buckets[0].label);
const day = { from: buckets[0].start, to: buckets[0].start };
const [countries] = await client.find(day, "top/geo");
console.log("countries", countries.ranked);
