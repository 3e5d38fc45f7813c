import { assertEquals, assertThrows } from "@std/assert";
import { UsageError } from "../../src/cli/errors.ts";
import { readFlags } from "../../src/cli/flags.ts";
import { record } from "../../src/cli/record.ts";
import { serve } from "../../src/cli/serve.ts";
import { opensStorage, readAddress } from "../../src/cli/shared_flags.ts";

Deno.test("readAddress() reads IPv6 too, and says what it wants", () => {
  const read = (text: string) => readAddress(readFlags(serve.groups, ["--addr", text]));
  assertEquals(read("[::1]:1"), { hostname: "::1", port: 1 });
  for (const text of ["9876", "host", "host:99999", "http://host:1", "::1:9876"]) {
    assertThrows(() => read(text), UsageError, "--addr wants HOST:PORT");
  }
});

Deno.test("opensStorage() refuses flags of the one beside the other", () => {
  const opens = (...args: string[]) => opensStorage(readFlags(record.groups, args));
  assertEquals(opens(), false);
  assertEquals(opens("--addr", "127.0.0.1:1"), false);
  assertEquals(opens("--storage", "kv", "--add", "event"), true);
  assertThrows(
    () => opens("--storage", "kv", "--addr", "x:1"),
    UsageError,
    "--addr is for a server",
  );
  assertThrows(() => opens("--add", "event"), UsageError, "--add is for opening the storage here");
  assertThrows(() => opens("--kv-path", "x"), UsageError, "--kv-path is for opening");
});
