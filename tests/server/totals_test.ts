import { assertEquals, assertThrows } from "@std/assert";
import { addUp, type Totals } from "../../src/server/totals.ts";
import { MemoryStorage } from "../../src/storage/memory.ts";
import { Traqq } from "../../src/traqq.ts";

Deno.test("addUp() adds every counter of all rooms, also of those that only one has", async () => {
  await using storage = new MemoryStorage();
  await using first = await Traqq.open({ storage });
  await using second = await Traqq.open({ storage });
  for (const traqq of [first, first, second]) {
    await traqq.record({ event: "a" });
    await traqq.flush();
  }
  await second.record({}).catch(() => {});
  const loopLag = { count: 2, sumMs: 3, atMostMs: { "1": 1, "2.5": 2 } };
  const { traqq, loopLag: lag, http } = addUp([
    { traqq: first.stats(), loopLag },
    { traqq: second.stats(), loopLag: { ...loopLag, atMostMs: { "1": 0, "2.5": 5 } } },
  ]);
  assertEquals([traqq.recorded, traqq.rejected, traqq.flushes, traqq.pending], [3, 1, 3, 0]);
  assertEquals(traqq.commitTimes.count, 3);
  assertEquals(traqq.commitTimes.atMostMs["30000"], 3);
  assertEquals(lag, { count: 4, sumMs: 6, atMostMs: { "1": 1, "2.5": 7 } });
  assertEquals(http, undefined);
  assertEquals(first.stats().recorded, 2, "nothing that was given is changed");
});

Deno.test("addUp() says so if a counter is no number", () => {
  const odd = (value: unknown) => ({ traqq: { recorded: value } }) as unknown as Totals;
  assertThrows(() => addUp([odd("1"), odd("2")]), TypeError, "BUG: a counter is string");
});
