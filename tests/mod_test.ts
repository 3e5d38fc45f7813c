import { assert, assertEquals } from "@std/assert";
import * as traqq from "../mod.ts";

Deno.test("mod.ts exports these names and no others", () => {
  assertEquals(Object.keys(traqq).sort(), [
    "Client",
    "ConfigError",
    "ConnectionError",
    "EventError",
    "JournalError",
    "KvStorage",
    "MemoryStorage",
    "PartialRecordError",
    "ProtocolError",
    "RedisStorage",
    "StorageError",
    "Traqq",
    "exportCells",
    "importCells",
  ]);
});

Deno.test("everything that can be closed works with await using", () => {
  const { Client, KvStorage, MemoryStorage, RedisStorage, Traqq } = traqq;
  for (const closable of [Client, KvStorage, MemoryStorage, RedisStorage, Traqq]) {
    assert(Symbol.asyncDispose in closable.prototype, closable.name);
  }
});

Deno.test("Traqq has these methods and no others", () => {
  assertEquals(
    Reflect.ownKeys(traqq.Traqq.prototype).map(String).sort(),
    [
      "Symbol(Symbol.asyncDispose)",
      "close",
      "constructor",
      "flush",
      "isOpen",
      "observe",
      "prefix",
      "prune",
      "query",
      "queryDays",
      "record",
      "recordMany",
      "stats",
      "timezone",
    ],
  );
});
