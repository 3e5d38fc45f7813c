import { assertEquals } from "@std/assert";
import { shellWord } from "../../src/cli/shell.ts";

Deno.test("shellWord() quotes what a shell would read something into", () => {
  const ok = (text: string, want = text) => assertEquals(shellWord(text), want);
  ok("./traqq.db,traqq.db.refused.ndjson");
  ok("[::1]:9876");
  ok("--addr=127.0.0.1:0");
  ok("", "''");
  ok("a b", "'a b'");
  ok("~/a", "'~/a'");
  ok("$HOME", "'$HOME'");
  ok("it's", "'it'\\''s'");
});
