/** Holds CONTRIBUTING.md to the repository. */
import { assert, assertEquals } from "@std/assert";
import { roomOf } from "../../dev/architecture.ts";
import { code, fileOf, read, table } from "./_pages.ts";

const PAGE = "CONTRIBUTING.md";

Deno.test("CONTRIBUTING.md: the table of tasks has every task", () => {
  const tasks = Object.keys(JSON.parse(read("deno.json")).tasks).map((name) => `deno task ${name}`);
  assertEquals(table(PAGE, "tasks").map(([task]) => code(task)).sort(), tasks.sort());
});

Deno.test("CONTRIBUTING.md: the table of rooms has every room", () => {
  const rooms = [...Deno.readDirSync(fileOf("src"))].map(({ name }) => roomOf(name));
  assertEquals(table(PAGE, "rooms").map(([room]) => code(room)).sort(), rooms.sort());
});

Deno.test("README.md: the layout has every room", () => {
  const layout = read("README.md");
  for (const { name } of Deno.readDirSync(fileOf("src"))) {
    assert(layout.includes(`\`src/${name}\``), name);
  }
});
