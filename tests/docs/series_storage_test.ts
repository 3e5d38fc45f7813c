/** Holds docs/series-storage.md to the code. */
import { assert, assertEquals } from "@std/assert";
import { COLD_NAME } from "../../src/series/engine/duckdb/cold.ts";
import { DATABASE_NAME } from "../../src/series/engine/duckdb/database.ts";
import { LOCK_NAME } from "../../src/series/engine/duckdb/lock.ts";
import { Series } from "../../src/series/mod.ts";
import { block, code, read, table } from "./_pages.ts";

const PAGE = "docs/series-storage.md";

Deno.test("docs/series-storage.md: the files are those of the code", () => {
  const named = table(PAGE, "series files").map(([name]) => code(name));
  assertEquals(named, [DATABASE_NAME, LOCK_NAME, COLD_NAME]);
});

Deno.test("docs/series-storage.md: the tables are those that schema.ts names", () => {
  const inSource = [
    ...read("src/series/engine/duckdb/schema.ts").matchAll(/^ \* \| (`.*?) +\| (.*?) +\|$/gm),
  ];
  assertEquals(table(PAGE, "series tables"), inSource.map(([, ...cells]) => cells));
  assert(inSource.length > 7);
});

Deno.test("docs/series-storage.md: the statement makes a continuous aggregate", async () => {
  await using series = await Series.open({ durability: "none" });
  await series.write("cpu,host=a usage=1 0\ncpu,host=a usage=3 1000000000");
  await series.command(block(PAGE, "aggregate"));
  assertEquals((await series.sql("SELECT host, usage FROM cpu_hourly")).rows, [
    { host: "a", usage: 2 },
  ]);
});
