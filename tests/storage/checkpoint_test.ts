import { assertEquals, assertThrows } from "@std/assert";
import { StorageError, type StorageErrorCode } from "../../src/base/errors.ts";
import { type Verdict, verdict } from "../../src/storage/checkpoint.ts";
import type { Checkpoint } from "../../src/storage/storage.ts";

/** `i1.2` is flush 1 part 2 of incarnation i; `i1.2+3` its first three cells only. */
function parse(text: string | null): Checkpoint | null {
  if (text === null) return null;
  const [, incarnation, flush, part, applied] = /^([a-z])(\d+)\.(\d+)(?:\+(\d+))?$/.exec(text)!;
  const checkpoint = { incarnation, flush: Number(flush), part: Number(part) };
  return applied === undefined ? checkpoint : { ...checkpoint, applied: Number(applied) };
}

function judge(stored: string | null, previous: string | null, own: string): Verdict {
  return verdict(parse(stored), {
    prefix: "app",
    writer: "w",
    durable: true,
    checkpoint: parse(own)!,
    previous: parse(previous),
    cells: [],
  });
}

Deno.test("verdict() applies what follows, and skips what is in storage", () => {
  const ok = (stored: string | null, previous: string | null, own: string, want: number | "skip") =>
    assertEquals(
      judge(stored, previous, own),
      want === "skip" ? { skip: true } : { skip: false, from: want },
      `${stored} | ${previous} -> ${own}`,
    );
  ok(null, null, "i1.0", 0);
  ok("i1.0", "i1.0", "i1.1", 0);
  ok("i1.3", "i1.3", "i2.0", 0);
  ok("i1.0", null, "i1.0", "skip");
  ok("i1.1", "i1.0", "i1.1", "skip");
  ok("i1.2", "i1.0", "i1.1", "skip");
  ok("i2.0", "i1.0", "i1.1", "skip");
  ok("i2.0+0", "i1.0", "i1.1", "skip");
  ok("i10.0", "i9.0", "i9.5", "skip"); // numbers, not text
  ok("i1.0+0", null, "i1.0", 0);
  ok("i1.1+7", "i1.0", "i1.1", 7);
  ok("i4.2", "i4.2", "j1.0", 0); // a new incarnation follows the old
  ok("j1.0+3", "i4.2", "j1.0", 3);
});

Deno.test("verdict() throws at a checkpoint that is behind or foreign", () => {
  const bad = (
    stored: string | null,
    previous: string | null,
    own: string,
    code: StorageErrorCode,
  ) =>
    assertEquals(
      assertThrows(() => judge(stored, previous, own), StorageError).code,
      code,
      `${stored} | ${previous} -> ${own}`,
    );
  bad(null, "i1.0", "i1.1", "behind");
  bad("i1.0", "i1.1", "i1.2", "behind");
  bad("i1.1+5", "i1.1", "i1.2", "behind"); // a part of it is not it
  bad("i9.0", "i10.0", "i10.1", "behind");
  bad("i4.1", "i4.2", "j1.0", "behind");
  bad("j1.0", null, "i1.0", "foreign");
  bad("j1.0", "i1.0", "i1.1", "foreign");
  bad("j1.0", "i4.2", "k1.0", "foreign");
  bad("i5.0", "i4.2", "j1.0", "foreign"); // the old incarnation lives on
  bad("i1.1", "i1.0", "i1.2", "foreign"); // a chunk that this writer does not know of
  bad("i1.0", null, "i1.1", "foreign");
});
