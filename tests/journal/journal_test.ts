import { assert, assertEquals, assertRejects } from "@std/assert";
import { FakeTime } from "@std/testing/time";
import fc from "fast-check";
import { ConfigError, StorageError } from "../../src/base/errors.ts";
import { framed } from "../../src/journal/frame.ts";
import type { Journal } from "../../src/journal/journal.ts";
import { headRecord } from "../../src/journal/records.ts";
import { verdict } from "../../src/storage/checkpoint.ts";
import type { Checkpoint } from "../../src/storage/storage.ts";
import { FaultyDirectory } from "./_faulty_directory.ts";
import { chunksOf, JournalBench, type OpenOptions, recovered } from "./_bench.ts";

const FIRST = "0000000001.segment", SECOND = "0000000002.segment", THIRD = "0000000003.segment";

/** Lets what is under way go on. */
const later = () => new Promise<false>((resolve) => setTimeout(resolve, 1, false));

function append(journal: Journal, count: number): void {
  for (let i = 0; i < count; i++) journal.append(1000, `e${journal.lastEvent + 1}`);
}

function range(first: number, last: number): number[] {
  return Array.from({ length: last - first + 1 }, (_, i) => first + i);
}

async function cut(journal: Journal, flush: number, first: number, last: number, size = 100) {
  const events = range(first, last);
  const chunks = chunksOf(journal, flush, events, size, null);
  const { incarnation } = journal;
  await journal.cut({ incarnation, flush, covers: last, previous: null }, chunks);
  return { incarnation, flush, part: chunks.length - 1 };
}

/** Events 1 to 10, a cut of 1 to 5, events 11 to 20, in a segment; then another opening. */
async function written(bench: JournalBench, options?: OpenOptions) {
  const journal = await bench.open(options);
  append(journal, 5);
  const stored = await cut(journal, 1, 1, 5);
  append(journal, 5);
  await journal.accepted;
  append(journal, 10);
  await journal.close(5000);
  return stored;
}

Deno.test("Journal gives back what was put into it, cut or not", async () => {
  await using bench = new JournalBench();
  const stored = await written(bench);
  const reopened = await bench.open();
  assertEquals((await recovered(reopened, null)).cut, range(1, 5).map((n) => `e${n}`));
  const { events } = await recovered(reopened, stored);
  assertEquals(events, range(6, 20));
  assertEquals(bench.reports(), []);
});

/** Where the records of a segment stand: 0 the head, 1 events 1-5, 2 the cut, 3 and 4 events. */
function offsets(bytes: Uint8Array): number[] {
  const view = new DataView(bytes.buffer);
  const found: number[] = [];
  for (let at = 0; at < bytes.length; at += 12 + view.getUint32(at + 8, true)) found.push(at);
  return found;
}

