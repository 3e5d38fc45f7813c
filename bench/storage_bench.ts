/**
 * What storage costs: commits of 1 and of 996 sums (as many as one transaction of Deno KV carries),
 * and a year of 50 fields read back. Memory is the baseline; each result is checked.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { KvStorage } from "../src/storage/kv.ts";
import { MemoryStorage } from "../src/storage/memory.ts";
import type { Cell, Storage } from "../src/storage/storage.ts";
import { ADD, count, DAY, everything, names, START, TestWriter } from "../tests/contract/kit.ts";

const DAYS = 365;
const FIELDS = 50;
const SUMS = [1, 996];

const folder = Deno.makeTempDirSync({ prefix: "traqq-bench-" });
globalThis.addEventListener("unload", () => Deno.removeSync(folder, { recursive: true }));
let files = 0;

const ADAPTERS: Record<string, () => Promise<Storage>> = {
  memory: () => Promise.resolve(new MemoryStorage()),
  "kv in memory": () => KvStorage.open(":memory:"),
  "kv on disk": () => KvStorage.open(`${folder}/${files++}.db`),
};

async function readSum(storage: Storage): Promise<{ cells: number; sum: number }> {
  let cells = 0;
  let sum = 0;
  for await (const batch of storage.read(ADD, everything())) {
    cells += batch.length;
    for (const cell of batch) sum += cell.kind === "count" ? cell.count : 0;
  }
  return { cells, sum };
}

for (const n of SUMS) {
  const cells = names("field-", n).map((field) => count(field, 1));
  for (const [name, open] of Object.entries(ADAPTERS)) {
    const storage = await open();
    const writer = new TestWriter(storage);
    let commits = 0;
    Deno.bench({
      name: `${name}: commit ${n} sums`,
      group: `commit ${n}`,
      baseline: name === "memory",
      async fn(b) {
        const chunk = writer.chunk(cells);
        b.start();
        const { outcome, refused } = await storage.commit(chunk);
        b.end();
        commits++;
        if (outcome !== "applied" || refused.length > 0) throw new Error(`BUG: ${outcome}`);
        if (commits % 50 === 0) {
          assertEquals(await readSum(storage), { cells: n, sum: commits * n });
        }
      },
    });
  }
}

for (const [name, open] of Object.entries(ADAPTERS)) {
  const storage = await open();
  const cells: Cell[] = [];
  for (let day = 0; day < DAYS; day++) {
    for (const field of names("field-", FIELDS)) {
      cells.push(count(field, day + 1, { start: START + day * DAY }));
    }
  }
  await new TestWriter(storage).flush(cells);
  Deno.bench({
    name: `${name}: read ${DAYS} days of ${FIELDS} fields`,
    group: "read",
    baseline: name === "memory",
    async fn() {
      assertEquals(await readSum(storage), {
        cells: DAYS * FIELDS,
        sum: FIELDS * DAYS * (DAYS + 1) / 2,
      });
    },
  });
}
