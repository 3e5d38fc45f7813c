/**
 * The segments that a journal writes no more: which of them recovery needs, and when the others go.
 *
 * @module
 */
import { messageOf } from "../base/errors.ts";
import type { JournalSettings } from "../engine/journal_options.ts";
import type { Directory } from "./directory.ts";
import type { Reach } from "./log_buffer.ts";
import { segmentName } from "./names.ts";
import type { Found, Segment } from "./opening.ts";

/** What {@linkcode PastSegments} works with. */
export interface PastSegmentsOptions {
  readonly directory: Directory;
  /** How long segments stay that storage has. */
  readonly settings: Pick<JournalSettings, "replayMs" | "retainMs">;
  /** Resolves when all that the journal says so far is on the disk. */
  readonly synced: () => Promise<void>;
  readonly onError: (error: Error) => void;
}

/** See the top of this file. */
export class PastSegments {
  readonly #options: PastSegmentsOptions;
  /** Ascending. */
  #segments: Segment[];
  readonly #damaged: ReadonlySet<number>;
  readonly #foreign: ReadonlySet<number>;
  #neededFrom: number;
  #tidying: Promise<void> | undefined;
  #reported = "";
  #closed = false;

  constructor(
    found: Pick<Found, "segments" | "damaged" | "foreign" | "neededFrom">,
    options: PastSegmentsOptions,
  ) {
    this.#options = options;
    this.#segments = found.segments;
    this.#damaged = found.damaged;
    this.#foreign = found.foreign;
    this.#neededFrom = found.neededFrom;
  }

  /** Their numbers, ascending. */
  get numbers(): number[] {
    return this.#segments.map(({ number }) => number);
  }

  /** Those that stay whatever their age. */
  get damaged(): number[] {
    return [...this.#damaged];
  }

  /** The first segment that recovery needs. */
  get neededFrom(): number {
    return this.#neededFrom;
  }

  /** Whether it is the segment of another journal. */
  isForeign(number: number): boolean {
    return this.#foreign.has(number);
  }

  /**
   * Those with the cuts that storage may have lost a part of: what it was done with in the last
   * `replayMs`, and what it was not. The last time that something was done is when they end: what was
   * kept must not go because nobody was there for a while.
   */
  recent(): number[] {
    const lastMs = Math.max(...this.#segments.map(({ doneAtMs }) => doneAtMs ?? -Infinity));
    const fromMs = lastMs - this.#options.settings.replayMs;
    return this.#segments.filter(({ doneAtMs }) => doneAtMs === undefined || doneAtMs >= fromMs)
      .map(({ number }) => number);
  }

  /** Takes over those before `current` from what was written. */
  collect(reaches: Map<number, Reach>, current: number): void {
    for (const [number, reach] of reaches) {
      if (number >= current) continue;
      reaches.delete(number);
      this.#segments.push({ number, reach, doneAtMs: undefined });
    }
  }

  /**
   * Notes how far all stands in storage.
   *
   * @param current number of the segment that is written
   * @returns whether recovery needs less than before, which the journal is to say
   */
  release({ event, cut }: Reach, current: number): boolean {
    const now = Date.now();
    for (const segment of this.#segments) {
      const { reach, doneAtMs } = segment;
      if (doneAtMs !== undefined || reach === undefined) continue;
      if (reach.event > event || reach.cut > cut) continue;
      this.#done(segment, now);
    }
    const before = this.#neededFrom;
    this.#neededFrom = this.#segments.find(({ doneAtMs }) => doneAtMs === undefined)?.number ??
      current;
    return this.#neededFrom !== before;
  }

  /** Keeps a segment for as long as if storage had it only now: it is committed again. */
  renew(number: number): void {
    const segment = this.#segments.find((it) => it.number === number);
    if (segment?.doneAtMs !== undefined) this.#done(segment, Date.now());
  }

  #done(segment: Segment, nowMs: number): void {
    segment.doneAtMs = nowMs;
    // For the next process; should it fail, that one lets go of the segment too early or too late.
    if (this.#damaged.has(segment.number)) return;
    this.#options.directory.touch(segmentName(segment.number), nowMs).catch(() => {});
  }

  /** Removes those whose time is over, one after the other. */
  tidy(): void {
    this.#tidying ??= this.#tidy().then(() => {
      this.#reported = "";
    }, (error) => this.#report(error)).finally(() => {
      this.#tidying = undefined;
    });
  }

  /** Resolves when nothing is removed any more. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#tidying;
  }

  /** Once, while it lasts; not when the journal was closed meanwhile. */
  #report(error: Error): void {
    const text = messageOf(error);
    if (text === this.#reported || this.#closed) return;
    this.#reported = text;
    this.#options.onError(error);
  }

  /** The oldest first. */
  async #tidy(): Promise<void> {
    const { directory, settings: { replayMs, retainMs }, synced } = this.#options;
    if (retainMs === null) return;
    const doneBefore = Date.now() - Math.max(replayMs, retainMs);
    let isNoted = false;
    for (const { number, doneAtMs } of [...this.#segments]) {
      if (doneAtMs === undefined || doneAtMs > doneBefore) return;
      if (this.#damaged.has(number)) continue;
      if (!isNoted) await synced();
      isNoted = true;
      await directory.remove(segmentName(number));
      this.#segments = this.#segments.filter((segment) => segment.number !== number);
    }
  }
}