Deno.test("Journal goes on with what is good, says what is not, and keeps it", async () => {
  interface Case {
    what: string;
    damage: (bench: JournalBench) => void;
    /** File and offset of each report. */
    reports: (offsets: number[], bytes: number) => string[];
    events: number[];
    /** Whether the file is kept for ever. */
    kept: boolean;
  }
  const flip = (record: number) => (bench: JournalBench) =>
    bench.edit(FIRST, (bytes) => {
      bytes[offsets(bytes)[record] + 15] ^= 1;
    });
  const cases: Case[] = [
    {
      what: "a torn last record",
      damage: (bench) => bench.edit(FIRST, (bytes) => bytes.slice(0, -3)),
      reports: (at) => [`${FIRST} ${at.at(-1)}`],
      events: range(6, 10),
      kept: false,
    },
    {
      what: "a tail of zeros",
      damage: (bench) =>
        bench.edit(FIRST, (bytes) => Uint8Array.from([...bytes, ...Array(4096).fill(0)])),
      reports: (_, length) => [`${FIRST} ${length}`],
      events: range(6, 20),
      kept: false,
    },
    {
      what: "a flipped bit in events that no cut covers",
      damage: flip(3),
      reports: (at) => [`${FIRST} ${at[3]}`, "- -"],
      events: range(11, 20),
      kept: true,
    },
    {
      what: "a flipped bit in events of a cut",
      damage: flip(1),
      reports: (at) => [`${FIRST} ${at[1]}`],
      events: range(6, 20),
      kept: true,
    },
    {
      what: "a flipped bit in the head",
      damage: flip(0),
      reports: (at) => [`${FIRST} ${at[0]}`],
      events: range(6, 20),
      kept: true,
    },
    {
      what: "a flipped bit in the cut that storage has: only what follows was surely not in it",
      damage: flip(2),
      reports: (at) => [`${FIRST} ${at[2]}`, "- -"],
      events: range(6, 20),
      kept: true,
    },
    {
      what: "junk behind the records",
      damage: (bench) =>
        Deno.writeFileSync(bench.file(FIRST), new TextEncoder().encode("junk"), { append: true }),
      reports: (_, length) => [`${FIRST} ${length}`],
      events: range(6, 20),
      kept: true,
    },
    {
      what: "an empty segment",
      damage: (bench) => Deno.writeFileSync(bench.file(SECOND), new Uint8Array()),
      reports: () => [`${SECOND} 0`],
      events: range(6, 20),
      kept: false,
    },
    {
      what: "a segment of junk",
      damage: (bench) => Deno.writeTextFileSync(bench.file(SECOND), "no journal"),
      reports: () => [`${SECOND} 0`],
      events: range(6, 20),
      kept: true,
    },
    {
      what: "a segment of another journal, the newest",
      damage: (bench) => Deno.writeFileSync(bench.file(SECOND), otherHead("other", "p")),
      reports: () => [`${SECOND} -`],
      events: range(6, 20),
      kept: true,
    },
    {
      what: "a file that is not the journal's",
      damage: (bench) => Deno.writeTextFileSync(bench.file("notes.txt"), "mine"),
      reports: () => ["notes.txt -"],
      events: range(6, 20),
      kept: false,
    },
    {
      what: "a damaged identity",
      damage: (bench) => Deno.writeTextFileSync(bench.file("journal.json"), "{"),
      reports: () => ["journal.json -"],
      events: range(6, 20),
      kept: false,
    },
    {
      what: "no identity",
      damage: (bench) => Deno.removeSync(bench.file("journal.json")),
      reports: () => [],
      events: range(6, 20),
      kept: false,
    },
    {
      what: "a missing segment between others",
      damage: (bench) => {
        Deno.renameSync(bench.file(FIRST), bench.file(SECOND));
      },
      reports: () => [`${FIRST} -`],
      events: range(6, 20),
      kept: false,
    },
  ];
  for (const { what, damage, reports, events, kept } of cases) {
    await using bench = new JournalBench();
    const stored = await written(bench);
    const bytes = Deno.readFileSync(bench.file(FIRST));
    damage(bench);
    const journal = await bench.open({ replayMs: 0 });
    const given = await recovered(journal, stored);
    assertEquals(given.cut, [], what);
    assertEquals(given.events, events, what);
    const said = bench.reports().map((report) => report === " -" ? "- -" : report);
    assertEquals(said.map((it) => it.trim()), reports(offsets(bytes), bytes.length), what);
    // All is in storage now: what is whole goes, what is damaged stays, also for the next process.
    const { lastEvent } = journal;
    await cut(journal, 1, lastEvent, lastEvent);
    journal.confirm();
    await journal.close(5000);
    const last = await bench.open({ replayMs: 0 });
    assertEquals(bench.reports().filter((it) => it.includes(".segment")), [], `${what}: said once`);
    last.confirm();
    await last.close(5000);
    const left = bench.segments().filter((name) => name === FIRST || name === SECOND);
    assertEquals(left.length, kept ? 1 : 0, `${what}: ${left}`);
  }
});

function otherHead(writer: string, prefix: string, version = 1): Uint8Array {
  return headRecord({
    version,
    writer,
    prefix,
    incarnation: "other",
    segment: 2,
    nextEvent: 1,
    confirmed: null,
    neededFrom: 2,
    damaged: [],
  });
}

Deno.test("Journal.open() refuses what is not its journal, and touches nothing", async () => {
  await using bench = new JournalBench();
  await written(bench);
  const refused = async (options: OpenOptions, message: string) => {
    const before = bench.segments();
    await assertRejects(() => bench.open(options), ConfigError, message);
    assertEquals(bench.segments(), before);
  };
  await refused({ prefix: "q" }, 'it is that of prefix "p", received "q"');
  await refused({ writer: "me" }, 'received "me"');
  Deno.writeFileSync(bench.file(SECOND), otherHead("w", "p", 2));
  await refused({}, "it has format 2");
  Deno.removeSync(bench.file(SECOND));
  Deno.writeTextFileSync(bench.file("journal.json"), "");
  bench.edit(FIRST, () => framed(new Uint8Array([9])));
  await refused({}, "is damaged, and no segment says");
  Deno.removeSync(bench.file("journal.json"));
  await refused({}, "is missing, and no segment says");
});

