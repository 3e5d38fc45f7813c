/**
 * One writer's checkpoint in Deno KV, and atomic writes that move it. The check on its versionstamp
 * makes each of them happen once: whatever becomes of an answer, at most one of several attempts can
 * be applied, and the checkpoint tells which state the storage is in.
 *
 * @module
 */
import { messageOf, StorageError } from "../../base/errors.ts";
import type { Checkpoint } from "../storage.ts";
import { type Connection, failureOf } from "./connection.ts";
import { checkpointKey, foreignValue, type Key } from "./keys.ts";

/** Checkpoints of writers without a journal go after this time, milliseconds. */
export const CHECKPOINT_TTL_MS: number = 7 * 24 * 60 * 60 * 1000;

/** A checkpoint as it stands in Deno KV. */
export interface StoredCheckpoint extends Checkpoint {
  /** Whether it never expires; absent: it does. */
  readonly durable?: true;
  /**
   * Only in a marker: the cells from `applied` up to here were being written. SQLite keeps what a
   * refused commit did before the mutation that failed (see torn.ts), the marker first of all.
   */
  readonly torn?: number;
  /** Indexes of the part's cells that were refused so far. */
  readonly refused?: readonly number[];
}

/** A checkpoint and the versionstamp that a check must name; both null where there is none. */
export interface Stored {
  readonly value: StoredCheckpoint | null;
  readonly versionstamp: string | null;
}

/** What became of a write. */
export type Outcome =
  /** It stands, checkpoint and all. */
  | { readonly kind: "applied" }
  /** The database refuses it for good; nothing of it stands. */
  | { readonly kind: "refused"; readonly error: unknown }
  /** The database refused it for good, but kept a part of it; the marker stands. */
  | { readonly kind: "torn"; readonly error: unknown }
  /** The checkpoint is neither what it was nor what was wanted: someone else moved it. */
  | { readonly kind: "moved" };

/** The part of a stored checkpoint that the interface speaks of. */
export function publicCheckpoint(value: StoredCheckpoint | null): Checkpoint | null {
  if (value === null) return null;
  const { incarnation, flush, part, applied } = value;
  return applied === undefined
    ? { incarnation, flush, part }
    : { incarnation, flush, part, applied };
}

/** Reads an entry under a checkpoint's key. */
export function storedOf(entry: Deno.KvEntryMaybe<unknown>): Stored {
  const { value, versionstamp } = entry;
  if (versionstamp === null) return { value: null, versionstamp: null };
  const it = value as Partial<StoredCheckpoint> | null;
  const wellFormed = typeof it === "object" && it !== null && typeof it.incarnation === "string" &&
    Number.isSafeInteger(it.flush) && Number.isSafeInteger(it.part) &&
    (it.applied === undefined || Number.isSafeInteger(it.applied)) &&
    (it.torn === undefined || Number.isSafeInteger(it.torn)) &&
    (it.refused === undefined || Array.isArray(it.refused)) &&
    (it.durable === undefined || it.durable === true);
  if (!wellFormed) throw foreignValue(entry.key, "a writer's checkpoint");
  return { value: it as StoredCheckpoint, versionstamp };
}

/** One writer's checkpoint; not for concurrent use. */
export class WriterState {
  /** What stands in storage, as far as is known. */
  stored: Stored = { value: null, versionstamp: null };
  /** How often an attempt had to be repeated. */
  retries = 0;

  readonly connection: Connection;
  readonly key: Key;
  readonly #durable: boolean;

  constructor(connection: Connection, prefix: string, writer: string, durable: boolean) {
    this.connection = connection;
    this.key = checkpointKey(prefix, writer);
    this.#durable = durable;
  }

  /** Reads what stands in storage. */
  async load(): Promise<void> {
    const { kv } = this.connection;
    this.stored = storedOf(
      await this.connection.patiently("read a checkpoint", () => kv.get(this.key)),
    );
  }

  /**
   * Writes what `fill` adds and moves the checkpoint to `target`, in one commit, once. `fill` runs
   * anew for each attempt, before `target` is asked. A `marker` is set before everything else.
   *
   * @throws {StorageError} `unavailable`, `unknown` after bounded retries; `closed`
   */
  async write(
    target: () => StoredCheckpoint,
    fill: (operation: Deno.AtomicOperation) => void | Promise<void>,
    marker?: StoredCheckpoint,
  ): Promise<Outcome> {
    const { connection, key } = this;
    const options = this.#durable ? undefined : { expireIn: CHECKPOINT_TTL_MS };
    let inDoubt = false;
    for (let attempt = 0;; attempt++) {
      connection.assertOpen();
      const operation = connection.kv.atomic().check({
        key,
        versionstamp: this.stored.versionstamp,
      });
      if (marker !== undefined) operation.set(key, marker, options);
      await fill(operation);
      const wanted = target();
      operation.set(key, wanted, options);

      let error: unknown = null;
      try {
        const result = await operation.commit();
        if (result.ok) {
          this.stored = { value: wanted, versionstamp: result.versionstamp };
          return { kind: "applied" };
        }
      } catch (thrown) {
        error = thrown ?? new Error("nothing was said");
      }

      const failure = error === null ? "conflict" : failureOf(error);
      if (failure === "closed") throw connection.errorOf("commit", error);
      if (failure !== "locked") {
        const now = await this.#readAfter(error);
        if (now.versionstamp !== this.stored.versionstamp) {
          this.stored = now;
          if (says(now.value, wanted)) return { kind: "applied" };
          if (marker !== undefined && says(now.value, marker)) {
            return { kind: "torn", error: error ?? new Error("the answer was lost") };
          }
          return { kind: "moved" };
        }
        // Nothing of it stands. In doubt stays what may still be on its way after a lost connection;
        // then this attempt or the next is applied, never both.
        if (failure === "refused") return { kind: "refused", error };
        inDoubt ||= failure === "lost";
      }
      if (attempt >= connection.retries) {
        throw new StorageError(
          inDoubt ? "unknown" : "unavailable",
          `Cannot commit to Deno KV: gave up after ${attempt + 1} attempts: ` +
            (error === null ? "others changed the same sketches each time" : messageOf(error)),
          { cause: error ?? undefined },
        );
      }
      this.retries++;
      await connection.pause(attempt);
    }
  }

  async #readAfter(error: unknown): Promise<Stored> {
    const before = this.stored;
    try {
      await this.load();
      return this.stored;
    } catch (unreadable) {
      if (unreadable instanceof StorageError && unreadable.code === "closed") throw unreadable;
      throw new StorageError(
        "unknown",
        `Cannot tell whether a commit was applied: ${messageOf(error ?? unreadable)}; ` +
          `the checkpoint cannot be read either: ${messageOf(unreadable)}`,
        { cause: unreadable },
      );
    } finally {
      this.stored = before;
    }
  }
}

/** Whether a stored checkpoint says what was written; which cells were refused does not matter. */
function says(a: StoredCheckpoint | null, b: StoredCheckpoint): boolean {
  return a !== null && a.incarnation === b.incarnation && a.flush === b.flush &&
    a.part === b.part && a.applied === b.applied && a.torn === b.torn;
}
