/**
 * The files that hold what was written of a log and is not on the disk for certain: the one that is
 * written, and full ones before it that are not synced. After a failure they are given up together.
 *
 * @module
 */
import { type Directory, type SegmentFile, writeAll } from "./directory.ts";
import { segmentName } from "./names.ts";

interface OpenSegment {
  readonly number: number;
  readonly file: SegmentFile;
  /** Bytes in it, and how many of them will stay whatever happens. */
  offset: number;
  goodOffset: number;
}

/** What {@linkcode SegmentFiles} works with. */
export interface SegmentFilesOptions {
  readonly directory: Directory;
  /** Number of the first segment that is made. */
  readonly firstSegment: number;
  /** A segment that would grow beyond this is followed by another. */
  readonly maxSegmentBytes: number;
}

/** See the top of this file. */
export class SegmentFiles {
  readonly #options: SegmentFilesOptions;
  #number: number;
  #writing: OpenSegment | undefined;
  #full: OpenSegment[] = [];
  /** Given up; they end where they are good once another one holds what follows. */
  #leftovers: Pick<OpenSegment, "number" | "goodOffset">[] = [];

  constructor(options: SegmentFilesOptions) {
    this.#options = options;
    this.#number = options.firstSegment;
  }

  /** Number of the segment that is being written, or of the one that comes next. */
  get number(): number {
    return this.#number;
  }

  /** Where it is, for messages. */
  get path(): string {
    return this.#options.directory.pathOf(segmentName(this.#number));
  }

  /** Bytes in the one that is being written. */
  get offset(): number {
    return this.#writing?.offset ?? 0;
  }

  /** Whether one is being written. */
  get isWriting(): boolean {
    return this.#writing !== undefined;
  }

  /** Whether there are any: then they hold all that was written and not synced. */
  get isHolding(): boolean {
    return this.#writing !== undefined || this.#full.length > 0;
  }

  /** Whether the one that is being written takes so many bytes more. */
  takes(bytes: number): boolean {
    return this.#writing !== undefined &&
      this.#writing.offset + bytes <= this.#options.maxSegmentBytes;
  }

  /**
   * Begins a segment.
   *
   * @param head its first record
   * @param rest what is to stand in it besides
   * @returns the bytes that were written
   */
  async begin(head: Uint8Array, rest: Iterable<Uint8Array>): Promise<number> {
    const { directory } = this.#options;
    const number = this.#number;
    const name = segmentName(number);
    let file: SegmentFile;
    try {
      file = await directory.create(name);
    } catch (error) {
      // Left behind by an attempt that failed.
      if (error instanceof Deno.errors.AlreadyExists) this.#number++;
      throw error;
    }
    let offset = head.length;
    try {
      await writeAll(file, head);
      for (const bytes of rest) {
        await writeAll(file, bytes);
        offset += bytes.length;
      }
    } catch (error) {
      // Its number is free again; should it stay, it is passed over.
      file.close();
      await directory.remove(name).catch(() => {});
      throw error;
    }
    // Not before: a sync that is due meanwhile would take all of this for synced.
    this.#writing = { number, file, offset, goodOffset: head.length };
    for (const { number, goodOffset } of this.#leftovers) {
      // Should this fail: a reader takes nothing twice.
      await directory.truncate(segmentName(number), goodOffset).catch(() => {});
    }
    this.#leftovers = [];
    return offset;
  }

  /** Writes into the segment that was begun. @throws what the system says, after any part of it */
  async write(bytes: Uint8Array): Promise<void> {
    const segment = this.#writing!;
    await writeAll(segment.file, bytes);
    segment.offset += bytes.length;
  }

  /** Ends the segment that is being written. @param isGood whether it need not be synced */
  end(isGood: boolean): void {
    const segment = this.#writing!;
    this.#writing = undefined;
    this.#number++;
    if (isGood) segment.file.close();
    else this.#full.push(segment);
  }

  /** Says that nobody will ask for a sync of what is written by now. */
  trust(): void {
    if (this.#writing !== undefined) this.#writing.goodOffset = this.#writing.offset;
  }

  /** Brings all that is written by now to the disk, the oldest first. */
  async sync(): Promise<void> {
    const marks = this.#all().map((segment) => ({ segment, offset: segment.offset }));
    for (const { segment, offset } of marks) {
      await segment.file.syncData();
      segment.goodOffset = offset;
    }
    this.#full = this.#full.filter(({ file, offset, goodOffset }) => {
      if (goodOffset < offset) return true;
      file.close();
      return false;
    });
  }

  /** Gives all of them up, after a failure. @returns whether one was being written */
  async giveUp(): Promise<boolean> {
    const writing = this.#writing;
    // What was written in part is no record.
    await writing?.file.truncate(writing.offset).catch(() => {});
    this.#leftovers.push(...this.#all());
    this.close();
    if (writing !== undefined) this.#number++;
    return writing !== undefined;
  }

  /** Closes them as they are. */
  close(): void {
    for (const { file } of this.#all()) file.close();
    this.#writing = undefined;
    this.#full = [];
  }

  #all(): OpenSegment[] {
    return this.#writing === undefined ? this.#full : [...this.#full, this.#writing];
  }
}
