import { assertEquals, assertThrows } from "@std/assert";
import { ABSENT, Terms } from "../../src/engine/terms.ts";

function terms() {
  const held = { cells: 0, bytes: 0 };
  const reads: unknown[] = [];
  const it = new Terms((value) => {
    reads.push(value);
    return value === "bad" || typeof value === "object" ? "" : String(value).trim();
  }, held);
  return { it, held, reads };
}

Deno.test("Terms.term() numbers values in order of arrival, equal ones alike", () => {
  const { it } = terms();
  assertEquals(["a", "b", "a", "c", "b"].map((value) => it.term(value)), [0, 1, 0, 2, 1]);
  assertEquals([0, 1, 2].map((term) => it.text(term)), ["a", "b", "c"]);
});

Deno.test("Terms.term() gives values of one text one number, whatever their type", () => {
  const { it } = terms();
  assertEquals([1, "1", " 1", true, "true", 1].map((value) => it.term(value)), [0, 0, 0, 1, 1, 0]);
});

Deno.test("Terms.term() says absent for what is not there or reads as nothing", () => {
  const { it, held } = terms();
  for (const value of [undefined, null, "bad", {}, [], "  ", ""]) {
    assertEquals(it.term(value), ABSENT);
    assertEquals(it.term(value), ABSENT, "the second time too");
  }
  assertEquals(held, { cells: 0, bytes: 0 });
});

Deno.test("Terms.term() reads a value once, but for those too long to be remembered", () => {
  const { it, reads } = terms();
  const long = "x".repeat(257);
  for (let i = 0; i < 3; i++) {
    assertEquals([it.term("short"), it.term(7), it.term(long)], [0, 1, 2]);
    it.term("evicts the value in front of a slot, should they share one");
  }
  assertEquals(reads.filter((value) => value === "short").length, 1);
  assertEquals(reads.filter((value) => value === 7).length, 1);
  assertEquals(reads.filter((value) => value === long).length, 3, "a long raw value is not kept");
});

Deno.test("Terms.term() tells apart values that meet in the table that is asked first", () => {
  const { it } = terms();
  // First, middle and last letter and the length are alike; so is nothing else.
  const alike = Array.from({ length: 50 }, (_, i) => `a${String(i).padStart(3, "0")}m....z`);
  const numbers = alike.map((value) => it.term(value));
  assertEquals(new Set(numbers).size, 50);
  assertEquals(alike.map((value) => it.term(value)), numbers);
});

Deno.test("Terms adds what it remembers to what is held", () => {
  const { it, held } = terms();
  it.term("a");
  assertEquals(held.cells, 2, "a text and a raw value");
  const { bytes } = held;
  it.term("a");
  assertEquals(held, { cells: 2, bytes });
  it.term(" a");
  assertEquals(held.cells, 3, "another way to write it");
  it.term("y".repeat(300));
  assertEquals(held.cells, 4, "a long one as text only");
  assertEquals(held.bytes > bytes + 600, true);
});

Deno.test("Terms.term() lets an error of reading through and stays usable", () => {
  const held = { cells: 0, bytes: 0 };
  const it = new Terms((value) => {
    if (value === Infinity) throw new RangeError("far");
    return String(value);
  }, held);
  assertThrows(() => it.term(Infinity), RangeError, "far");
  assertEquals([it.term(1), it.term("a")], [0, 1]);
});
