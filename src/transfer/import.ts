/**
 * Reading an export into a storage, each cell once, however often it is stopped and begun again.
 *
 * @module
 */
import { ConfigError, StorageError } from "../base/errors.ts";
import { handled } from "../base/promises.ts";
import { show } from "../base/show.ts";
import { yieldToEventLoop } from "../base/yield.ts";
import { Calendar } from "../engine/bucket.ts";
import type {
  Cell,
  Checkpoint,
  Chunk,
  CommitReport,
  RefusedCell,
  Storage,
} from "../storage/storage.ts";
import { allOf } from "./export.ts";
import { BATCH_CELLS, type Header } from "./format.ts";
import { ExportReader } from "./reader.ts";

/** How long the right to import a file lasts without being renewed. */
const LEASE_MS = 2000;
/** How often it is renewed. */
const RENEW_MS = 500;
/** How often an import that was killed a moment ago is asked whether it is gone. */
const POLL_MS = 100;
/** How often a commit is repeated that failed for a reason that passes. */
const RETRIES = 6;
/** The wait before the first repetition, milliseconds; doubled each time. */
const BACKOFF_MS = 50;

/** What {@linkcode importCells} takes beside the storage and the lines. */
export interface ImportOptions {
  /**
   * Where to put the cells.
   *
   * @default the export's own prefix
   */
  readonly prefix?: string;
  /**
   * Whether to add to what the prefix holds.
   *
   * @default {false}
   */
  readonly merge?: boolean;
  /** Called after each batch. */
  readonly onProgress?: (progress: ImportProgress) => void;
  /** Called with each cell that the storage refuses for good. */
  readonly onRefused?: (refused: RefusedCell) => void;
  /** Ends the import after the batch in hand; the report says that it is not complete. */
  readonly signal?: AbortSignal;
}

/** How far an import is. */
export interface ImportProgress {
  /** Cells of the export that are in storage, those of an earlier run too. */
  readonly cells: number;
  /** Cells of these that an earlier run of the import had brought there. */
  readonly skipped: number;
}

/** What an import did. */
export interface ImportReport extends ImportProgress {
  /** The export's id. */
  readonly id: string;
  /** Where the cells are. */
  readonly prefix: string;
  /** The time zone of the export; null where it holds nothing. */
  readonly timezone: string | null;
  /** Cells that the storage refused for good, and which are therefore not there. */
  readonly refused: number;
  /** Whether the whole export is in storage; false only if `signal` ended it. */
  readonly complete: boolean;
}

/**
 * Reads what {@linkcode exportCells} gave into a storage. An import that was stopped, even by a kill,
 * is begun again with the same lines: it goes on where it was, and imported twice is imported once. An
 * import of the same export that runs at the same time is refused.
 *
 * @param lines without their ends
 * @throws {SyntaxError} if a line is damaged, naming it, or if the export is cut off; what came before
 *   is imported, and the message says how much that is
 * @throws {ConfigError} if the prefix has another time zone, or holds something and `merge` is not set
 * @throws {StorageError} `held` if the same export is being imported, others as the storage gives them
 */
export async function importCells(
  storage: Storage,
  lines: Iterable<string> | AsyncIterable<string>,
  options: ImportOptions = {},
): Promise<ImportReport> {
  const reader = new ExportReader(lines);
  try {
    const header = await reader.header();
    const prefix = options.prefix ?? header.prefix;
    if (typeof prefix !== "string" || prefix === "") {
      throw new ConfigError(`Cannot use prefix: wanted text, received ${show(prefix)}`);
    }
    await using importer = await Importer.open(storage, prefix, header, options);
    return await importer.run(reader);
  } finally {
    await reader.close();
  }
}

/** Commits batches as the writer of one export. */
class Importer implements AsyncDisposable {
  readonly #storage: Storage;
  readonly #prefix: string;
  readonly #header: Header;
  readonly #options: ImportOptions;
  readonly #writer: string;
  /** Another for each run, so that two at once are told apart. */
  readonly #run = crypto.randomUUID();
  #renewal: ReturnType<typeof setInterval> | undefined;
  #lost = false;
  /** What stood in storage when this run began. */
  #resumed: Checkpoint | null = null;
  #previous: Checkpoint | null = null;
  #cells = 0;
  #skipped = 0;
  #refused = 0;

  private constructor(storage: Storage, prefix: string, header: Header, options: ImportOptions) {
    this.#storage = storage;
    this.#prefix = prefix;
    this.#header = header;
    this.#options = options;
    this.#writer = `import-${header.id}`;
  }

  static async open(
    storage: Storage,
    prefix: string,
    header: Header,
    options: ImportOptions,
  ): Promise<Importer> {
    const it = new Importer(storage, prefix, header, options);
    it.#refuseOtherZone(await storage.timezone(prefix));
    await it.#hold();
    try {
      it.#resumed = await storage.checkpoint(prefix, it.#writer);
      if (it.#resumed === null && !options.merge && await holdsCells(storage, prefix)) {
        throw new ConfigError(
          `Cannot import into prefix ${show(prefix)}: it holds something already; ` +
            `use another prefix, or set merge to add to what is there`,
        );
      }
      const { timezone } = header;
      if (timezone !== null) it.#refuseOtherZone(await storage.claimTimezone(prefix, timezone));
      return it;
    } catch (error) {
      await it[Symbol.asyncDispose]();
      throw error;
    }
  }

