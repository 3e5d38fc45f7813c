import { assertEquals, assertMatch, assertRejects, assertStringIncludes } from "@std/assert";
import { ConfigError, JournalError } from "../../src/base/errors.ts";
import { readJournal } from "../../src/engine/journal_options.ts";
import { Journal } from "../../src/journal/journal.ts";
import { segmentName } from "../../src/journal/names.ts";
import { eventsCapacity, FORMAT_VERSION, headRecord } from "../../src/journal/records.ts";
import { JournalTail } from "../../src/journal/tail.ts";
import { Folder } from "../program/_program.ts";

function open(
  folder: Folder,
  maxSegmentBytes?: number,
  { prefix = "p", writer }: { prefix?: string; writer?: string } = {},
): Promise<Journal> {
  return Journal.open(readJournal({ directory: folder.path, durability: "os_default" }), {
    prefix,
    writer,
    forgets: false,
    onError: (error) => {
      if (!(error instanceof JournalError)) throw error;
    },
    maxSegmentBytes,
  });
}

/** Appends so many events, each a record of its own, and waits until they are written. */
async function append(journal: Journal, count: number): Promise<void> {
  for (let i = 0; i < count; i++) {
    const number = journal.lastEvent + 1;
    journal.append(1000 + number, JSON.stringify({ event: "e", number }));
    await journal.accepted;
  }
}

class Reader {
  readonly said: JournalError[] = [];
  readonly tail: JournalTail;

  constructor(folder: Folder, after?: number) {
    this.tail = new JournalTail({
      directory: folder.path,
      after,
      onDamage: (error) => this.said.push(error),
    });
  }

  async read(): Promise<number[]> {
    const numbers: number[] = [];
    for await (const events of this.tail.read()) {
      for (const { number, seconds, text } of events) {
        assertEquals([JSON.parse(text).number, seconds], [number, 1000 + number]);
        numbers.push(number);
      }
    }
    return numbers;
  }
}

function upTo(last: number, first = 1): number[] {
  return Array.from({ length: last - first + 1 }, (_, i) => first + i);
}

/** Where a text stands in a file. */
function find(path: string, text: string): number {
  const bytes = Deno.readFileSync(path);
  const at = new TextDecoder("latin1").decode(bytes).indexOf(text);
  if (at < 0) throw new Error(`no ${text} in ${path}`);
  return at;
}

/** Flips a bit, and gives the first byte of the record it was in. */
function damage(folder: Folder, segment: number, number: number): number {
  const path = folder.file(segmentName(segment));
  const at = find(path, `"number":${number}}`);
  const bytes = Deno.readFileSync(path);
  bytes[at] ^= 4;
  Deno.writeFileSync(path, bytes);
  // Kind, number, time and count, then a second, then the text.
  return at - '{"event":"e",'.length - eventsCapacity(1, 0);
}

Deno.test("JournalTail gives each event once, while they are appended and segments change", async () => {
  await using folder = new Folder();
  const journal = await open(folder, 1000);
  const reader = new Reader(folder);
  const seen: number[] = [];
  for (let i = 0; i < 12; i++) {
    await append(journal, i);
    seen.push(...await reader.read());
    assertEquals(await reader.read(), []);
  }
  assertEquals(seen, upTo(66));
  assertEquals(journal.stats().segments > 4, true);
  assertEquals(await new Reader(folder).read(), upTo(66));
  assertEquals(await new Reader(folder, 60).read(), upTo(66, 61));
  await journal.close(1000);
  assertEquals([reader.said, reader.tail.isIncomplete, reader.tail.lastEvent], [[], false, 66]);
});

Deno.test("JournalTail begins behind any event, in the middle of a record too", async () => {
  await using folder = new Folder();
  const journal = await open(folder);
  for (const number of upTo(20)) {
    journal.append(1000 + number, JSON.stringify({ event: "e", number }));
  }
  await journal.close(1000);
  for (let after = 0; after <= 20; after++) {
    assertEquals(await new Reader(folder, after).read(), upTo(20, after + 1));
  }
});

Deno.test("JournalTail goes on with the next process, and begins with what is kept", async () => {
  await using folder = new Folder();
  const reader = new Reader(folder);
  for (let i = 0; i < 3; i++) {
    const journal = await open(folder);
    await append(journal, 2);
    await journal.close(1000);
  }
  assertEquals(await reader.read(), upTo(6));
  await Deno.remove(folder.file(segmentName(1)));
  const late = new Reader(folder);
  assertEquals(await late.read(), upTo(6, 3));
  assertEquals(late.tail.isIncomplete, false);
});

