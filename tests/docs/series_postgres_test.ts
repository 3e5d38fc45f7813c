/** Holds docs/series-postgres.md to the code. */
import { assertEquals } from "@std/assert";
import { MAX_MESSAGE_BYTES, MAX_STRANGER_BYTES } from "../../src/series/pg/messages/reader.ts";
import { DEFAULT_IDLE_MS, DEFAULT_MAX_CONNECTIONS } from "../../src/series/pg/server.ts";
import { DEFAULT_MAX_ROWS, MAX_CURSORS } from "../../src/series/pg/session/executor.ts";
import { MAX_PORTALS, MAX_STATEMENTS } from "../../src/series/pg/session/extended.ts";
import { MAX_TEXT_CHARS } from "../../src/series/pg/sql/statements.ts";
import { OF_DUCKDB } from "../../src/series/pg/types/oids.ts";
import { code, numberOf, table } from "./_pages.ts";

const PAGE = "docs/series-postgres.md";

Deno.test("docs/series-postgres.md: the types are those of the code", () => {
  const given = table(PAGE, "postgres types").flatMap(([list, name]) =>
    list.split(", ").map((duckdb) => [code(duckdb), code(name)])
  );
  assertEquals(Object.fromEntries(given), OF_DUCKDB);
});

Deno.test("docs/series-postgres.md: the limits are those of the code", () => {
  assertEquals(table(PAGE, "postgres limits").map(([, limit]) => numberOf(limit)), [
    DEFAULT_MAX_CONNECTIONS,
    MAX_MESSAGE_BYTES,
    MAX_TEXT_CHARS,
    MAX_STRANGER_BYTES,
    MAX_CURSORS,
    MAX_PORTALS,
    MAX_STATEMENTS,
    DEFAULT_IDLE_MS / 1000,
    DEFAULT_MAX_ROWS,
  ]);
});
