import { assertEquals, assertInstanceOf, assertStrictEquals } from "@std/assert";
import { EventError } from "../../src/base/errors.ts";
import { PropertyReader } from "../../src/engine/reader.ts";

Deno.test("PropertyReader.get() reads each property by its number, however many there are", () => {
  for (let length = 0; length <= 20; length++) {
    const keys = Array.from({ length }, (_, i) => `k${i}`);
    const reader = new PropertyReader(keys);
    const object = Object.fromEntries(keys.map((key, i) => [key, i * 10]));
    assertEquals(keys.map((_, i) => reader.get(object, i)), keys.map((_, i) => i * 10));
    assertEquals(keys.map((_, i) => reader.get({}, i)), keys.map(() => undefined));
  }
});

Deno.test("PropertyReader.get() reads odd names as data", () => {
  const reader = new PropertyReader(["__proto__", "constructor", "", "0"]);
  const object = JSON.parse('{"__proto__":1,"constructor":2,"":3,"0":4}');
  assertEquals([0, 1, 2, 3].map((i) => reader.get(object, i)), [1, 2, 3, 4]);
});

Deno.test("PropertyReader.explain() names the property that throws", () => {
  const cause = new Error("boom");
  const bad = {
    a: 1,
    get b(): never {
      throw cause;
    },
  };
  const error = new PropertyReader(["a", "b"]).explain(bad, cause);
  assertInstanceOf(error, EventError);
  assertEquals(error.message, 'Cannot record an event: property "b" cannot be read: boom');
  assertStrictEquals(error.cause, cause);
  // One that throws only once cannot be told.
  const other = new PropertyReader(["a"]).explain(bad, "no error");
  assertEquals(other.message, "Cannot record an event: a property cannot be read: no error");
});
