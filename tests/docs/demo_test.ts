/** Holds what the README shows of the demo to the demo. */
import { assert, assertEquals } from "@std/assert";
import { block, fileOf } from "./_pages.ts";
import { fits } from "./_transcript.ts";

Deno.test("README.md: the demo prints what is shown", async () => {
  const command = new Deno.Command(Deno.execPath(), {
    args: ["run", "--quiet", "--allow-all", "--no-prompt", "cli.ts", "demo"],
    cwd: fileOf("."),
    env: { NO_COLOR: "1" },
    stdin: "null",
  });
  const { code, stdout, stderr } = await command.output();
  assertEquals(code, 0, new TextDecoder().decode(stderr));
  const printed = new TextDecoder().decode(stdout).split("\n");
  for (const line of block("README.md", "demo").trimEnd().split("\n")) {
    if (line !== "…") assert(printed.some((one) => fits(line, one)), line);
  }
});
