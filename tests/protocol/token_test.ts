import { assertEquals } from "@std/assert";
import { Token } from "../../src/protocol/token.ts";

Deno.test("Token.matches knows the token from all others", () => {
  const token = new Token("sésame 日本");
  assertEquals(token.matches("sésame 日本"), true);
  for (const other of ["", "s", "sésame", "sésame 日本 ", "Sésame 日本", "se\u0301same 日本"]) {
    assertEquals(token.matches(other), false);
  }
});

Deno.test("Token shows itself nowhere", () => {
  const token = new Token("hunter2");
  assertEquals(`${Deno.inspect(token)}${JSON.stringify(token)}`.includes("hunter2"), false);
});
