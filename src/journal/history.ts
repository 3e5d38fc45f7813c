/**
 * What the records of a journal come to: which cuts there are, how far storage had confirmed them, and
 * from where on storage must be brought up to date. Pure: it is told what was read.
 *
 * @module
 */
import { StorageError } from "../base/errors.ts";
import { checkpointText, compareCheckpoints, sameCheckpoint } from "../storage/checkpoint.ts";
import type { Checkpoint } from "../storage/storage.ts";
import type { Confirmation, CutHead, JournalRecord } from "./records.ts";

/** A cut and where its record stands. */
export interface CutPlace {
  readonly head: CutHead;
  readonly segment: number;
  readonly offset: number;
}

/** Where storage goes on. */
export interface Resumption {
  /** Index of the first cut that is not in storage, or only in part. */
  readonly cut: number;
  /** Storage is ahead of all cuts that can be read: the one it has seen is damaged or missing. */
  readonly isAhead: boolean;
}

/** Events whose records are missing, by number, both ends inclusive. */
export interface LostEvents {
  readonly first: number;
  readonly last: number;
}

/** See the top of this file. */
export class History {
  /** Number of the last event. */
  lastEvent = 0;
  /** In the order in which they were written. */
  readonly cuts: CutPlace[] = [];
  readonly lost: LostEvents[] = [];
  /** Of the processes that had the journal open, the oldest first. */
  readonly incarnations: string[] = [];
  confirmed: Confirmation | null = null;
  #events = false;

  /** Takes the next record. */
  note(record: JournalRecord, segment: number, offset: number): void {
    switch (record.kind) {
      case "head": {
        const { incarnation, confirmed, nextEvent } = record.head;
        if (!this.incarnations.includes(incarnation)) this.incarnations.push(incarnation);
        if (confirmed !== null) this.confirmed = confirmed;
        // Events before the first segment that is read.
        if (!this.#events) this.lastEvent = Math.max(this.lastEvent, nextEvent - 1);
        break;
      }
      case "events": {
        // After a failed write, records stand in two segments.
        if (this.#events && record.first > this.lastEvent + 1) {
          this.lost.push({ first: this.lastEvent + 1, last: record.first - 1 });
        }
        this.lastEvent = Math.max(this.lastEvent, record.first + record.count - 1);
        this.#events = true;
        break;
      }
      case "cut":
        if (this.#indexOf(record.head) < 0) this.cuts.push({ head: record.head, segment, offset });
        break;
      case "confirmed":
        this.confirmed = record.confirmed;
    }
  }

  /** Number of the last event that is in a cut, or in storage. */
  get covered(): number {
    return this.cuts.reduce(
      (covered, { head }) => Math.max(covered, head.covers),
      this.confirmed?.covers ?? 0,
    );
  }

  /** Whether {@linkcode resume} needs no older records than those that were read. */
  knows(stored: Checkpoint | null): boolean {
    const { confirmed } = this;
    if (stored === null) return confirmed === null;
    return this.#indexOf(stored) >= 0 ||
      (confirmed !== null && sameCheckpoint(stored, confirmed.checkpoint));
  }

  /**
   * Where storage goes on.
   *
   * @param stored the writer's checkpoint in storage
   * @param forgets whether the storage dies with its process, so that a missing checkpoint is no wonder
   * @throws {StorageError} `refused` if storage has no checkpoint though one was confirmed, `foreign` if
   *   it has one that this journal knows nothing of
   */
  resume(stored: Checkpoint | null, forgets: boolean): Resumption {
    if (stored === null) {
      if (this.confirmed !== null && !forgets) throw missing(this.confirmed.checkpoint);
      return { cut: 0, isAhead: false };
    }
    const at = this.#indexOf(stored);
    if (at >= 0) {
      const isWhole = stored.part >= this.cuts[at].head.parts - 1 && stored.applied === undefined;
      return { cut: isWhole ? at + 1 : at, isAhead: false };
    }
    const order = this.#order();
    const age = order.indexOf(stored.incarnation);
    if (age < 0) throw foreign(stored);
    const next = this.cuts.findIndex(({ head }) =>
      head.incarnation === stored.incarnation
        ? head.flush > stored.flush
        : order.indexOf(head.incarnation) > age
    );
    const { confirmed } = this;
    const isConfirmed = confirmed?.checkpoint.incarnation === stored.incarnation &&
      compareCheckpoints(stored, confirmed.checkpoint) <= 0;
    return {
      cut: next < 0 ? this.cuts.length : next,
      isAhead: next < 0 && !isConfirmed && order[order.length - 1] === stored.incarnation,
    };
  }

  #indexOf({ incarnation, flush }: { incarnation: string; flush: number }): number {
    return this.cuts.findLastIndex(({ head }) =>
      head.incarnation === incarnation && head.flush === flush
    );
  }

  /** All incarnations that are known of, the oldest first. */
  #order(): string[] {
    const older = [
      this.cuts[0]?.head.previous?.incarnation,
      this.confirmed?.checkpoint.incarnation,
    ].filter((incarnation) =>
      incarnation !== undefined && !this.incarnations.includes(incarnation)
    );
    return [...older as string[], ...this.incarnations];
  }
}

function missing(confirmed: Checkpoint): StorageError {
  return new StorageError(
    "refused",
    `Cannot go on with this journal: storage has no checkpoint of it, though it had confirmed ${
      checkpointText(confirmed)
    }; is it another storage, an older copy, or was it emptied? Open the right one; to begin anew ` +
      "with this one, move the journal's directory away",
  );
}

function foreign(stored: Checkpoint): StorageError {
  return new StorageError(
    "foreign",
    `Cannot go on with this journal: storage stands at ${checkpointText(stored)}, of which it ` +
      "knows nothing: either another copy of the journal was used since, or storage is older than " +
      "all that the journal keeps; to begin anew, move the journal's directory away",
  );
}
