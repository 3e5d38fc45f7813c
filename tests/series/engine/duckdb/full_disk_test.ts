import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { openDuckDb } from "../../../../src/series/engine/duckdb/mod.ts";
import { askOf, temporaryFolder } from "../_engine.ts";

const PROGRAM = new URL("./_full_disk.ts", import.meta.url).pathname;
/** Blocks of 1,024 bytes that a file may have, as the shell counts them: four megabytes. */
const FILE_BLOCKS = 4000;

Deno.test({
  name: "an engine whose files cannot grow says so, loses nothing, and goes on when they can",
  ignore: Deno.build.os === "windows",
  fn: async () => {
    await using folder = await temporaryFolder();
    const command = `trap '' XFSZ; ulimit -f ${FILE_BLOCKS}; exec "$@"`;
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
    assertEquals(counted, [[BigInt(position * 2000), BigInt(position * 2000)]]);
    await engine.close();
  },
});
