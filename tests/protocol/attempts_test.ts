import { assertEquals } from "@std/assert";
import { Attempts, MAX_WRONG_PER_MINUTE } from "../../src/protocol/attempts.ts";

function tryWrong(attempts: Attempts, times: number, nowMs: number): void {
  for (let i = 0; i < times; i++) attempts.wrong("a", nowMs);
}

Deno.test("Attempts allows 20 wrong tokens a minute from an address, and counts others apart", () => {
  const attempts = new Attempts();
  tryWrong(attempts, MAX_WRONG_PER_MINUTE - 1, 0);
  assertEquals(attempts.wrong("a", 59_999), false);
  assertEquals(attempts.wrong("a", 59_999), true);
  assertEquals(attempts.wrong("b", 59_999), false);
  assertEquals(attempts.wrong("a", 60_000), false, "another minute");
});

Deno.test("Attempts takes no right token after too many wrong ones: it may be a guess", () => {
  const attempts = new Attempts();
  tryWrong(attempts, MAX_WRONG_PER_MINUTE - 1, 0);
  assertEquals(attempts.right("a", 0, 0), true);
  const other = new Attempts();
  tryWrong(other, MAX_WRONG_PER_MINUTE, 0);
  assertEquals(other.right("a", 0, 59_999), false);
  assertEquals(other.right("b", 0, 59_999), true);
  assertEquals(other.right("a", 0, 60_000), true);
});

Deno.test("Attempts goes on with an address that had a right token within an hour", () => {
  const attempts = new Attempts();
  attempts.right("a", 0, 0);
  tryWrong(attempts, 1000, 3_540_001);
  assertEquals(attempts.right("a", 0, 3_600_000), true);
  assertEquals(attempts.wrong("a", 3_600_000), true);
  tryWrong(attempts, 1000, 7_199_999);
  assertEquals(attempts.right("a", 0, 7_200_001), false);
});

Deno.test("Attempts goes on with the token that came, and with no other", () => {
  const attempts = new Attempts();
  attempts.right("a", 0, 0);
  tryWrong(attempts, MAX_WRONG_PER_MINUTE, 1);
  assertEquals([attempts.right("a", 0, 1), attempts.right("a", 1, 1)], [true, false]);
  assertEquals([attempts.right("a", 0, 60_001), attempts.right("a", 1, 60_001)], [true, true]);
});

Deno.test("Attempts forgets the address that came longest ago, of more than 10,000", () => {
  const attempts = new Attempts();
  tryWrong(attempts, MAX_WRONG_PER_MINUTE, 0);
  for (let i = 0; i < 9999; i++) attempts.wrong(`other ${i}`, 0);
  assertEquals(attempts.wrong("a", 0), true);
  for (let i = 0; i < 10_000; i++) attempts.wrong(`more ${i}`, 0);
  assertEquals(attempts.wrong("a", 0), false);
});
