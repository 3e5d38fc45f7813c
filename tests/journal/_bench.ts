/**
 * A journal in a folder of its own, with a writer's part played by hand.
 *
 * @module
 */
import { JournalError } from "../../src/base/errors.ts";
import { type JournalOptions, readJournal } from "../../src/engine/journal_options.ts";
import type { Directory } from "../../src/journal/directory.ts";
import { Journal } from "../../src/journal/journal.ts";
import type { Cell, Checkpoint, Chunk } from "../../src/storage/storage.ts";
import { TempFolder } from "./_faulty_directory.ts";

export interface OpenOptions extends Partial<JournalOptions> {
  prefix?: string;
  writer?: string;
  forgets?: boolean;
  faulty?: Directory;
  maxSegmentBytes?: number;
}

/** See the top of this file. */
export class JournalBench implements AsyncDisposable {
  readonly #folder = new TempFolder();
  readonly directory: string = `${this.#folder.path}/journal`;
  errors: Error[] = [];
  readonly #open: Journal[] = [];

  async open(
    { prefix, writer, forgets, faulty, maxSegmentBytes, replayMs, ...options }: OpenOptions = {},
  ) {
    const config = readJournal({ directory: this.directory, durability: "os_default", ...options });
    // A user's is 1 at least.
    const journal = await Journal.open({ ...config, replayMs: replayMs ?? config.replayMs }, {
      prefix: prefix ?? "p",
      writer,
      forgets: forgets ?? false,
      onError: (error) => this.errors.push(error),
      directory: faulty,
      maxSegmentBytes,
    });
    this.#open.push(journal);
    return journal;
  }

  /** The names in the directory, its lock and identity aside. */
  segments(): string[] {
    return [...Deno.readDirSync(this.directory)].map(({ name }) => name)
      .filter((name) => name.endsWith(".segment")).sort();
  }

  /** What was reported, as file and offset; clears it. */
  reports(): string[] {
    return this.errors.splice(0).map((error) =>
      error instanceof JournalError
        ? `${error.file.slice(this.directory.length + 1)} ${error.offset ?? "-"}`
        : `${error.name}: ${error.message}`
    );
  }

  file(name: string): string {
    return `${this.directory}/${name}`;
  }

  /** Changes the bytes of a file. */
  edit(name: string, change: (bytes: Uint8Array<ArrayBuffer>) => Uint8Array | void): void {
    const bytes = Deno.readFileSync(this.file(name));
    Deno.writeFileSync(this.file(name), change(bytes) ?? bytes);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const journal of this.#open) await journal.close(5000).catch(() => {});
    this.#folder[Symbol.dispose]();
  }
}

/** A cell that says which event it counts. */
export function cell(number: number): Cell {
  const metric = { type: "add" as const, pattern: "event" };
  return { kind: "count", metric, unit: "d", start: 0, field: `e${number}`, count: 1 };
}

/** The chunks of a cut that counts some events, so many in each. */
export function chunksOf(
  journal: Journal,
  flush: number,
  events: readonly number[],
  size: number,
  last: Checkpoint | null,
): Chunk[] {
  const chunks: Chunk[] = [];
  for (let i = 0, previous = last; i < events.length; i += size) {
    const checkpoint = { incarnation: journal.incarnation, flush, part: chunks.length };
    chunks.push({
      prefix: "p",
      writer: journal.writer,
      durable: true,
      checkpoint,
      previous,
      cells: events.slice(i, i + size).map(cell),
    });
    previous = checkpoint;
  }
  return chunks;
}

/** The events that recovery brings to storage: those of chunks, and those behind them. */
export async function recovered(journal: Journal, stored: Checkpoint | null) {
  const chunks: Chunk[] = [];
  for await (const chunk of journal.chunksAfter(stored)) chunks.push(chunk);
  const events: number[] = [];
  for await (const { number, text } of journal.eventsAfter(journal.covered(stored))) {
    if (text !== `e${number}`) throw new Error(`event ${number} is ${text}`);
    events.push(number);
  }
  journal.confirm();
  return {
    chunks,
    cut: chunks.flatMap(({ cells }) => cells.map((cell) => "field" in cell ? cell.field : "")),
    events,
  };
}
