import { assertEquals, assertStringIncludes } from "@std/assert";
import { Procession } from "../../procession.ts";
import { Folder, run } from "./_program.ts";

const START_MS = Date.parse("2026-01-01T00:00:00Z");

Deno.test("traqq procession reads a file with only the permission for it, and standard input with none", async () => {
  let now = START_MS;
  const p = new Procession({ now: () => now });
  for (let i = 0; i < 3000; i++) {
    p.counter("hits").increment();
    now += 10;
  }
  await using folder = new Folder();
  folder.write("app.procession", p.toBytes());
  const allow = ["--allow-read=app.procession"];
  const args = ["procession", "app.procession", "--step", "10s"];
  const { code, out, err } = await run({ cwd: folder.path, allow, args });
  assertEquals([code, err], [0, ""]);
  assertStringIncludes(out, "3000 events of 1 series\n");
  assertStringIncludes(out, "\n100 ███\n");
  const piped = await run({ args: ["procession", "-", "--step", "10s"], stdin: p.toBytes() });
  assertEquals(piped, { code, out, err });
  const refused = await run({ cwd: folder.path, args });
  assertEquals([refused.code, refused.out], [1, ""]);
  assertStringIncludes(refused.err, "run again with --allow-read=app.procession");
});
