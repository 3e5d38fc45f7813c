import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { DictionaryBuilder } from "../../../src/trails/data/dictionary.ts";
import { decodeText, encodeText } from "../../../src/trails/data/text.ts";

Deno.test("Dictionary: values have numbers in the order in which they came, 0 the empty one", () => {
  const builder = new DictionaryBuilder();
  assertEquals(["b", "", "a", "b", "é"].map((text) => builder.idOf(text)), [1, 0, 2, 1, 3]);
  const dictionary = builder.build();
  assertEquals([...dictionary.texts()], ["", "b", "a", "é"]);
  assertEquals([...dictionary.find(["é", "x", "", "a", "é", "e"])], [3, -1, 0, 2, 3, -1]);
});

Deno.test("Dictionary.find() and text() are each other's inverse", () => {
  fc.assert(fc.property(fc.uniqueArray(fc.string({ unit: "binary" })), (texts) => {
    const builder = new DictionaryBuilder();
    const ids = texts.map((text) => builder.idOf(text));
    const dictionary = builder.build();
    assertEquals([...dictionary.find(texts)], ids);
    assertEquals(ids.map((id) => dictionary.text(id)), texts);
  }));
});

Deno.test("decodeText() loses no byte, whatever it is", () => {
  assertEquals(decodeText(Uint8Array.of(0x61, 0xff, 0xc3, 0xa9, 0xc3)), "a\udcffé\udcc3");
  fc.assert(fc.property(fc.uint8Array(), (bytes) => {
    assertEquals([...encodeText(decodeText(bytes))], [...bytes]);
    const shared = new Uint8Array(new SharedArrayBuffer(bytes.length));
    shared.set(bytes);
    assertEquals(decodeText(shared), decodeText(bytes));
  }));
});