Deno.test("JournalTail gives no half of a record, and the whole one once it is written", async () => {
  await using folder = new Folder();
  await using other = new Folder();
  const journal = await open(folder);
  await append(journal, 3);
  await journal.close(1000);
  const whole = Deno.readFileSync(folder.file(segmentName(1)));
  const reader = new Reader(other);
  const seen: number[] = [];
  for (let length = 0; length <= whole.length; length++) {
    other.write(segmentName(1), whole.subarray(0, length));
    seen.push(...await reader.read());
  }
  assertEquals(seen, [1, 2, 3]);
  assertEquals([reader.said, reader.tail.isLoose, reader.tail.isIncomplete], [[], false, false]);
});

Deno.test("JournalTail tells of half a record that stays one, once, and misses no event for it", async () => {
  await using folder = new Folder();
  const journal = await open(folder);
  await append(journal, 3);
  await journal.close(1000);
  const path = folder.file(segmentName(1));
  const torn = find(path, '{"event":"e","number":3}') - eventsCapacity(1, 0);
  await Deno.truncate(path, torn + 20);
  const reader = new Reader(folder);
  assertEquals([await reader.read(), reader.said.length, reader.tail.isLoose], [[1, 2], 0, true]);
  assertEquals([await reader.read(), reader.said.length], [[], 1]);
  assertEquals([reader.said[0].file, reader.said[0].offset], [path, torn]);
  const next = await open(folder);
  await append(next, 1);
  assertEquals(await reader.read(), [3]);
  await next.close(1000);
  assertEquals([reader.said.length, reader.tail.isIncomplete, reader.tail.isLoose], [
    1,
    false,
    false,
  ]);
});

Deno.test("JournalTail leaves out a damaged record, names its byte, and knows that events are missing", async () => {
  await using folder = new Folder();
  const journal = await open(folder);
  await append(journal, 5);
  await journal.close(1000);
  const offset = damage(folder, 1, 3);
  const reader = new Reader(folder);
  assertEquals(await reader.read(), [1, 2, 4, 5]);
  const [damaged, missing] = reader.said;
  assertEquals([damaged.file, damaged.offset], [folder.file(segmentName(1)), offset]);
  assertStringIncludes(damaged.message, `is damaged at byte ${offset}`);
  assertStringIncludes(missing.message, "events 3 to 3 are missing");
  assertEquals(reader.tail.isIncomplete, true);
});

Deno.test("JournalTail knows that events may be missing at both ends, and where the next process goes on", async () => {
  const incomplete = async (number: number, then: boolean) => {
    await using folder = new Folder();
    const journal = await open(folder);
    await append(journal, 3);
    await journal.close(1000);
    damage(folder, 1, number);
    if (then) {
      const next = await open(folder);
      await append(next, 1);
      await next.close(1000);
    }
    const reader = new Reader(folder);
    await reader.read();
    await reader.read();
    assertMatch(reader.said[0].message, /is damaged at byte \d+/);
    return reader.tail.isIncomplete;
  };
  assertEquals(await incomplete(1, false), true);
  assertEquals(await incomplete(3, false), true);
  assertEquals(await incomplete(3, true), true);
});

Deno.test("JournalTail takes damage that holds no event for what it is", async () => {
  await using folder = new Folder();
  const journal = await open(folder);
  await append(journal, 2);
  await journal.cut({ incarnation: journal.incarnation, flush: 1, covers: 2, previous: null }, []);
  await append(journal, 2);
  await journal.close(1000);
  const path = folder.file(segmentName(1));
  const bytes = Deno.readFileSync(path);
  bytes[find(path, '"covers"')] ^= 1;
  Deno.writeFileSync(path, bytes);
  const reader = new Reader(folder);
  assertEquals(await reader.read(), [1, 2, 3, 4]);
  assertEquals([reader.said.length, reader.tail.isIncomplete], [1, false]);
});

Deno.test("JournalTail tells of segments that went before they were read", async () => {
  await using folder = new Folder();
  const journal = await open(folder, 300);
  const reader = new Reader(folder);
  await append(journal, 1);
  assertEquals(await reader.read(), [1]);
  await append(journal, 40);
  for (let segment = 1; segment < journal.stats().segments; segment++) {
    await Deno.remove(folder.file(segmentName(segment)));
  }
  const rest = await reader.read();
  assertEquals(rest, upTo(41, rest[0]));
  assertStringIncludes(reader.said[0].message, `events 2 to ${rest[0] - 1} are missing`);
  assertEquals(reader.tail.isIncomplete, true);
  await journal.close(1000);
});

