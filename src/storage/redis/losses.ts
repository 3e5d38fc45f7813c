/**
 * Finding out that a node of a cluster went back in time, and setting the writer's checkpoint back to
 * before what it lost. The writer then commits again from there; keys that have a chunk skip it.
 *
 * @module
 */
import { StorageError } from "../../base/errors.ts";
import { beforeFirst, checkpointText } from "../checkpoint.ts";
import type { Chunk } from "../storage.ts";
import type { StoredCheckpoint } from "./checkpoints.ts";
import type { Connection } from "./connection.ts";
import { Book, keyCheckpoint } from "./keys.ts";
import { positionArgs, positionFrom } from "./positions.ts";
import { readSigns } from "./prune_signs.ts";
import { isBehind, type Loss, type Position, type RecentCommits } from "./recent.ts";
import { REWIND_WRITER } from "./scripts/rewindWriter-1.ts";

/** Keys that are asked for at once. */
const KEYS_AT_ONCE = 500;
/** Keys that a warning names. */
const MAX_NAMED = 5;

/** Watches one cluster. */
export class Losses {
  readonly #connection: Connection;
  readonly #warn: (message: string) => void;
  /** The masters and the number of failures when a writer's keys were last looked at. */
  readonly #seen = new WeakMap<RecentCommits, string>();

  constructor(connection: Connection, warn: (message: string) => void) {
    this.#connection = connection;
    this.#warn = warn;
  }

  /**
   * Calls {@linkcode repair} if the cluster has other masters than before, a connection broke, or
   * something failed: a key that is not written again would keep its loss.
   *
   * @param stored what stands as the writer's checkpoint
   * @throws {StorageError} `behind`
   */
  async look(
    chunk: Chunk,
    stored: StoredCheckpoint | null,
    recent: RecentCommits,
  ): Promise<void> {
    const state = this.#connection.state;
    const before = this.#seen.get(recent);
    if (before !== state && before !== undefined) await this.repair(chunk, stored, recent);
    this.#seen.set(recent, state);
  }

  /**
   * Asks every key that is remembered whether it still has its last commit, and sets the writer's
   * checkpoint back to before the first loss. If there is none, or the checkpoint stands before it
   * already, it returns, and the chunk can be tried again. Keys of buckets that are pruned have lost
   * nothing.
   *
   * @param stored what stands as the writer's checkpoint
   * @throws {StorageError} `behind`
   */
  async repair(
    chunk: Chunk,
    stored: StoredCheckpoint | null,
    recent: RecentCommits,
  ): Promise<void> {
    const losses = await this.#withoutPruned(chunk, recent, await this.#find(chunk, recent));
    if (losses.length === 0) return;
    const { first, gaps } = recent.firstLost(losses);
    // A checkpoint that is missing would mean that this is another storage.
    const previous = first.previous ??
      { ...first, checkpoint: beforeFirst(first.checkpoint.incarnation) };
    const isAhead = stored !== null && isBehind(previous, stored);
    if (isAhead) await this.#rewind(chunk, stored, previous);
    // Only now: what is forgotten without having been set back would never be found again.
    recent.forgetFrom(first);
    const named = losses.slice(0, MAX_NAMED).map(({ key }) => JSON.stringify(key)).join(", ");
    const lost = `Redis at ${this.#connection.where} went back in time: ${losses.length} keys, ` +
      `among them ${named}, lost commits of writer ${chunk.writer} from ` +
      `${checkpointText(first.checkpoint)} on`;
    if (gaps.length > 0) {
      // Said here, as the next attempt will not find it again.
      this.#warn(
        `${lost}; ${gaps.length} of them lost more than the last minutes, of which nothing is ` +
          "known any more: their counts are too low",
      );
    }
    if (!isAhead) return; // the writer comes from before all of it
    throw new StorageError("behind", `Cannot commit ${checkpointText(chunk.checkpoint)}: ${lost}`);
  }

  async #rewind(chunk: Chunk, stored: StoredCheckpoint, previous: Position): Promise<void> {
    const reply = await this.#connection.script(
      "set a checkpoint back",
      REWIND_WRITER,
      [new Book(chunk.prefix).checkpoint(chunk.writer)],
      [...positionArgs(stored).slice(0, 3), ...positionArgs(previous)],
    );
    if (Number(reply) === 1) return;
    throw new StorageError(
      "unknown",
      `Cannot set the checkpoint of writer ${JSON.stringify(chunk.writer)} in Redis at ` +
        `${this.#connection.where} back: it moved; it will be tried again`,
    );
  }

  async #find({ prefix, writer }: Chunk, recent: RecentCommits): Promise<Loss[]> {
    const losses: Loss[] = [];
    const places = recent.places();
    for (let i = 0; i < places.length; i += KEYS_AT_ONCE) {
      const some = places.slice(i, i + KEYS_AT_ONCE);
      await Promise.all(some.map(async ({ key }) => {
        const reply = await this.#connection.command(
          "look for lost commits",
          "HMGET",
          keyCheckpoint(prefix, key, writer),
          ...["incarnation", "flush", "part", "generation", "chain"],
        );
        const found = positionFrom(reply as (string | null)[]);
        const last = recent.last(key);
        if (last !== null && (found === null || isBehind(found, last))) losses.push({ key, found });
      }));
    }
    return losses;
  }

  async #withoutPruned(
    { prefix }: Chunk,
    recent: RecentCommits,
    losses: readonly Loss[],
  ): Promise<Loss[]> {
    const { before } = await readSigns(this.#connection, prefix);
    const places = new Map(recent.places().map((place) => [place.key, place]));
    const isPruned = ({ key, found }: Loss) => {
      const place = places.get(key);
      return found === null && place !== undefined && place.start < before[place.unit];
    };
    recent.forgetKeys(losses.filter(isPruned).map(({ key }) => key));
    return losses.filter((loss) => !isPruned(loss));
  }
}
