/**
 * Machines that write to one storage, and machines that only ask it.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import type { Storage } from "../../src/storage/storage.ts";
import { Traqq, type TraqqOptions } from "../../mod.ts";
import { DAY, START } from "../contract/kit.ts";

const MAPPING = {
  add: ["event~geo"],
  top: ["geo"],
  bitmap: ["user"],
  addValue: [{ key: "geo", addKey: "amount" }],
};

/**
 * Holds that two machines with a mapping, which write, and two without any, which only ask, all see the
 * same.
 *
 * @param open gives each machine a connection of its own to the same empty storage
 */
export async function assertSeeTheSame(open: () => Promise<Storage>): Promise<void> {
  await using opened = new AsyncDisposableStack();
  const machine = async (options: Partial<TraqqOptions>) => {
    const storage = await open();
    opened.defer(() => storage.close());
    return opened.use(await Traqq.open({ storage, prefix: "app", ...options }));
  };
  const writers = [await machine({ mapping: MAPPING }), await machine({ mapping: MAPPING })];
  const readers = [await machine({}), await machine({})];
  for (let i = 0; i < 20; i++) {
    const geo = i % 3 === 0 ? "US" : "DE";
    const event = { event: "buy", geo, user: `u${i % 7}`, amount: 0.1 };
    await writers[i % 2].record(event, { at: START + i });
  }
  for (const writer of writers) await writer.flush();
  const range = { from: START, to: START + DAY };
  const results = await Promise.all([...writers, ...readers].map((it) => it.query(range)));
  for (const result of results) {
    assertEquals(result.buckets, results[0].buckets);
    assertEquals(result.merged("add/event~geo").counts, { "buy~US": 7, "buy~DE": 13 });
    assertEquals(result.merged("top/geo").ranked, [["DE", 13], ["US", 7]]);
    assertEquals(result.merged("bmp/user").count, 7);
    assertEquals(result.merged("adv/geo/amount").sums, { US: 0.7, DE: 1.3 });
  }
}