Deno.test("JournalTail gives an event once where a segment was cut back and its records written again", async () => {
  await using folder = new Folder();
  await using other = new Folder();
  const journal = await open(folder);
  await append(journal, 6);
  await journal.close(1000);
  const whole = Deno.readFileSync(folder.file(segmentName(1)));
  const ends = [1, 2, 3, 4, 5, 6].map((number) =>
    find(folder.file(segmentName(1)), `"number":${number}}`) + `"number":${number}}`.length
  );
  const headEnd = find(folder.file(segmentName(1)), '{"event":"e","number":1}') -
    eventsCapacity(1, 0);
  // Read to event 4, cut back to 2, then 3 to 6 in the next segment.
  other.write(segmentName(1), whole.subarray(0, ends[3]));
  const reader = new Reader(other);
  assertEquals(await reader.read(), [1, 2, 3, 4]);
  other.write(segmentName(1), whole.subarray(0, ends[1]));
  assertEquals(await reader.read(), []);
  const join = (...parts: Uint8Array[]) => new Uint8Array(parts.flatMap((part) => [...part]));
  const head = whole.subarray(0, headEnd);
  other.write(segmentName(2), join(head, whole.subarray(ends[1], ends[4])));
  assertEquals(await reader.read(), [5]);
  // A segment that was removed and made again under its number, longer than it was.
  other.write(
    segmentName(2),
    join(head, head, whole.subarray(ends[1], ends[4]), whole.subarray(ends[4])),
  );
  assertEquals(await reader.read(), [6]);
  assertEquals([reader.said, reader.tail.isIncomplete], [[], false]);
});

Deno.test("JournalTail reads only the journal that the directory belongs to", async () => {
  const mine = { prefix: "p", writer: "w" };
  for (const foreign of [{ ...mine, prefix: "q" }, { ...mine, writer: "v" }]) {
    await using folder = new Folder();
    await using other = new Folder();
    for (const [where, whose] of [[folder, mine], [other, foreign]] as const) {
      const journal = await open(where, undefined, whose);
      await append(journal, whose === mine ? 2 : 5);
      await journal.close(1000);
    }
    // Before and behind its own.
    await Deno.rename(folder.file(segmentName(1)), folder.file(segmentName(2)));
    for (const segment of [1, 3]) {
      await Deno.copyFile(other.file(segmentName(1)), folder.file(segmentName(segment)));
    }
    const reader = new Reader(folder);
    assertEquals(await reader.read(), [1, 2]);
    for (let i = 0; i < 6; i++) assertEquals(await reader.read(), []);
    assertEquals(reader.said.map(({ file }) => file), [
      folder.file(segmentName(1)),
      folder.file(segmentName(3)),
    ]);
    assertStringIncludes(reader.said[0].message, "is of another journal");
  }
});

Deno.test("JournalTail refuses where there is no journal, where it went, and a newer format", async () => {
  await using folder = new Folder();
  const nowhere = new JournalTail({ directory: folder.file("none"), onDamage: () => {} });
  await assertRejects(() => Array.fromAsync(nowhere.read()), JournalError, "there is none");
  const reader = new Reader(folder);
  await assertRejects(() => reader.read(), JournalError, "there is none");

  const journal = await open(folder, 300);
  await append(journal, 10);
  await journal.close(1000);
  assertEquals(await reader.read(), upTo(10));
  for (const { name } of [...Deno.readDirSync(folder.path)]) Deno.removeSync(folder.file(name));
  await assertRejects(() => reader.read(), JournalError, "it was removed");
  const again = await open(folder);
  await again.close(1000);
  await assertRejects(() => reader.read(), JournalError, "another one took its place");

  const head = {
    version: FORMAT_VERSION + 1,
    writer: again.writer,
    prefix: "p",
    incarnation: "x",
    segment: 2,
    nextEvent: 1,
    confirmed: null,
    neededFrom: 1,
    damaged: [],
  };
  folder.write(segmentName(2), headRecord(head));
  await assertRejects(() => new Reader(folder).read(), ConfigError, "use a newer traqq");
});