Deno.test("Journal's writer id belongs to the directory", async () => {
  await using bench = new JournalBench();
  const first = await bench.open({ writer: "mine" });
  await first.close(5000);
  const second = await bench.open();
  assertEquals(second.writer, "mine");
  assert(second.incarnation !== first.incarnation);
  assertEquals(second.pastIncarnations, [first.incarnation]);
});

Deno.test("Journal.open() refuses a second opener at once, of this process or another", async () => {
  await using bench = new JournalBench();
  const journal = await bench.open();
  const error = await assertRejects(() => bench.open(), StorageError, `process ${Deno.pid} has it`);
  assertEquals(error.code, "held");
  const other = new Deno.Command(Deno.execPath(), {
    args: [
      "eval",
      `using file = await Deno.open(${JSON.stringify(bench.file("lock"))},
      { read: true, write: true }); console.log(await file.tryLock(true))`,
    ],
  });
  assertEquals(new TextDecoder().decode((await other.output()).stdout).trim(), "false");
  await journal.close(5000);
  await (await bench.open()).close(5000);
});

Deno.test("Journal keeps no more segments than replayMs allows, however often it is opened", async () => {
  await using bench = new JournalBench();
  for (let round = 0; round < 100; round++) {
    const journal = await bench.open({ replayMs: 0 });
    await recovered(journal, null);
    await journal.close(5000);
    assert(bench.segments().length <= 2, `${bench.segments().length} segments`);
  }
  assertEquals(bench.reports(), []);
});

Deno.test("Journal says for the next process since when a segment is done", async () => {
  await using bench = new JournalBench();
  const stored = await written(bench);
  for (let round = 0; round < 3; round++) {
    const journal = await bench.open({ replayMs: 600_000 });
    await recovered(journal, stored);
    if (round === 0) await cut(journal, 1, 6, 20);
    journal.confirm();
    await journal.close(5000);
  }
  // Each opening took the first segment for one that was done long ago.
  const past = new Date(Date.now() - 700_000);
  Deno.utimeSync(bench.file(FIRST), past, past);
  const journal = await bench.open({ replayMs: 600_000 });
  journal.confirm();
  await journal.close(5000);
  assertEquals(bench.segments().includes(FIRST), false);
  assertEquals(bench.segments().includes(SECOND), true);
});

Deno.test("Journal keeps segments for retainMs, and for ever with null", async () => {
  for (const [retainMs, kept] of [[undefined, false], [600_000, true], [null, true]] as const) {
    await using bench = new JournalBench();
    let stored: Checkpoint = await written(bench);
    for (let round = 0; round < 2; round++) {
      const journal = await bench.open({ replayMs: 0, retainMs });
      await recovered(journal, stored);
      stored = await cut(journal, 1, 20, 20);
      journal.confirm();
      await journal.close(5000);
    }
    assertEquals(bench.segments().includes(FIRST), kept, String(retainMs));
  }
});

/** Three processes, each with a cut and a segment of its own, done so many minutes ago. */
async function cutsBefore(bench: JournalBench, minutes: readonly number[]) {
  const stored: Checkpoint[] = [];
  for (const [i] of minutes.entries()) {
    const journal = await bench.open();
    await recovered(journal, stored.at(-1) ?? null);
    append(journal, 1);
    stored.push(await cut(journal, 1, i + 1, i + 1));
    journal.confirm();
    await journal.close(5000);
  }
  // It takes another one to say that the last is done.
  const journal = await bench.open();
  await recovered(journal, stored.at(-1)!);
  await journal.close(5000);
  for (const [i, ago] of minutes.entries()) {
    const at = new Date(Date.now() - ago * 60_000);
    Deno.utimeSync(bench.file([FIRST, SECOND, THIRD][i]), at, at);
  }
  return stored;
}

async function kept(journal: Journal): Promise<Checkpoint[]> {
  return (await Array.fromAsync(journal.keptChunks())).map(({ checkpoint }) => checkpoint);
}

