import { assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { ByteReader, ByteWriter } from "../../src/codec/bytes.ts";
import { readCells, writeCells } from "../../src/journal/cells.ts";
import { anyCells } from "./_cells.ts";

Deno.test("readCells() gives back what writeCells() wrote, of every kind", () => {
  fc.assert(fc.property(anyCells, (cells) => {
    const writer = new ByteWriter(0);
    writeCells(writer, cells);
    writer.u8(42);
    const reader = new ByteReader(writer.bytes);
    assertEquals(readCells(reader), cells);
    assertEquals(reader.u8(), 42, "and reads no further");
  }));
});

Deno.test("readCells() refuses what is something else", () => {
  const cases: [string, number[]][] = [
    ["no such kind", [1, 9, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]],
    ["no such metric", [1, 0, 4, 0]],
    ["no such unit", [1, 0, 0, 2]],
    ["a first cell without a place", [1, 0x80, 0, 0]],
    ["fewer cells than it says", [5]],
  ];
  for (const [what, bytes] of cases) {
    assertThrows(() => readCells(new ByteReader(Uint8Array.from(bytes))), RangeError, "", what);
  }
});

Deno.test("readCells() ends with an error or with cells, on any bytes", () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
    try {
      readCells(new ByteReader(bytes));
    } catch (error) {
      assertEquals(error instanceof Error, true);
    }
  }));
});
