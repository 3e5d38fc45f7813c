/** Holds docs/series-import.md to the flags of the command. */
import { assertEquals } from "@std/assert";
import { series } from "../../src/cli/series.ts";
import { readFlags } from "../../src/cli/flags.ts";
import { after, code, table } from "./_pages.ts";

Deno.test("docs/series-import.md has every flag of series import, with its short form and default", () => {
  const flags = series.groups.flatMap(({ flags }) => flags);
  const rows = table("docs/series-import.md", "flags");
  assertEquals(
    rows.map(([flag]) => code(flag)),
    [...rows.keys()].map((row) => {
      const name = code(rows[row][0]).replace(/^.*--/, "");
      const { short } = flags.find((flag) => flag.name === name)!;
      return short === undefined ? `--${name}` : `-${short}, --${name}`;
    }),
  );
  assertEquals(
    rows.map(([flag]) => code(flag).replace(/^.*--/, "")).sort(),
    flags.map(({ name }) => name).sort(),
  );
  for (const [flag, cell] of rows) {
    if (!/^`(?!TRAQQ)/.test(cell)) continue;
    const { help } = flags.find(({ name }) => code(flag).endsWith(`--${name}`))!;
    assertEquals(help.includes(`default ${code(cell)}`), true, flag);
  }
});

Deno.test("the commands in docs/series-import.md have flags that there are", () => {
  const lines = after("docs/series-import.md", "commands").split("```")[1].split("\n");
  const commands = lines.filter((line) => line.startsWith("traqq series "));
  assertEquals(commands.length, 4);
  for (const command of commands) readFlags(series.groups, command.split(" ").slice(2));
});