  async run(reader: ExportReader): Promise<ImportReport> {
    const { signal } = this.#options;
    for (let flush = 1; !signal?.aborted; flush++) {
      const cells = await this.#readBatch(reader);
      // Fewer cells than a batch without the last line: another run would read more into this batch.
      if (cells.length < BATCH_CELLS && !reader.complete) {
        if (signal?.aborted) break;
        throw this.#cutOff();
      }
      if (cells.length > 0) await this.#commitBatch(flush, cells);
      // A storage in memory lets nobody else run: no signal, no renewal of the lease.
      await yieldToEventLoop();
      if (reader.complete) {
        await reader.expectEnd();
        return this.#report(true);
      }
    }
    return this.#report(false);
  }

  /** Gives the right to import up. */
  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#renewal);
    // Should that fail, it ends by itself.
    await this.#storage.releaseWriter(this.#prefix, this.#writer, this.#run).catch(() => {});
  }

  async #readBatch(reader: ExportReader): Promise<Cell[]> {
    try {
      return await reader.batch();
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error;
      throw new SyntaxError(`${error.message}. ${this.#soFar()}`, { cause: error });
    }
  }

  #cutOff(): SyntaxError {
    return new SyntaxError(
      `Cannot import all: the export ends without its last line; it was cut off. ${this.#soFar()}`,
    );
  }

  #soFar(): string {
    return `${this.#cells} cells before it are imported`;
  }

  async #commitBatch(flush: number, cells: readonly Cell[]): Promise<void> {
    const resumed = this.#resumed;
    if (resumed !== null && flush < resumed.flush) {
      this.#skipped += cells.length;
    } else {
      for (const [part, list] of this.#storage.split(this.#prefix, cells).entries()) {
        const checkpoint: Checkpoint = { incarnation: this.#header.id, flush, part };
        // What stood before a part that is in storage is not known any more, and not asked for; were
        // it null, a storage that lost everything meanwhile would take the part as the first.
        const isResumed = flush === resumed?.flush && part <= resumed.part;
        if (isResumed) this.#previous = { ...checkpoint, part: -1 };
        if (isResumed && part < resumed.part) {
          this.#skipped += list.length;
          continue;
        }
        const report = await this.#commit({
          prefix: this.#prefix,
          writer: this.#writer,
          durable: true,
          checkpoint,
          previous: this.#previous,
          cells: list,
        });
        if (isResumed && report.outcome === "skipped") this.#skipped += list.length;
        this.#refused += report.refused.length;
        for (const refused of report.refused) this.#options.onRefused?.(refused);
        this.#previous = checkpoint;
      }
    }
    this.#cells += cells.length;
    this.#options.onProgress?.({ cells: this.#cells, skipped: this.#skipped });
  }

  /** The same chunk again cannot count twice. */
  async #commit(chunk: Chunk): Promise<CommitReport> {
    for (let attempt = 0;; attempt++) {
      if (this.#lost) throw this.#held();
      try {
        return await this.#storage.commit(chunk);
      } catch (error) {
        const passes = error instanceof StorageError &&
          (error.code === "unavailable" || error.code === "unknown");
        if (!passes || attempt >= RETRIES) throw error;
        await new Promise((resolve) => setTimeout(resolve, BACKOFF_MS * 2 ** attempt));
      }
    }
  }

  #report(complete: boolean): ImportReport {
    return {
      id: this.#header.id,
      prefix: this.#prefix,
      timezone: this.#header.timezone,
      cells: this.#cells,
      skipped: this.#skipped,
      refused: this.#refused,
      complete,
    };
  }

  /** Whoever was killed a moment ago still holds the right for a while: waited for. */
  async #hold(): Promise<void> {
    const acquire = () =>
      this.#storage.acquireWriter(this.#prefix, this.#writer, this.#run, LEASE_MS);
    const deadline = Date.now() + LEASE_MS + 2 * POLL_MS;
    while (!await acquire()) {
      if (Date.now() > deadline) throw this.#held();
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
    this.#renewal = setInterval(() => {
      // A renewal that fails is made up for by the next.
      handled(
        acquire().then((mine) => {
          if (!mine) this.#lost = true;
        }),
      );
    }, RENEW_MS);
  }

  #held(): StorageError {
    return new StorageError(
      "held",
      `Cannot import export ${this.#header.id}: another process is importing it into prefix ` +
        `${show(this.#prefix)} right now`,
    );
  }

  #refuseOtherZone(stands: string | null): void {
    const { timezone } = this.#header;
    if (stands === null || timezone === null || Calendar.sameZone(stands, timezone)) return;
    throw new ConfigError(
      `Cannot import into prefix ${
        show(this.#prefix)
      }: wanted time zone ${timezone}, in which the ` +
        `export's days begin and end, received ${stands}; use another prefix`,
    );
  }
}

/** The metrics that are known may hold nothing any more. */
async function holdsCells(storage: Storage, prefix: string): Promise<boolean> {
  for (const unit of ["d", "h"] as const) {
    const range = allOf(prefix, unit);
    for (const metric of await storage.metrics(range)) {
      for await (const cells of storage.read(metric, range)) {
        if (cells.length > 0) return true;
      }
    }
  }
  return false;
}
