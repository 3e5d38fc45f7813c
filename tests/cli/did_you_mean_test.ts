import { assertEquals } from "@std/assert";
import { nearest } from "../../src/cli/did_you_mean.ts";

const WORDS = ["serve", "record", "query", "stats", "prune", "demo"];

Deno.test("nearest() finds what was meant", () => {
  const ok = (wrong: string, want: string | undefined) => assertEquals(nearest(wrong, WORDS), want);
  ok("serv", "serve");
  ok("sevre", "serve");
  ok("qeury", "query");
  ok("re", "record");
  ok("statistics", undefined);
  ok("x", undefined);
  ok("", undefined);
});
