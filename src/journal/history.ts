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
  /** Storage went back to before all that is kept, and there is nothing to bring it up to date with. */
  readonly isBehind: boolean;
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
  /** Number of the last event before what is damaged or missing, there for the last time. */
  #beforeDamage: number | undefined;
  #known = false;
  /** The journal's directory, for messages. */
  readonly #path: string;

  constructor(path: string) {
    this.#path = path;
  }

  /** Takes the next record. */
  note(record: JournalRecord, segment: number, offset: number): void {
    switch (record.kind) {
      case "head": {
        const { incarnation, confirmed, nextEvent } = record.head;
        if (!this.incarnations.includes(incarnation)) this.incarnations.push(incarnation);
        this.#reach(nextEvent, nextEvent - 1);
        if (confirmed !== null) this.#confirm(confirmed);
        break;
      }
      case "events":
        this.#reach(record.first, record.first + record.count - 1);
        break;
      case "cut":
        if (this.#indexOf(record.head) < 0) this.cuts.push({ head: record.head, segment, offset });
        this.#cover(record.head.covers);
        break;
      case "confirmed":
        this.#confirm(record.confirmed);
    }
  }

  /** Notes that something is damaged or missing before the next record. */
  noteDamage(): void {
    this.#beforeDamage = this.lastEvent;
  }

  /** Number of the last event that can be in a cut that is damaged or missing. */
  get maybeCovered(): number {
    return Math.max(this.covered, this.#beforeDamage ?? this.lastEvent);
  }

  /** Events from `first` to `last` follow. After a failed write, the same ones stand in two segments. */
  #reach(first: number, last: number): void {
    if (this.#known && first > this.lastEvent + 1) {
      this.lost.push({ first: this.lastEvent + 1, last: first - 1 });
    }
    this.lastEvent = Math.max(this.lastEvent, last);
    this.#known = true;
  }

  #confirm(confirmed: Confirmation): void {
    this.confirmed = confirmed;
    this.#cover(confirmed.covers);
  }

  /** Events up to a number were there, though their records may be damaged. */
  #cover(covers: number): void {
    this.lastEvent = Math.max(this.lastEvent, covers);
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
    const checkpoint = confirmed?.checkpoint ?? null;
    if (stored === null) return checkpoint === null;
    return this.#indexOf(stored) >= 0 || sameCheckpoint(stored, checkpoint);
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
    const confirmed = this.confirmed?.checkpoint ?? null;
    if (stored === null) {
      if (confirmed !== null && !forgets) throw missing(this.#path, confirmed);
      return { cut: 0, isAhead: false, isBehind: false };
    }
    const at = this.#indexOf(stored);
    if (at >= 0) {
      const isWhole = stored.part >= this.cuts[at].head.parts - 1 && stored.applied === undefined;
      return { cut: isWhole ? at + 1 : at, isAhead: false, isBehind: false };
    }
    const order = this.#order();
    const age = order.indexOf(stored.incarnation);
    if (age < 0) throw foreign(this.#path, stored);
    /** Negative if the checkpoint comes before what is stored. */
    const compare = (other: Pick<Checkpoint, "incarnation" | "flush">) =>
      order.indexOf(other.incarnation) - age || other.flush - stored.flush;
    const next = this.cuts.findIndex(({ head }) => compare(head) > 0);
    if (next >= 0) return { cut: next, isAhead: false, isBehind: false };
    // Known by its confirmation alone: the cuts are gone.
    const isBehind = confirmed !== null && !sameCheckpoint(stored, confirmed) &&
      (compare(confirmed) || compareCheckpoints(confirmed, stored)) >= 0;
    const isAhead = !isBehind && !sameCheckpoint(stored, confirmed);
    return { cut: this.cuts.length, isAhead, isBehind };
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
      this.confirmed?.checkpoint?.incarnation,
    ].filter((incarnation) =>
      incarnation !== undefined && !this.incarnations.includes(incarnation)
    );
    return [...older as string[], ...this.incarnations];
  }
}

function missing(path: string, confirmed: Checkpoint): StorageError {
  return new StorageError(
    "refused",
    `Cannot go on with the journal in ${path}: storage has no checkpoint of it, though it had ` +
      `confirmed ${
        checkpointText(confirmed)
      }; is it another storage, an older copy, was it emptied, ` +
      "or the checkpoint removed by traqq prune --writers? Open the right one; to begin anew with " +
      "this one, move the journal's directory away",
  );
}

function foreign(path: string, stored: Checkpoint): StorageError {
  return new StorageError(
    "foreign",
    `Cannot go on with the journal in ${path}: storage stands at ${checkpointText(stored)}, of ` +
      "which it knows nothing: either another copy of the journal was used since, or storage is older than " +
      "all that the journal keeps; to begin anew, move the journal's directory away",
  );
}
