import { cellKey } from "../../src/storage/kv/keys.ts";
import { KvStorage } from "../../src/storage/kv.ts";
import type { Storage } from "../../src/storage/storage.ts";
import { type FaultyStore, type Place, storageContract } from "../contract/mod.ts";
import { Faults, faultyKv } from "./_faulty_kv.ts";

storageContract({
  name: "KvStorage in memory",
  capabilities: { atomicity: "chunk", survivesProcess: false },
  open: () => KvStorage.open(":memory:"),
  faults: faultyStore,
  skip: [{ needs: "place", capability: "survivesProcess", reason: "it ends with its process" }],
});

const folders: string[] = [];
storageContract({
  name: "KvStorage on disk",
  capabilities: { atomicity: "chunk", survivesProcess: true },
  open: () => KvStorage.open(`${newFolder()}/traqq.db`),
  place: filePlace,
  skip: [{
    needs: "faults",
    coveredBy: "KvStorage in memory",
    reason: "the same code runs disturbed in memory",
  }],
});
Deno.test("KvStorage on disk leaves no folder behind", () => {
  for (const folder of folders.splice(0)) Deno.removeSync(folder, { recursive: true });
});

function newFolder(): string {
  const folder = Deno.makeTempDirSync({ prefix: "traqq-kv-" });
  folders.push(folder);
  return folder;
}

function filePlace(): Promise<Place> {
  const path = `${newFolder()}/traqq.db`;
  return Promise.resolve({
    open: () => KvStorage.open(path),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  });
}

async function faultyStore(): Promise<FaultyStore> {
  const kv = await Deno.openKv(":memory:");
  const faults = new Faults();
  const opened: Storage[] = [];
  const again = async () => {
    const storage = await KvStorage.open(faultyKv(kv, faults), { retries: 3 });
    opened.push(storage);
    return storage;
  };
  let open = true;
  return {
    storage: await again(),
    again,
    loseAnswers: (times) => faults.loseAnswers = times,
    failWrites: (times) => faults.failWrites = times,
    dieAfter: (writes) => faults.dieAfter = writes,
    heal: () => faults.heal(),
    poison: async (prefix, cell) => {
      await kv.set(cellKey(prefix, cell), "not traqq's");
    },
    cure: (prefix, cell) => kv.delete(cellKey(prefix, cell)),
    async [Symbol.asyncDispose]() {
      if (!open) return;
      open = false;
      for (const storage of opened) await storage.close();
      kv.close();
    },
  };
}
