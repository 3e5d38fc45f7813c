import { assertEquals, assertMatch } from "@std/assert";
import { Folder, run } from "./_program.ts";

Deno.test("simulate starts a server of its own, and finds every point that it acknowledged", async () => {
  await using folder = new Folder();
  const allow = ["--allow-ffi", "--allow-net=127.0.0.1", "--allow-read", "--allow-write"];
  const args = ["simulate", "--devices", "10", "--write-interval", "250ms", "--query-rate", "10"];
  const table = await run({ cwd: folder.path, allow, args: [...args, "--duration", "1s"] });
  assertEquals(table.code, 0, table.err);
  assertMatch(table.out, /^300 points of 75 series in /);
  assertMatch(table.out, /\nwrites +40 /);
  assertMatch(table.err, /every point that it acknowledged, once/);
  const json = await run({
    ...{ cwd: folder.path, allow },
    args: [...args, "--duration", "1s", "--format", "json", "--series-durability", "every_write"],
  });
  assertEquals(JSON.parse(json.out).allPoints, 375, json.err);
  // What it kept is gone with it.
  assertEquals([...Deno.readDirSync(folder.path)], []);
});
