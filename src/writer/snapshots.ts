/**
 * Snapshots of a storage that dies with its process. They lie beside the journal, which need not keep
 * what they hold: after a restart the storage is filled from the last one, and then from the journal.
 *
 * @module
 */
import { crc32 } from "node:zlib";
import { JournalError, messageOf } from "../base/errors.ts";
import type { Journal } from "../journal/journal.ts";
import type { Cell, Checkpoint, Storage } from "../storage/storage.ts";
import { exportCells } from "../transfer/export.ts";
import { readExport } from "../transfer/reader.ts";

/** Bytes of journal after which a snapshot is due: about as much as is read at once at a restart. */
const DUE_BYTES = 64 << 20;

/** What a snapshot holds beside cells; its first line. */
interface SnapshotHead {
  readonly traqq: "snapshot";
  readonly version: 1;
  /** The writer's checkpoint that goes with the cells. */
  readonly checkpoint: Checkpoint;
  /** CRC-32 of the checkpoint's JSON; the export below has its own. */
  readonly crc32: number;
}

/** Writes and reads the snapshots of one prefix. */
export class Snapshots {
  readonly #storage: Storage;
  readonly #journal: Journal;
  readonly #prefix: string;
  readonly #onError: (error: Error) => void;
  #bytes = 0;
  #isDue = false;
  #isRestored = false;

  constructor(
    storage: Storage,
    journal: Journal,
    prefix: string,
    onError: (error: Error) => void,
  ) {
    this.#storage = storage;
    this.#journal = journal;
    this.#prefix = prefix;
    this.#onError = onError;
  }

  /**
   * Fills the storage from the last snapshot, unless it holds what the journal's writer committed: it
   * may have been used by this very process before.
   *
   * @throws {JournalError} if the snapshot is damaged
   */
  async restore(): Promise<void> {
    const { writer } = this.#journal;
    if (await this.#storage.checkpoint(this.#prefix, writer) !== null) return;
    const text = await this.#journal.readSnapshot();
    if (text === undefined) return;
    let checkpoint: Checkpoint;
    let cells: Cell[];
    let timezone: string | null;
    try {
      const [head, ...lines] = text.trimEnd().split("\n");
      checkpoint = readHead(head).checkpoint;
      ({ cells, header: { timezone } } = await readExport(lines));
    } catch (cause) {
      const file = this.#journal.snapshotPath;
      throw new JournalError(
        `Cannot read the snapshot ${file}: ${messageOf(cause)}; what it held is in a backup or ` +
          "nowhere: to begin without it, move it away",
        file,
        undefined,
        { cause },
      );
    }
    if (timezone !== null) await this.#storage.claimTimezone(this.#prefix, timezone);
    await this.#storage.commit({
      prefix: this.#prefix,
      writer,
      durable: true,
      checkpoint,
      previous: null,
      cells,
    });
    this.#isRestored = true;
  }

  /** To be called when the storage is as it was, with what the journal held behind the snapshot. */
  recovered(events: number, chunks: number): void {
    // What it was restored from still holds all of it.
    if (this.#isRestored && events + chunks === 0) this.#journal.release();
    else this.#isDue = true;
  }

  /** Has the next {@linkcode writeIfDue} write one. */
  setDue(): void {
    this.#isDue = true;
  }

  /**
   * Writes a snapshot if much was journalled since the last. Nothing may be committed meanwhile. Never
   * rejects: should it fail, the journal still has everything.
   */
  async writeIfDue(): Promise<void> {
    const { bytes } = this.#journal.stats();
    if (!this.#isDue && bytes - this.#bytes < DUE_BYTES) return;
    this.#isDue = false;
    this.#bytes = bytes;
    try {
      await this.#write();
    } catch (cause) {
      this.#onError(
        new JournalError(
          `Cannot write the snapshot ${this.#journal.snapshotPath}: ${messageOf(cause)}; the ` +
            "journal keeps what it would hold",
          this.#journal.snapshotPath,
          undefined,
          { cause },
        ),
      );
    }
  }

  async #write(): Promise<void> {
    const checkpoint = await this.#storage.checkpoint(this.#prefix, this.#journal.writer);
    if (checkpoint === null) return; // nothing was committed yet
    const writers = await this.#storage.writers(this.#prefix);
    if (writers.some(({ writer, held }) => held && writer !== this.#journal.writer)) {
      throw new Error(
        "several journals share this storage in memory, and each would bring back what all have " +
          "counted; give each a storage of its own",
      );
    }
    const head: SnapshotHead = {
      traqq: "snapshot",
      version: 1,
      checkpoint,
      crc32: crc32(JSON.stringify(checkpoint)),
    };
    await this.#journal.writeSnapshot(this.#lines(head));
    this.#journal.release();
  }

  async *#lines(head: SnapshotHead): AsyncGenerator<string> {
    yield `${JSON.stringify(head)}\n`;
    let text = "";
    for await (const line of exportCells(this.#storage, this.#prefix)) {
      text += `${line}\n`;
      if (text.length < 1 << 16) continue;
      yield text;
      text = "";
    }
    yield text;
  }
}

function readHead(line: string): SnapshotHead {
  const head = JSON.parse(line);
  if (head?.traqq !== "snapshot") throw new TypeError("it is none");
  if (head.version !== 1) throw new TypeError(`it has format ${head.version}: use a newer traqq`);
  if (head.crc32 !== crc32(JSON.stringify(head.checkpoint))) throw new TypeError("it is damaged");
  return head;
}
