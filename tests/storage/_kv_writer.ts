/**
 * One of several processes that commit into one file at once; `tests/storage/kv_test.ts` starts them.
 * Arguments: path, writer, number of flushes.
 *
 * @module
 */
import { StorageError } from "../../src/base/errors.ts";
import { KvStorage } from "../../src/storage/kv.ts";
import type { Chunk } from "../../src/storage/storage.ts";
import { count, names, sketch, sum, tally, TestWriter } from "../contract/kit.ts";

if (import.meta.main) {
  const [path, writer, flushes] = Deno.args;
  await using storage = await KvStorage.open(path);
  const it = new TestWriter(storage, { writer });
  let retries = 0;
  for (let i = 0; i < Number(flushes); i++) {
    for (const chunk of it.chunks(cellsOf(writer, i))) retries += await commit(storage, chunk);
  }
  console.log(JSON.stringify({ retries }));
}

/** As the engine does: what may be tried again is tried again, as it stands. */
async function commit(storage: KvStorage, chunk: Chunk): Promise<number> {
  for (;;) {
    try {
      return (await storage.commit(chunk)).retries;
    } catch (error) {
      const again = error instanceof StorageError &&
        (error.code === "unavailable" || error.code === "unknown");
      if (!again) throw error;
    }
  }
}

/** What flush number `i` of a writer holds; the test reckons the totals from it. */
export function cellsOf(writer: string, i: number) {
  return [
    count("hot", 1),
    sum("hot", -1_500_001n),
    tally(1),
    sketch([`${writer}-${i}`, `shared-${i}`]),
    ...names(`${i % 3}-`, 5).map((field) => count(field, 2)),
    count(writer, 1),
  ];
}
