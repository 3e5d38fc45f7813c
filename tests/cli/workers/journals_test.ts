import { assertEquals } from "@std/assert";
import { journalsIn, leftJournals } from "../../../src/cli/workers/journals.ts";
import { Folder } from "../../program/_program.ts";

Deno.test("leftJournals() are all that a server with so many workers does not write itself", async () => {
  await using folder = new Folder();
  const path = folder.file("journal");
  assertEquals(await journalsIn(path), [], "there is no directory");
  for (const name of ["1", "2", "10", "0", "01", "x", "3"]) {
    Deno.mkdirSync(`${path}/${name}`, { recursive: true });
    if (name !== "3") folder.write(`journal/${name}/journal.json`, "{}");
  }
  folder.write("journal/7", "a file");
  const workers = ["1", "2", "10"].map((name) => `${path}/${name}`);
  assertEquals(await journalsIn(path), workers, "by number, without what is empty or none");
  assertEquals(await leftJournals(path, 1), workers);
  folder.write("journal/0000000001.segment", "");
  assertEquals(await journalsIn(path), [path, ...workers]);
  assertEquals(await leftJournals(path, 1), workers);
  assertEquals(await leftJournals(path, 2), [path, `${path}/10`]);
  assertEquals(await leftJournals(path, 10), [path]);
});
