import { assertEquals, assertThrows } from "@std/assert";
import { StorageError } from "../../src/base/errors.ts";
import { History } from "../../src/journal/history.ts";
import type { Head, JournalRecord } from "../../src/journal/records.ts";
import type { Checkpoint } from "../../src/storage/storage.ts";

function at(text: string): Checkpoint {
  // "a2.1" is incarnation a, flush 2, part 1; "a2.1+3" the first 3 cells of it.
  const [, incarnation, flush, part, applied] = /^(\w)(\d+)\.(\d+)(?:\+(\d+))?$/.exec(text)!;
  const checkpoint = { incarnation, flush: Number(flush), part: Number(part) };
  return applied === undefined ? checkpoint : { ...checkpoint, applied: Number(applied) };
}

function head(incarnation: string, nextEvent: number, confirmed?: [string, number]): JournalRecord {
  const head: Head = {
    version: 1,
    writer: "w",
    prefix: "p",
    incarnation,
    segment: 1,
    nextEvent,
    confirmed: confirmed === undefined
      ? null
      : { checkpoint: at(confirmed[0]), covers: confirmed[1] },
    neededFrom: 1,
    damaged: [],
  };
  return { kind: "head", head };
}

function cut(incarnation: string, flush: number, covers: number, parts = 1): JournalRecord {
  return {
    kind: "cut",
    head: { incarnation, flush, covers, previous: null, parts },
    chunks: () => [],
  };
}

function events(first: number, last: number): JournalRecord {
  return { kind: "events", first, count: last - first + 1, receivedMs: 0, events: () => [] };
}

function confirmed(checkpoint: string | null, covers: number): JournalRecord {
  return {
    kind: "confirmed",
    confirmed: { checkpoint: checkpoint === null ? null : at(checkpoint), covers },
  };
}

function history(...records: (JournalRecord | "damage")[]): History {
  const history = new History("data/journal");
  records.forEach((record, i) => {
    if (record === "damage") history.noteDamage();
    else history.note(record, 1, i);
  });
  return history;
}

Deno.test("History.resume() says from which cut on storage is brought up to date", () => {
  const two = [head("a", 1), cut("a", 1, 10), cut("a", 2, 20, 3), head("b", 21), cut("b", 1, 30)];
  const cases: [string, (JournalRecord | "damage")[], string | null, number, string?][] = [
    ["nothing at all", [], null, 0],
    ["a journal that never committed", [head("a", 1)], null, 0],
    ["nothing of it in storage", two, null, 0],
    ["the first cut", two, "a1.0", 1],
    ["a part of a cut", two, "a2.0", 1],
    ["some cells of its last part", two, "a2.2+5", 1],
    ["a whole cut of parts", two, "a2.2", 2],
    ["the last cut", two, "b1.0", 3],
    ["cuts that are gone, confirmed", [head("b", 9, ["a7.0", 8]), cut("b", 1, 10)], "a7.0", 0],
    ["all are gone", [head("b", 9, ["a7.0", 8])], "a7.0", 0],
    ["ahead of a lost cut", [head("a", 1), cut("a", 1, 10)], "a2.0", 1, "ahead"],
    ["ahead, and opened again", [head("a", 1), cut("a", 1, 5), head("b", 9)], "a2.0", 1, "ahead"],
    ["ahead of what was confirmed", [head("b", 9, ["a7.0", 8])], "a8.0", 0, "ahead"],
    ["a lost cut before one that is there", [head("a", 1), cut("a", 3, 5)], "a2.0", 0],
    ["behind all that is kept", [head("b", 9, ["b7.1", 8])], "b3.0", 0, "behind"],
    ["behind by a part", [head("b", 9, ["b7.1", 8])], "b7.0", 0, "behind"],
    ["behind by cells", [head("b", 9, ["b7.1", 8])], "b7.1+2", 0, "behind"],
    ["behind by a process", [head("a", 1), head("b", 9, ["b1.0", 8])], "a3.0", 0, "behind"],
    [
      "known by the cut behind it",
      [
        head("b", 9),
        {
          ...cut("b", 1, 9),
          head: { ...cutHead("b", 1, 9), previous: at("a4.0") },
        } as JournalRecord,
      ],
      "a4.0",
      0,
    ],
  ];
  for (const [what, records, stored, cut, where] of cases) {
    const resumption = history(...records).resume(stored === null ? null : at(stored), false);
    assertEquals(resumption, {
      cut,
      isAhead: where === "ahead",
      isBehind: where === "behind",
    }, what);
  }
});

