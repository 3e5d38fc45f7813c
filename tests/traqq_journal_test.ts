import { assertEquals } from "@std/assert";
import { messageOf } from "../src/base/errors.ts";
import type { TraqqOptions } from "../src/engine/config.ts";
import { Traqq } from "../src/traqq.ts";
import { FaultyStorage } from "./_faulty_storage.ts";
import { Folder } from "./program/_program.ts";

const AT = Date.UTC(2026, 0, 1, 12) / 1000;
const MAPPING = {
  add: ["event", "event~geo"],
  bitmap: ["user"],
  addValue: [{ key: "event", addKey: "amount" }],
  top: ["geo"],
};

/** What a killed process leaves on the disk: the journal as it is now, and no lock. */
async function crash(folder: Folder, name: string): Promise<string> {
  const copy = folder.file(`crashed-${crypto.randomUUID()}`);
  await Deno.mkdir(copy);
  for await (const file of Deno.readDir(folder.file(name))) {
    if (file.name !== "lock") {
      await Deno.copyFile(`${folder.file(name)}/${file.name}`, `${copy}/${file.name}`);
    }
  }
  return copy;
}

function open(directory: string, options: Partial<TraqqOptions> & { storage: FaultyStorage }) {
  return Traqq.open({
    mapping: MAPPING,
    flush: { intervalMs: 1_000_000, deadlineMs: 1000 },
    journal: { directory, durability: "every_write" },
    onError: (error) => {
      throw new Error(`unexpected: ${messageOf(error)}`);
    },
    ...options,
  });
}

async function totals(traqq: Traqq) {
  const result = await traqq.query({ from: AT, to: AT });
  return {
    add: { ...result.merged("add/event~geo").counts },
    bmp: result.merged("bmp/user").count,
    adv: result.merged("adv/event/amount").sum,
    top: result.merged("top/geo").ranked,
  };
}

const EVENTS = Array.from({ length: 100 }, (_, i) => ({
  event: "buy",
  geo: ["US", "DE", "FR"][i % 3],
  user: `u${i % 40}`,
  amount: i / 10,
}));
const WANTED = {
  add: { "buy~US": 34, "buy~DE": 33, "buy~FR": 33 },
  bmp: 40,
  adv: 495,
  top: [["US", 34], ["DE", 33], ["FR", 33]] as [string, number][],
};

Deno.test("Traqq counts what a killed process had acknowledged, once", async () => {
  await using folder = new Folder();
  const storage = new FaultyStorage();
  const killed = await open(folder.file("journal"), { storage });
  await killed.recordMany(EVENTS, { at: AT });
  const copy = await crash(folder, "journal");
  const before = storage.commits;

  const traqq = await open(copy, { storage });
  assertEquals(traqq.stats().recovered, 100);
  assertEquals(await totals(traqq), WANTED);
  await traqq.close();
  assertEquals(storage.commits, before + 1);

  const again = await open(copy, { storage });
  assertEquals(again.stats().recovered, 0, "what is in storage is not counted again");
  assertEquals(await totals(again), WANTED);
  await again.close();
  storage.down = true;
  await killed.close().catch(() => {});
});
