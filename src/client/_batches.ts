/**
 * `recordMany` of the client: events into `record_many` lines below the server's limit, a few of them
 * on their way at any time, their replies into one report.
 *
 * @module
 */
import { EventError, messageOf, ProtocolError } from "../base/errors.ts";
import { utf8Length } from "../base/utf8.ts";
import { recordManyLine } from "../protocol/commands.ts";
import type { RecordManyData } from "../protocol/dispatch.ts";
import { MAX_LINE_BYTES } from "../protocol/lines.ts";
import type { RecordReport } from "../traqq.ts";
import type { Wire } from "./_wire.ts";
import { PartialRecordError } from "./errors.ts";

/** How far a `recordMany` has come. */
export interface RecordProgress {
  /** Events that the server has counted. */
  recorded: number;
  /** Events that were refused, by the server or before they were sent. */
  rejected: number;
}

/** Characters of a batch. As UTF-8 each has at most three bytes, so a batch stays below 1 MiB. */
const MAX_BATCH_CHARS = 1 << 18;
/** Batches on their way: enough that the server is never idle, few enough to bound memory. */
const MAX_UNANSWERED_BATCHES = 4;

/** Collects events, sends them and gathers what became of them. */
export class Batches {
  readonly #wire: Wire;
  readonly #batchSize: number;
  readonly #onProgress: (progress: RecordProgress) => void;
  readonly #report: RecordReport = { recorded: 0, rejected: [] };
  #eventJsons: string[] = [];
  #atJsons: string[] = [];
  #timed = false;
  #chars = 0;
  /** Where each event of the batch stood in the input. */
  #indexes: number[] = [];
  #unanswered = new Set<Promise<void>>();
  #unansweredEvents = 0;
  #failure: { error: unknown } | undefined;

  /** @param batchSize events of a line, at most */
  constructor(wire: Wire, batchSize: number, onProgress: (progress: RecordProgress) => void) {
    this.#wire = wire;
    this.#batchSize = batchSize;
    this.#onProgress = onProgress;
  }

  /** Whether a batch has failed: it is no use to add more. */
  get failed(): boolean {
    return this.#failure !== undefined;
  }

  /**
   * Takes an event and its time as JSON (`null`: none). Gives a promise where the caller must wait
   * before the next.
   */
  add(index: number, eventJson: string, atJson: string): Promise<void> | undefined {
    const chars = eventJson.length + atJson.length + 2;
    let wait: Promise<void> | undefined;
    if (this.#chars + chars > MAX_BATCH_CHARS) wait = this.#send();
    if (chars > MAX_BATCH_CHARS) {
      const bytes = utf8Length(recordManyLine([eventJson], [atJson])) - 1;
      if (bytes > MAX_LINE_BYTES) {
        this.reject(index, tooLong(bytes));
        return wait;
      }
    }
    this.#eventJsons.push(eventJson);
    this.#atJsons.push(atJson);
    this.#indexes.push(index);
    this.#chars += chars;
    if (atJson !== "null") this.#timed = true;
    return this.#eventJsons.length >= this.#batchSize ? this.#send() : wait;
  }

  /** Notes an event that is not sent. */
  reject(index: number, error: unknown): void {
    const reason = error instanceof EventError ? error : new EventError(messageOf(error), {
      cause: error,
    });
    this.#report.rejected.push({ index, error: reason });
  }

  /**
   * Waits for the replies to all that was sent, without sending what is collected.
   */
  async settle(): Promise<void> {
    while (this.#unanswered.size > 0) await Promise.all(this.#unanswered);
  }

  /**
   * Sends what is left, waits for every reply and gives the report.
   *
   * @throws {PartialRecordError} if a batch failed as a whole
   */
  async finish(): Promise<RecordReport> {
    this.#send();
    await this.settle();
    const report = this.#report;
    report.rejected.sort((a, b) => a.index - b.index);
    if (this.#failure === undefined) return report;
    const { error } = this.#failure;
    throw new PartialRecordError(
      `Cannot record all events: ${
        messageOf(error)
      }; ${report.recorded} were recorded, ${report.rejected.length} rejected, ${this.#unansweredEvents} may or may not have been recorded, further ones were not sent`,
      report,
      this.#unansweredEvents,
      { cause: error },
    );
  }

  #send(): Promise<void> | undefined {
    if (this.#eventJsons.length === 0 || this.failed) return undefined;
    const line = recordManyLine(this.#eventJsons, this.#timed ? this.#atJsons : undefined);
    const indexes = this.#indexes;
    this.#eventJsons = [];
    this.#atJsons = [];
    this.#indexes = [];
    this.#chars = 0;
    this.#timed = false;
    this.#unansweredEvents += indexes.length;
    const reply = this.#wire.call(line).then((data) => this.#count(indexes, data)).catch(
      (error) => {
        this.#failure ??= { error };
      },
    ).finally(() => this.#unanswered.delete(reply));
    this.#unanswered.add(reply);
    return this.#unanswered.size < MAX_UNANSWERED_BATCHES
      ? undefined
      : Promise.race(this.#unanswered);
  }

  #count(indexes: readonly number[], data: unknown): void {
    const { recorded, rejected } = readReport(data);
    this.#unansweredEvents -= indexes.length;
    this.#report.recorded += recorded;
    for (const { index, error } of rejected) {
      this.#report.rejected.push({ index: indexes[index], error: new EventError(error) });
    }
    this.#onProgress({
      recorded: this.#report.recorded,
      rejected: this.#report.rejected.length,
    });
  }
}

/** An event that no line can carry. */
export function tooLong(bytes: number): EventError {
  return new EventError(
    `Cannot send an event: its line would have ${bytes} bytes, at most ${MAX_LINE_BYTES} are allowed; make the event smaller`,
  );
}

/** Length as UTF-8, costing nothing where the text is short enough whatever it holds. */
export function isTooLong(line: string): boolean {
  return line.length * 3 > MAX_LINE_BYTES && utf8Length(line) - 1 > MAX_LINE_BYTES;
}

function readReport(data: unknown): RecordManyData {
  const report = data as RecordManyData;
  if (typeof report?.recorded !== "number" || !Array.isArray(report.rejected)) {
    throw new ProtocolError("Cannot read the reply to record_many: the report is missing");
  }
  return report;
}
