/** Python's clients: psycopg2, psycopg 3 and SQLAlchemy. What each asks is in `clients`. */
import { assertEquals } from "@std/assert";
import { PYTHON } from "../../../dev/debian.ts";
import { runWell, withClient } from "./_clients.ts";
import { BIG_ROWS, openPostgres, TOKEN } from "./_postgres.ts";

withClient("python", () => {
  const script = async (name: string, target: (port: number) => string) => {
    await using postgres = await openPostgres();
    const path = new URL(`./clients/${name}`, import.meta.url).pathname;
    const out = await runWell(PYTHON, [path, target(postgres.port), String(BIG_ROWS)]);
    assertEquals(out, "well\n");
  };
  const parts = (port: number) =>
    `host=127.0.0.1 port=${port} user=me dbname=any password='${TOKEN}'`;

  Deno.test("psycopg2 reads, binds, fetches by a named cursor and copies", async () => {
    await script("psycopg_2.py", parts);
  });

  Deno.test("psycopg 3 does so too, in text and in binary", async () => {
    await script("psycopg_3.py", parts);
  });

  Deno.test("SQLAlchemy reflects tables, and asks by what it found", async () => {
    const password = encodeURIComponent(TOKEN);
    await script("alchemy.py", (port) => `postgresql://me:${password}@127.0.0.1:${port}/any`);
  });
});
