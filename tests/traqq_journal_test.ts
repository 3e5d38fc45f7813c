import { assertEquals, assertMatch } from "@std/assert";
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

Deno.test("Traqq misses segments of the journal only if storage has not got what was in them", async () => {
  await using folder = new Folder();
  const storage = new FaultyStorage();
  const errors: string[] = [];
  const onError = (error: Error) => errors.push(error.message);
  const directory = folder.file("journal");
  const segments = (path: string) =>
    [...Deno.readDirSync(path)].map(({ name }) => name).filter((name) => name.endsWith(".segment"));
  for (let start = 0; start < 3; start++) {
    const journal = { directory, replayMs: 1 };
    const traqq = await open(directory, { storage, onError, journal });
    await traqq.record(EVENTS[start], { at: AT });
    await traqq.flush();
    // It removes what it does not need any more, and is not surprised next time.
    while (segments(directory).length > 1) await new Promise((resolve) => setTimeout(resolve, 1));
    await traqq.close();
  }
  assertEquals(errors, []);

  const first = await open(directory, { storage, onError });
  await first.record(EVENTS[3], { at: AT });
  const second = await crash(folder, "journal");
  const lost = segments(second).sort().at(-1)!;
  const killed = await open(second, { storage, onError });
  assertEquals(killed.stats().recovered, 1);
  const third = await crash(folder, second.slice(folder.path.length + 1));
  await Deno.remove(`${third}/${lost}`);
  const traqq = await open(third, { storage, onError });
  assertEquals(traqq.stats().recovered, 0);
  assertEquals(errors.length, 1);
  assertMatch(errors[0], /missing/);
  await traqq.close();
  await Promise.all([first, killed].map((each) => each.close().catch(() => {})));
});
