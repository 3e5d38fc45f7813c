import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { openDuckDb } from "../../../../src/series/engine/duckdb/mod.ts";
import { askOf, temporaryFolder } from "../_engine.ts";
import { ROWS } from "./_full_disk.ts";

const PROGRAM = new URL("./_full_disk.ts", import.meta.url).pathname;
/** Applies until the engine refuses, where a file may have so many blocks of 1,024 bytes, as the shell counts. */
async function fill(fileBlocks: number): Promise<void> {
  await using folder = await temporaryFolder();
  const command = `trap '' XFSZ; ulimit -f ${fileBlocks}; exec "$@"`;
  const args = ["-c", command, "sh", Deno.execPath(), "run", "--allow-all", PROGRAM, folder.path];
  const { stdout, stderr } = await new Deno.Command("bash", { args }).output();
  const text = new TextDecoder().decode(stdout);
  assert(text !== "", new TextDecoder().decode(stderr));
  const { applied, code, message } = JSON.parse(text);
  assertEquals(code, "full");
  assertStringIncludes(message, "make room on the disk");
  assert(applied > 0);

  const engine = await openDuckDb({ directory: folder.path });
  const { position } = engine.state;
  // The last one may have been applied, though its caller was told of an error.
  assert(position === applied || position === applied + 1);
  const counted = await askOf(engine)("SELECT count(*), count(DISTINCT time) FROM cpu");
  assertEquals(counted, [[BigInt(position * ROWS), BigInt(position * ROWS)]]);
  await engine.close();
}

const ignore = Deno.build.os === "windows";

Deno.test({
  name: "an engine whose files cannot grow says so, loses nothing, and goes on when they can",
  ignore,
  // Four megabytes: a commit cannot write the database's log.
  fn: () => fill(4000),
});

Deno.test({
  name:
    "an engine whose checkpoint cannot grow the file loses nothing, though DuckDB gives up all of it",
  ignore,
  // The log never has so many megabytes: the first file that is too large is the database's own.
  fn: () => fill(24_000),
});