function cutHead(incarnation: string, flush: number, covers: number) {
  return { incarnation, flush, covers, parts: 1 };
}

Deno.test("History.resume() refuses a storage that cannot be the right one", () => {
  const known = history(head("a", 1), cut("a", 1, 10), confirmed("a1.0", 10));
  const gone = assertThrows(() => known.resume(null, false), StorageError, "no checkpoint of it");
  assertEquals(gone.code, "refused");
  assertEquals(known.resume(null, true).cut, 0, "it forgets: all is committed again");
  const foreign = assertThrows(() => known.resume(at("z1.0"), false), StorageError);
  assertEquals(foreign.code, "foreign");
  assertThrows(() => history().resume(at("a1.0"), false), StorageError);
  const empty = history(head("a", 1), cut("a", 1, 10, 0), confirmed(null, 10));
  assertEquals(empty.resume(null, false).cut, 0, "only empty cuts were confirmed");
  assertEquals(empty.covered, 10);
});

Deno.test("History.knows() says whether older records could tell more", () => {
  const known = history(head("b", 9, ["a7.1", 8]), cut("b", 1, 10, 2));
  const cases: [string | null, boolean][] = [
    ["a7.1", true],
    ["b1.0", true],
    ["b1.1", true],
    ["a7.0", false],
    ["a6.0", false],
    ["z1.0", false],
    [null, false],
  ];
  for (const [stored, want] of cases) {
    assertEquals(known.knows(stored === null ? null : at(stored)), want, String(stored));
  }
  assertEquals(history(head("a", 1)).knows(null), true);
  assertEquals(history(head("a", 1), confirmed(null, 4)).knows(null), true);
});

Deno.test("History counts events and cuts once that were written again", () => {
  const twice = history(
    head("a", 1),
    events(1, 5),
    cut("a", 1, 3),
    head("a", 2),
    events(2, 5),
    cut("a", 1, 3),
    events(6, 9),
  );
  assertEquals([twice.lastEvent, twice.cuts.length, twice.covered], [9, 1, 3]);
  assertEquals(twice.cuts[0].offset, 2, "the first is taken");
  assertEquals(twice.lost, []);
  assertEquals(twice.incarnations, ["a"]);
});

Deno.test("History finds the events that are missing", () => {
  const lost = (...records: JournalRecord[]) =>
    history(...records).lost.map(({ first, last }) => `${first}-${last}`);
  assertEquals(lost(head("a", 5), events(5, 6)), [], "what came before is not needed");
  assertEquals(lost(head("a", 1), events(1, 2), events(5, 6)), ["3-4"]);
  assertEquals(lost(events(5, 6)), [], "no head says what came before");
  assertEquals(lost(head("a", 1), events(1, 2), head("b", 6)), ["3-5"], "a head does too");
  assertEquals(lost(head("a", 3), events(6, 7)), ["3-5"]);
});

Deno.test("History.maybeCovered is the last event before the last damage", () => {
  const cases: [(JournalRecord | "damage")[], number][] = [
    [[head("a", 1), events(1, 9)], 9],
    [[head("a", 1), events(1, 4), "damage", events(5, 9)], 4],
    [["damage", head("a", 5), events(5, 9)], 0],
    [[head("a", 1), events(1, 4), "damage", events(5, 9), cut("a", 2, 7)], 7],
    [[head("a", 1), events(1, 2), "damage", events(3, 4), "damage", events(5, 9)], 4],
  ];
  for (const [records, want] of cases) assertEquals(history(...records).maybeCovered, want);
});

Deno.test("History.lastEvent is never below what a cut covers: its number must not be given again", () => {
  const ok = (wanted: number, ...records: (JournalRecord | "damage")[]) =>
    assertEquals(history(...records).lastEvent, wanted);
  ok(10, head("a", 1), events(1, 5), "damage", cut("a", 1, 10));
  ok(10, head("a", 1), events(1, 5), "damage", confirmed("a1.0", 10));
  ok(10, head("a", 1), events(1, 5), "damage", head("b", 6, ["a1.0", 10]));
  ok(12, head("a", 1), cut("a", 1, 10), events(11, 12));
});