Deno.test("Journal.keptChunks() are those of the last replayMs of earlier processes, however long ago they ended", async () => {
  for (const ago of [0, 10_000]) {
    await using bench = new JournalBench();
    const stored = await cutsBefore(bench, [ago + 15, ago + 9, ago]);
    const journal = await bench.open();
    assertEquals(await kept(journal), stored.slice(1));
    append(journal, 1);
    await cut(journal, 1, 4, 4);
    assertEquals(await kept(journal), stored.slice(1), "without its own");
  }
});

Deno.test("Journal keeps what is old until recovery is done, and then goes by its time", async () => {
  await using bench = new JournalBench();
  const [, , stored] = await cutsBefore(bench, [40, 30, 20]);
  {
    using time = new FakeTime();
    const journal = await bench.open();
    time.tick(600_000);
    const closed = journal.close(5000);
    for (let done = false; !done;) {
      await time.tickAsync(1);
      done = await Promise.race([closed.then(() => true), FakeTime.restoreFor(later)]);
    }
  }
  assertEquals(bench.segments().slice(0, 3), [FIRST, SECOND, THIRD]);
  const journal = await bench.open();
  await recovered(journal, stored);
  await journal.close(5000);
  assertEquals(bench.segments().includes(THIRD), false);
});

Deno.test("Journal keeps what it has committed again as if that were the first time", async () => {
  await using bench = new JournalBench();
  const [first, second, third] = await cutsBefore(bench, [40, 30, 20]);
  const journal = await bench.open();
  const { chunks } = await recovered(journal, first);
  assertEquals(chunks.map(({ checkpoint }) => checkpoint), [second, third]);
  await journal.close(5000);
  assertEquals(bench.segments().slice(0, 2), [SECOND, THIRD]);
  assertEquals(await kept(await bench.open()), [second, third]);
});

Deno.test("Journal does not read what recovery does not need", async () => {
  await using bench = new JournalBench();
  const stored = await written(bench);
  const journal = await bench.open();
  await recovered(journal, stored);
  append(journal, 1);
  const done = await cut(journal, 1, 6, 21);
  journal.confirm();
  await journal.close(5000);
  bench.edit(FIRST, (bytes) => bytes.fill(7));
  const next = await bench.open();
  assertEquals(await recovered(next, done), { chunks: [], cut: [], events: [] });
  assertEquals(bench.reports(), [], "it was not looked at");
});

Deno.test("Journal.confirm() appends a record only where something was outstanding", async () => {
  await using bench = new JournalBench();
  const stored = await written(bench);
  const journal = await bench.open();
  await recovered(journal, stored);
  await journal.close(5000);
  const size = () => Deno.statSync(bench.file(THIRD)).size;
  const again = await bench.open();
  await recovered(again, stored);
  append(again, 1);
  await again.accepted;
  const before = size();
  append(again, 1);
  await again.accepted;
  const one = size() - before;
  for (let i = 0; i < 10; i++) again.confirm();
  append(again, 1);
  await again.accepted;
  assertEquals(size() - before, 2 * one);
});

Deno.test("Journal counts empty cuts as done", async () => {
  await using bench = new JournalBench();
  for (let round = 0; round < 5; round++) {
    const journal = await bench.open({ replayMs: 0 });
    assertEquals(await recovered(journal, null), { chunks: [], cut: [], events: [] });
    append(journal, 3);
    const { incarnation, lastEvent: covers } = journal;
    await journal.cut({ incarnation, flush: 1, covers, previous: null }, []);
    journal.confirm();
    await journal.close(5000);
  }
  assert(bench.segments().length <= 2, `${bench.segments().length} segments`);
});

Deno.test("Journal remembers what it gave up behind a lost cut", async () => {
  await using bench = new JournalBench();
  const stored = await written(bench);
  bench.edit(FIRST, (bytes) => {
    bytes[offsets(bytes)[2] + 15] ^= 1;
  });
  // Nothing could be brought to storage: twice the same is left.
  for (let round = 0; round < 3; round++) {
    const journal = await bench.open();
    const { events } = await recovered(journal, stored);
    assertEquals(events, range(6, 20 + round));
    append(journal, 1);
    await journal.close(5000);
  }
});

