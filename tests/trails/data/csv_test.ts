import { assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { csvLine } from "../../../src/protocol/csv.ts";
import { CsvReader } from "../../../src/trails/data/csv.ts";
import { TrailsError } from "../../../src/trails/mod.ts";

function rows(...pieces: string[]): string[][] {
  const found: string[][] = [];
  const reader = new CsvReader((cells) => found.push([...cells]));
  for (const piece of pieces) reader.feed(piece);
  reader.end();
  return found;
}

Deno.test("CsvReader reads plain and quoted cells, with commas, quotes and line ends", () => {
  assertEquals(rows('a,b\r\n"c,""d""","e\nf"\n\n,\ng,'), [
    ["a", "b"],
    ['c,"d"', "e\nf"],
    ["", ""],
    ["g", ""],
  ]);
  assertEquals(rows(""), []);
  assertEquals(rows('""'), [[""]]);
});

Deno.test("CsvReader reads what csvLine() writes, cut anywhere", () => {
  const cell = fc.string({ unit: fc.constantFrom("a", ",", '"', "\n", "é", " ") });
  const row = fc.array(cell, { minLength: 2, maxLength: 3 });
  fc.assert(fc.property(fc.array(row), fc.nat(30), (wanted, at) => {
    const text = wanted.map((cells) => csvLine(cells)).join("");
    assertEquals(rows(text.slice(0, at), text.slice(at)), wanted);
  }));
});

Deno.test("CsvReader says which row is wrong", () => {
  const bad = (text: string, message: string) =>
    assertThrows(() => rows(text), TrailsError, message);
  bad('a\nb"c\n', "Cannot read row 2 of the CSV: there is a quote within a cell");
  bad('a\n"b"c\n', "Cannot read row 2 of the CSV: there is text behind a closing quote");
  bad('a\n"b', "Cannot read row 2 of the CSV: the last quote is not closed");
});
