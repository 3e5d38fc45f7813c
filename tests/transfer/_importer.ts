/** A process of its own that imports a file into a Deno KV: to be killed. */
import { KvStorage } from "../../src/storage/kv.ts";
import { importCells } from "../../src/transfer/import.ts";

const [file, path] = Deno.args;
const storage = await KvStorage.open(path);
const lines = (await Deno.readTextFile(file)).split("\n").slice(0, -1);
const report = await importCells(storage, lines, {
  onProgress: ({ cells }) => console.log(cells),
});
await storage.close();
console.log(JSON.stringify(report));
