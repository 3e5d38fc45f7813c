/** Holds docs/series.md to the code: its tables are those of the limits, modes and precisions. */
import { assertEquals } from "@std/assert";
import { DURABILITIES } from "../../src/engine/journal_options.ts";
import { Catalog } from "../../src/series/points/catalog.ts";
import { DEFAULT_LIMITS } from "../../src/series/points/limits.ts";
import { LineReader } from "../../src/series/points/line_reader.ts";
import { Series } from "../../src/series/series.ts";
import { TestDatabase } from "../series/_engine.ts";
import { code, table } from "./_pages.ts";

const PAGE = "docs/series.md";

Deno.test("docs/series.md: the table of limits has every limit and its default", () => {
  const rows = table(PAGE, "limits").map(([name, value]) => [
    code(name),
    Number(value.replaceAll(",", "")),
  ]);
  assertEquals(Object.fromEntries(rows), { ...DEFAULT_LIMITS });
});

Deno.test("docs/series.md: the table of durability has every mode", () => {
  assertEquals(table(PAGE, "durability").map(([mode]) => code(mode)), [...DURABILITIES]);
});

Deno.test("docs/series.md: the values of lines are read as what they are said to be", () => {
  const types = ["float", "integer", "unsigned", "boolean", "string"];
  for (const [row, [values]] of table(PAGE, "values").entries()) {
    for (const [, value] of values.matchAll(/`([^`]+)`/g)) {
      const reader = new LineReader(new Catalog(), DEFAULT_LIMITS);
      const bytes = new TextEncoder().encode(`a v=${value}`);
      reader.read({ bytes, precision: "ns", nowNs: 0n, at: 0, line: 1 }, 1000, (_, error) => {
        throw new Error(error);
      });
      assertEquals(reader.take()[0].fields[0].type, types[row], value);
    }
  }
});

Deno.test("docs/series.md: every precision in it is taken", async () => {
  const { openEngine } = new TestDatabase();
  await using series = await Series.open({ durability: "none", openEngine });
  const write = series.routes().find(({ path }) => path === "/write")!;
  const [[, , text]] = table(PAGE, "writing");
  for (const [, precision] of text.matchAll(/`([^`]+)`/g)) {
    const url = new URL(`http://localhost/write?precision=${precision}`);
    const body = () =>
      Promise.resolve({ bytes: new TextEncoder().encode("a v=1 1"), [Symbol.dispose]() {} });
    const reply = await write.run({ request: new Request(url, { method: "POST" }), url, body });
    assertEquals(reply.status, 204, precision);
  }
});
