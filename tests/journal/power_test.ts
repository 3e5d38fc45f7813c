import { assert, assertEquals } from "@std/assert";
import { Directory, type SegmentFile } from "../../src/journal/directory.ts";
import { TempFolder } from "./_faulty_directory.ts";
import { cell, JournalBench, recovered } from "./_bench.ts";

/** Real files, of which only what was synced is there after a power failure. Some syncs fail. */
class PowerDirectory extends Directory {
  /** What is on the disk of each file whose name is. */
  readonly #synced = new Map<string, number>();
  readonly #random: () => number;

  constructor(path: string, random: () => number) {
    super(path);
    this.#random = random;
  }

  override async create(name: string): Promise<SegmentFile> {
    const file = await super.create(name);
    let length = 0;
    return {
      write: async (bytes) => {
        const count = await file.write(bytes);
        length += count;
        return count;
      },
      syncData: async () => {
        const synced = length;
        await new Promise((resolve) => setTimeout(resolve, this.#random() * 4));
        if (this.#random() < 0.1) throw new Error("told to fail");
        await file.syncData();
        this.#synced.set(name, synced);
      },
      truncate: async (to) => {
        await file.truncate(to);
        length = to;
      },
      close: () => file.close(),
    };
  }

  /** The machine starts again: all else is gone, or a part of it. */
  async fail(path: string): Promise<void> {
    for (const name of await this.names()) {
      const bytes = await this.read(name);
      const isSegment = name.endsWith(".segment");
      const synced = isSegment ? this.#synced.get(name) : Infinity;
      if (bytes === undefined || synced === undefined) continue;
      // The system may have written more than it was asked to.
      const more = this.#random() < 0.5 ? Math.floor(this.#random() * 300) : 0;
      await Deno.writeFile(`${path}/${name}`, bytes.subarray(0, synced + more));
    }
  }
}

function randomOf(seed: number): () => number {
  return () => (seed = (seed * 48_271) % 0x7fffffff) / 0x7fffffff;
}

Deno.test("Journal keeps what every_write has acknowledged, and every cut, over a power failure in any segment", async () => {
  let segments = 0;
  for (let seed = 1; seed <= 20; seed++) {
    const random = randomOf(seed);
    await using bench = new JournalBench();
    const disk = new PowerDirectory(bench.directory, random);
    using after = new TempFolder();
    const journal = await openUntilItWorks(bench, disk);
    let acknowledged = 0, cut = 0, number = 0;
    for (let round = 0; round < 40; round++) {
      const count = 1 + Math.floor(random() * 5);
      for (let i = 0; i < count; i++) journal.append(0, `e${++number}`);
      const last = number;
      const accepted = journal.accepted!.then(() => acknowledged = last);
      if (random() < 0.3) await accepted;
      else await new Promise((resolve) => setTimeout(resolve, random() * 3));
      if (random() < 0.05) {
        const covers = number, flush = round + 1;
        const checkpoint = { incarnation: journal.incarnation, flush, part: 0 };
        const chunk = {
          prefix: "p",
          writer: journal.writer,
          durable: true,
          checkpoint,
          previous: null,
          cells: [cell(covers)],
        };
        await journal.cut({ ...checkpoint, covers, previous: null }, [chunk]);
        cut = covers;
      }
    }
    const wanted = { acknowledged, cut };
    await disk.fail(after.path);
    segments += bench.segments().length;

    await using again = new JournalBench();
    await Deno.mkdir(again.directory);
    for (const { name } of Deno.readDirSync(after.path)) {
      Deno.copyFileSync(`${after.path}/${name}`, `${again.directory}/${name}`);
    }
    const next = await again.open({});
    const { events, cut: fields } = await recovered(next, null);
    const covered = Math.max(0, ...fields.map((field) => Number(field.slice(1))));
    assert(covered >= wanted.cut, `seed ${seed}: the cut of ${wanted.cut}, not ${covered}`);
    const missing = [];
    for (let event = covered + 1; event <= wanted.acknowledged; event++) {
      if (!events.includes(event)) missing.push(event);
    }
    assertEquals(missing, [], `seed ${seed}: acknowledged were ${wanted.acknowledged}`);
    assertEquals(new Set(events).size, events.length, "none twice");
  }
  assert(segments > 100, `${segments} segments: the failures fall between them`);
});

async function openUntilItWorks(bench: JournalBench, faulty: Directory) {
  for (let attempt = 0; attempt < 10; attempt++) {
    try {
      return await bench.open({ faulty, durability: "every_write", maxSegmentBytes: 700 });
    } catch {
      // The first sync failed.
    }
  }
  throw new Error("BUG: no attempt succeeded");
}
