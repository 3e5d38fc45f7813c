/**
 * What this process committed to each key of a cluster in the last minutes. A replica that takes over
 * may lack the last writes of its master; they are found missing by what is remembered here, and the
 * writer commits again from the first of them.
 *
 * @module
 */
import { compareCheckpoints } from "../checkpoint.ts";
import type { Checkpoint, Unit } from "../storage.ts";
import type { StoredCheckpoint } from "./checkpoints.ts";

/** How long a commit is remembered, milliseconds: as long as a writer keeps its chunks (chunk_log.ts). */
export const REMEMBER_MS: number = 10 * 60_000;
/** Commits of keys that are remembered at most; some 100 bytes each. */
export const MAX_REMEMBERED = 100_000;

/** Where a chunk stands among those of its writer. */
export interface Position {
  readonly checkpoint: Checkpoint;
  readonly generation: number;
  readonly chain: string;
}

/** A chunk that was committed. */
export interface Mark extends Position {
  /** The writer's checkpoint before it. */
  readonly previous: StoredCheckpoint | null;
}

/** A key, and the bucket that it belongs to. */
export interface Place {
  readonly key: string;
  readonly unit: Unit;
  readonly start: number;
}

interface Entry {
  readonly mark: Mark;
  /** What stood in the key before; null if nothing, undefined if that is not known. */
  readonly before: Position | null | undefined;
}

interface Remembered {
  readonly mark: Mark;
  readonly keys: string[];
  readonly atMs: number;
}

/** What was found in a key whose last commit is missing. */
export interface Loss {
  readonly key: string;
  readonly found: Position | null;
}

/** The commits of one writer; all it is told and asked comes in the order of its chunks. */
export class RecentCommits {
  readonly #byKey = new Map<string, { place: Place; entries: Entry[] }>();
  /** Oldest first. */
  #marks: Remembered[] = [];
  #count = 0;
  /** The last chunk of which all was done. */
  #finished: Position | null = null;
  /** What had been done last when a key was pruned. */
  readonly #pruned = new Map<string, Position>();

  /** The last commit to a key, as far as it is remembered. */
  last(key: string): Mark | null {
    return this.#byKey.get(key)?.entries.at(-1)?.mark ?? null;
  }

  /** Every key that is remembered. */
  places(): Place[] {
    return [...this.#byKey.values()].map(({ place }) => place);
  }

  /** Whether all of it is too old. */
  get isStale(): boolean {
    return (this.#marks.at(-1)?.atMs ?? 0) < Date.now() - REMEMBER_MS;
  }

  /** Begins a chunk; what is too old goes. */
  begin(mark: Mark): void {
    const now = Date.now();
    this.#marks.push({ mark, keys: [], atMs: now });
    let gone = 0;
    while (
      gone < this.#marks.length - 1 &&
      (this.#count > MAX_REMEMBERED || this.#marks[gone].atMs < now - REMEMBER_MS)
    ) this.#forgetFirst(this.#marks[gone++]);
    if (gone === 0) return;
    this.#marks.splice(0, gone);
    for (const [key, last] of this.#pruned) {
      if (isBehind(last, this.#marks[0].mark)) this.#pruned.delete(key);
    }
  }

  /** Notes that all of a chunk is done. */
  finish(position: Position): void {
    if (this.#finished === null || isBehind(this.#finished, position)) this.#finished = position;
  }

  /** Notes that the chunk last begun is in a key. */
  add(place: Place, before: Position | null | undefined): void {
    const current = this.#marks.at(-1)!;
    let known = this.#byKey.get(place.key);
    if (known === undefined) {
      known = { place, entries: [] };
      this.#byKey.set(place.key, known);
    }
    if (known.entries.at(-1)?.mark === current.mark) return;
    known.entries.push({ mark: current.mark, before });
    current.keys.push(place.key);
    this.#count++;
  }

  /** Forgets keys that were pruned, but for what the prune took along. */
  prune(keys: Iterable<string>): void {
    for (const key of keys) {
      const known = this.#byKey.get(key);
      if (known === undefined) continue;
      this.#count -= known.entries.length;
      this.#byKey.delete(key);
      if (this.#finished !== null) this.#pruned.set(key, this.#finished);
    }
  }

  /** Whether a chunk was in a key before that was pruned: committed again, it must not come back. */
  wasPruned(key: string, position: Position): boolean {
    const last = this.#pruned.get(key);
    return last !== undefined && !isBehind(last, position);
  }

  /**
   * The first commit that is missing; also the keys that lost more than is remembered, and those that
   * may have: nothing was found in them of what is remembered, and what stood there before is not known.
   */
  firstLost(losses: readonly Loss[]): { first: Mark; gaps: string[]; doubts: string[] } {
    const gaps: string[] = [];
    const doubts: string[] = [];
    const oldest = this.#marks[0]?.mark;
    let at = this.#marks.length - 1;
    for (const { key, found } of losses) {
      const entries = this.#byKey.get(key)?.entries ?? [];
      const lost = entries.findIndex(({ mark }) => found === null || isBehind(found, mark));
      if (lost < 0) continue;
      const { mark, before } = entries[lost];
      if (lost === 0 && before && (found === null || isBehind(found, before))) gaps.push(key);
      // The first chunk of all has nothing before it.
      const isOlder = oldest.previous !== null && (found === null || isBehind(found, oldest));
      if (lost === 0 && before === undefined && isOlder) doubts.push(key);
      at = Math.min(at, this.#indexOf(mark));
    }
    return { first: this.#marks[at].mark, gaps, doubts };
  }

  /** Forgets a commit and all behind it: they will come again. */
  forgetFrom(first: Mark): void {
    for (const { mark, keys } of this.#marks.splice(this.#indexOf(first))) {
      for (const key of keys) this.#cut(key, mark);
    }
  }

  #indexOf(mark: Mark): number {
    return this.#marks.findIndex((one) => one.mark === mark);
  }

  /** Drops a key's entries from a mark on. */
  #cut(key: string, mark: Mark): void {
    const known = this.#byKey.get(key);
    if (known === undefined) return;
    const at = known.entries.findIndex((entry) => entry.mark === mark);
    if (at < 0) return;
    this.#count -= known.entries.length - at;
    known.entries.length = at;
    if (at === 0) this.#byKey.delete(key);
  }

  #forgetFirst({ mark, keys }: Remembered): void {
    for (const key of keys) {
      const known = this.#byKey.get(key);
      if (known?.entries[0]?.mark !== mark) continue;
      known.entries.shift();
      this.#count--;
      if (known.entries.length === 0) this.#byKey.delete(key);
    }
  }
}

/** Whether one came before the other; the rule of scripts/applyUnit-4.ts. */
export function isBehind(a: Position, b: Position): boolean {
  if (a.checkpoint.incarnation === b.checkpoint.incarnation) {
    return compareCheckpoints(a.checkpoint, b.checkpoint) < 0;
  }
  return a.chain !== b.chain || a.generation < b.generation;
}