Deno.test("Journal says which commits storage lost that are kept no more", async () => {
  await using bench = new JournalBench();
  const journal = await bench.open({ replayMs: 0 });
  append(journal, 4);
  const first = await cut(journal, 1, 1, 2);
  await cut(journal, 2, 3, 4);
  journal.confirm();
  await journal.close(5000);
  const done = await bench.open({ replayMs: 0 });
  done.confirm();
  await done.close(5000);
  assertEquals(bench.segments().includes(FIRST), false);
  const again = await bench.open();
  assertEquals(await recovered(again, first), { chunks: [], cut: [], events: [] });
  assertEquals(bench.errors.length, 1);
  assert(bench.errors[0] instanceof StorageError && bench.errors[0].code === "behind");
});

Deno.test("Journal.close() leaves nobody waiting", async () => {
  await using bench = new JournalBench();
  const journal = await bench.open();
  append(journal, 1);
  const accepted = journal.accepted;
  await journal.close(5000);
  await accepted;
  append(journal, 1);
  await assertRejects(() => cut(journal, 1, 1, 1), StorageError, "closed");
});

Deno.test("Journal.close() leaves nobody waiting where the disk does not answer", async () => {
  await using bench = new JournalBench();
  const faulty = new FaultyDirectory(bench.directory);
  const journal = await bench.open({ faulty });
  const { promise, resolve } = Promise.withResolvers<void>();
  faulty.faults.write = [{ until: promise, then: "ok" }];
  append(journal, 1);
  const first = journal.accepted!;
  await faulty.called("write", 2);
  append(journal, 1);
  const second = journal.accepted!;
  await assertRejects(() => journal.close(20), StorageError, "does not answer");
  const late = new Promise((resolve) => setTimeout(resolve, 0, "late"));
  for (const accepted of [first, second]) {
    assertEquals(await Promise.race([accepted.catch(() => "rejected"), late]), "rejected");
  }
  resolve();
});

Deno.test("Journal gives just what a simple model says, wherever storage stands", async () => {
  type Step = "append" | "cut" | "part" | "confirm" | "open" | "crash";
  const step = fc.constantFrom<Step>("append", "append", "cut", "part", "confirm", "open", "crash");
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 25 }), fc.nat(600), async (steps, size) => {
      await using bench = new JournalBench();
      const options = { maxSegmentBytes: 300 + size };
      let journal = await bench.open(options);
      /** What storage has, how often, and where it stands. */
      const counted = new Map<string, number>();
      let stored: Checkpoint | null = null;
      let pending: ReturnType<typeof chunksOf> = [];
      let flush = 0, cutTo = 0;
      const commit = (chunk: typeof pending[number]) => {
        if (verdict(stored, chunk).skip) return;
        for (const cell of chunk.cells) {
          if ("field" in cell) counted.set(cell.field, (counted.get(cell.field) ?? 0) + 1);
        }
        stored = chunk.checkpoint;
      };
      const begin = async (events: number[]) => {
        const covers = journal.lastEvent;
        pending = chunksOf(journal, ++flush, events, 2, stored);
        const { incarnation } = journal;
        await journal.cut({ incarnation, flush, covers, previous: stored }, pending);
        cutTo = covers;
      };
      const finish = () => {
        for (const chunk of pending.splice(0)) commit(chunk);
        journal.confirm();
      };
      for (const step of [...steps, "open"] as Step[]) {
        if (step === "append") append(journal, 3);
        if (step === "cut") {
          finish();
          await begin(range(cutTo + 1, journal.lastEvent));
        }
        if (step === "part" && pending.length > 0) commit(pending.shift()!);
        if (step === "confirm") finish();
        if (step === "open" || step === "crash") {
          append(journal, 1);
          await journal.accepted;
          const { lastEvent } = journal;
          await journal.close(5000);
          journal = await bench.open(options);
          assertEquals(journal.lastEvent, lastEvent);
          for await (const chunk of journal.chunksAfter(stored)) commit(chunk);
          const events: number[] = [];
          for await (const event of journal.eventsAfter(journal.covered(stored))) {
            assertEquals(event.text, `e${event.number}`);
            events.push(event.number);
          }
          flush = 0;
          pending = [];
          cutTo = lastEvent - events.length;
          assertEquals(events, range(cutTo + 1, lastEvent));
          assertEquals([...counted.keys()], range(1, cutTo).map((n) => `e${n}`));
          assertEquals([...counted.values()].every((count) => count === 1), true);
          if (step === "open") journal.confirm();
        }
      }
      assertEquals(bench.reports(), []);
    }),
    { numRuns: 60 },
  );
});
