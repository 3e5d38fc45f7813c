import { assertEquals } from "@std/assert";
import { parseTokens } from "../../src/cli/tokens.ts";

Deno.test("parseTokens() reads a token a line, with its right before it or without", () => {
  const text = "# comment\n\nplain\n  record  a b \r\nread\tc\nall d\nrecord\nreading e\n#x\n";
  assertEquals(parseTokens(text), [
    { token: "plain", right: "all" },
    { token: "a b", right: "record" },
    { token: "c", right: "read" },
    { token: "d", right: "all" },
    { token: "record", right: "all" },
    { token: "reading e", right: "all" },
  ]);
  assertEquals(parseTokens("a token of a test\n"), [{ token: "a token of a test", right: "all" }]);
  assertEquals(parseTokens("\n# nothing\n"), []);
});
