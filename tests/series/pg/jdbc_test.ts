/** PostgreSQL's driver for Java, as DataGrip and others use it. What it asks is in `clients`. */
import { assertEquals } from "@std/assert";
import { JDBC_JARS } from "../../../dev/debian.ts";
import { runWell, withClient } from "./_clients.ts";
import { BIG_ROWS, openPostgres, START_NS, TOKEN } from "./_postgres.ts";

withClient("jdbc", () => {
  Deno.test("the JDBC driver finds tables and columns, binds, and fetches in pieces", async () => {
    await using postgres = await openPostgres();
    const script = new URL("./clients/metadata.bsh", import.meta.url).pathname;
    const url = `jdbc:postgresql://127.0.0.1:${postgres.port}/any`;
    const out = await runWell("java", [
      ...["-cp", JDBC_JARS.join(":"), "bsh.Interpreter", script, url, TOKEN],
    ]);
    const row = (i: number) =>
      `row ${i} ${i % 2 === 0 ? `${i / 2}.0` : i / 2} ${i % 2 === 0} ${
        Number(START_NS / 1_000_000n) + i * 60_000
      }`;
    assertEquals(out.trimEnd().split("\n"), [
      "PostgreSQL 15",
      ...["information_schema", "pg_catalog", "public"].map((name) => `schema ${name}`),
      "table big TABLE",
      "table cpu TABLE",
      "column time timestamptz 93 0",
      "column host text 12 1",
      "column usage float8 8 1",
      "column n int8 -5 1",
      "column ok bool -7 1",
      "column u numeric 2 1",
      ...["primary keys 0", "indexes 0", "imported keys 0", "exported keys 0", "functions 0"],
      "privilege SELECT",
      ...[1, 2, 3, 4, 5, 6, 7].map(row),
      "any 6",
      `sum ${BIG_ROWS * (BIG_ROWS - 1) / 2}`,
    ]);
  });
});
