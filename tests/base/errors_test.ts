import { assert, assertEquals, assertStrictEquals } from "@std/assert";
import {
  ConfigError,
  EventError,
  messageOf,
  ProtocolError,
  StorageError,
} from "../../src/base/errors.ts";

Deno.test("errors keep their name, message and cause, and are Errors", () => {
  const cause = new Error("underneath");
  for (
    const [error, name] of [
      [new ConfigError("m", { cause }), "ConfigError"],
      [new EventError("m", { cause }), "EventError"],
      [new StorageError("behind", "m", { cause }), "StorageError"],
      [new ProtocolError("m", { cause }), "ProtocolError"],
    ] as const
  ) {
    assert(error instanceof Error);
    assertEquals([error.name, error.message, String(error)], [name, "m", `${name}: m`]);
    assertStrictEquals(error.cause, cause);
  }
});

Deno.test("EventError.reason is invalid unless said otherwise", () => {
  assertEquals(new EventError("m").reason, "invalid");
  assertEquals(new EventError("m", { cause: 1 }).reason, "invalid");
  assertEquals(new EventError("m", { reason: "late" }).reason, "late");
});

Deno.test("StorageError.code says what kind of failure it is", () => {
  assertEquals(new StorageError("foreign", "m").code, "foreign");
  assert(!("cause" in new StorageError("foreign", "m")), "no cause where there is none");
});

Deno.test("messageOf() gives the text of whatever was thrown", () => {
  assertEquals(messageOf(new RangeError("far")), "far");
  assertEquals(messageOf("text"), "text");
  assertEquals(messageOf(null), "null");
  assertEquals(messageOf(undefined), "undefined");
});
