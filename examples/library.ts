/**
 * traqq as a library, in memory: no permission, no server.
 *
 * ```sh
 * deno run examples/library.ts
 * ```
 */
import { MemoryStorage, Traqq } from "@traqq/traqq";

await using traqq = await Traqq.open({
  storage: new MemoryStorage(),
  mapping: {
    add: ["event", "event~geo"], // how often
    bitmap: ["ip"], // how many different ones
    addValue: [{ key: "event~geo", addKey: "amount" }], // sums
    top: ["geo"], // the most frequent ones
  },
});

await traqq.record({ event: "purchase", geo: "US", ip: "1.2.3.4", amount: 99.99 });
await traqq.record({ event: "purchase", geo: "DE", ip: "5.6.7.8", amount: 0.01 });
await traqq.record({ event: "view", geo: "DE", ip: "5.6.7.8" });

const week = await traqq.queryDays(7);
console.log("events", { ...week.merged("add/event").counts });
console.log("unique addresses", week.merged("bmp/ip").count);
console.log("revenue", week.merged("adv/event~geo/amount").sum);
console.log("countries", week.merged("top/geo").ranked);
for (const row of week.inflate("add/event~geo")) console.log({ ...row });
