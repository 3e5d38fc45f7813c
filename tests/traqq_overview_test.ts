import { assertEquals } from "@std/assert";
import { MemoryStorage, Traqq } from "../mod.ts";

const MAPPING = {
  add: ["geo~event"],
  bitmap: ["ip"],
  addValue: [{ key: "event", addKey: "amount" }],
  top: ["geo"],
};
const EVENT = { event: "buy", geo: "US", ip: "1.2.3.4", amount: 5 };

Deno.test("Traqq.overview() gives nothing where nothing was recorded", async () => {
  await using traqq = await Traqq.open({ storage: new MemoryStorage(), mapping: MAPPING });
  assertEquals(await traqq.overview(), {
    timezone: "UTC",
    days: null,
    hourly: false,
    metrics: [],
  });
});

Deno.test("Traqq.overview() names metrics and days of the zone, what is in memory included", async () => {
  const storage = new MemoryStorage();
  const time = { timezone: "Europe/Berlin", hourly: true };
  await using traqq = await Traqq.open({ storage, mapping: MAPPING, time });
  await traqq.record(EVENT, { at: "2026-01-01T23:30:00Z" }); // the 2nd in Berlin
  await traqq.record({ event: "view" }, { at: "2025-12-30T12:00:00Z" }); // feeds no metric
  await traqq.record(EVENT, { at: "2025-12-31T12:00:00Z" });
  assertEquals(await traqq.overview(), {
    timezone: "Europe/Berlin",
    days: { first: "2025-12-31", last: "2026-01-02" },
    hourly: true,
    metrics: [
      { type: "bmp", key: ["ip"] },
      { type: "add", key: ["event", "geo"] },
      { type: "adv", key: ["event"], addKey: "amount" },
      { type: "top", key: ["geo"] },
    ],
  });
});

Deno.test("Traqq.overview() says whether the last day has hours, not an earlier one", async () => {
  const storage = new MemoryStorage();
  {
    await using hourly = await Traqq.open({ storage, time: { hourly: true } });
    await hourly.record(EVENT, { at: "2026-01-01T12:00:00Z" });
    assertEquals((await hourly.overview()).hourly, true);
  }
  await using daily = await Traqq.open({ storage, mapping: { add: ["event"] } });
  assertEquals((await daily.overview()).hourly, true);
  await daily.record(EVENT, { at: "2026-01-02T12:00:00Z" });
  assertEquals((await daily.overview()).hourly, false);
});
