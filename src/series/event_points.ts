/**
 * Keeps recorded events as points: what comes together is written together, and what the series do not
 * take now is tried again until they do, for the events are counted already.
 *
 * Counts and points stand in two places, and no crash can be kept from falling between: an event whose
 * `record` has resolved is in both; one whose has not may be in either.
 *
 * @module
 */
import { messageOf, StorageError } from "../base/errors.ts";
import { handled, withDeadline } from "../base/promises.ts";
import type { Mapping } from "../engine/config.ts";
import type { EventKeeper } from "../engine/event_keeper.ts";
import { bareEventLine, eventLine, type EventShape, shapeOf } from "./points/event_line.ts";
import type { WriteReport } from "./write_report.ts";

/** Letters of lines that are written at once: less than one part of a write, which is all or nothing. */
const BATCH_LETTERS = 1 << 18;
/** Letters that wait before callers should. */
const MAX_LETTERS = 4 << 20;
const RETRY_MS = 250;

interface Batch {
  /** The line of each event, and what takes its place if it is refused. */
  readonly lines: string[];
  readonly bare: string[];
  letters: number;
  /** Resolves when it is written. */
  readonly written: PromiseWithResolvers<void>;
}

/** See the top of this file. */
export class EventPoints implements EventKeeper {
  readonly #write: (lines: string) => Promise<WriteReport>;
  readonly #shape: EventShape;
  readonly #onError: (error: Error) => void;
  /** The last one is filled. */
  #batches: Batch[] = [];
  #letters = 0;
  /** When all that was taken is written. */
  #kept: Promise<void> = Promise.resolve();
  #working: Promise<void> | undefined;
  #isClosing = false;

  /** @param write takes lines with seconds; each is a point of its own */
  constructor(
    write: (lines: string) => Promise<WriteReport>,
    mapping: Mapping,
    onError: (error: Error) => void,
  ) {
    this.#write = write;
    this.#shape = shapeOf(mapping);
    this.#onError = onError;
  }

  get kept(): Promise<void> {
    return this.#kept;
  }

  isFull(times: number): boolean {
    return this.#letters >= MAX_LETTERS * times;
  }

  keep(event: unknown, seconds: number): void {
    let line: string;
    const bare = bareEventLine(event, seconds);
    try {
      line = eventLine(event, seconds, this.#shape);
    } catch (error) {
      // An object with getters of its own.
      this.#onError(
        new Error(`Cannot keep all of an event: ${messageOf(error)}`, { cause: error }),
      );
      line = bare;
    }
    let batch = this.#batches.at(-1);
    if (batch === undefined || batch.letters >= BATCH_LETTERS) {
      batch = { lines: [], bare: [], letters: 0, written: Promise.withResolvers<void>() };
      const before = this.#working === undefined ? undefined : this.#kept;
      this.#kept = handled(Promise.all([before, batch.written.promise]).then(() => {}));
      this.#batches.push(batch);
    }
    batch.lines.push(line);
    batch.bare.push(bare);
    batch.letters += line.length;
    this.#letters += line.length;
    this.#working ??= this.#work();
  }

  /** Writes what is there. @throws {StorageError} if the series do not take it within the time */
  async close(timeoutMs: number): Promise<void> {
    try {
      await withDeadline(this.#kept, timeoutMs, () => {
        const count = this.#batches.reduce((sum, { lines }) => sum + lines.length, 0);
        return new StorageError(
          "unavailable",
          `Cannot keep ${count} events as points: the database of the series does not take them`,
        );
      });
    } finally {
      this.#isClosing = true;
    }
  }

  async #work(): Promise<void> {
    // What comes in the same turn goes together.
    await Promise.resolve();
    for (let batch = this.#batches[0]; batch !== undefined; batch = this.#batches[0]) {
      // From here on it is not filled any more.
      if (this.#batches.length === 1) this.#batches = [];
      else this.#batches.shift();
      try {
        await this.#writeBatch(batch);
        batch.written.resolve();
      } catch (error) {
        batch.written.reject(error);
      }
      this.#letters -= batch.letters;
    }
    this.#working = undefined;
  }

  async #writeBatch({ lines, bare }: Batch): Promise<void> {
    const { rejected } = await this.#writeAgain(lines.join(""));
    if (rejected.length === 0) return;
    this.#onError(
      new Error(
        `Cannot keep all of ${rejected.length} events, of which only name and time are kept: ${
          rejected[0].error
        }`,
      ),
    );
    const { rejected: lost } = await this.#writeAgain(
      rejected.map(({ line }) => bare[line - 1]).join(""),
    );
    if (lost.length === 0) return;
    this.#onError(
      new Error(
        `Cannot keep ${lost.length} events as points, though they are counted: ${lost[0].error}`,
      ),
    );
  }

  /** Until it succeeds: nothing of it was taken before. */
  async #writeAgain(text: string): Promise<WriteReport> {
    for (;;) {
      try {
        return await this.#write(text);
      } catch (error) {
        const isTemporary = error instanceof StorageError && error.code === "unavailable";
        if (!isTemporary || this.#isClosing) throw error;
        await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
      }
    }
  }
}
