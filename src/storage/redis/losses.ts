/**
 * Finding out that a node of a cluster went back in time, and setting the writer's checkpoint back to
 * before what it lost. The writer then commits again from there; keys that have a chunk skip it.
 *
 * @module
 */
import { StorageError } from "../../base/errors.ts";
import { beforeFirst, checkpointText, sameCheckpoint } from "../checkpoint.ts";
import type { Chunk } from "../storage.ts";
import type { WriterName } from "../writer_queues.ts";
import { startsIn } from "./buckets.ts";
import { readCheckpoint, type StoredCheckpoint } from "./checkpoints.ts";
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
   * The same for commits of earlier processes, as the journal has them: whatever happened to the cluster
   * since, nobody has looked.
   *
   * @param stored what stands as the writer's checkpoint; all that is remembered is in it
   * @throws {StorageError} `unknown` if it moved
   */
  async verify(
    writer: WriterName,
    stored: StoredCheckpoint,
    recent: RecentCommits,
  ): Promise<void> {
    const state = this.#connection.state;
    recent.prune(await this.#unlisted(writer, recent));
    // The index lies where the checkpoint does: had it gone back, so had that.
    const now = await readCheckpoint(this.#connection, writer.prefix, writer.writer);
    if (!sameCheckpoint(now?.checkpoint ?? null, stored.checkpoint)) {
      throw this.#moved("look for lost commits of", writer);
    }
    await this.#setBack(writer, stored, recent);
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
    const lost = await this.#setBack(chunk, stored, recent);
    if (lost === null) return;
    throw new StorageError("behind", `Cannot commit ${checkpointText(chunk.checkpoint)}: ${lost}`);
  }

  /** Null if the checkpoint was not set back, else what was lost. */
  async #setBack(
    writer: WriterName,
    stored: StoredCheckpoint | null,
    recent: RecentCommits,
  ): Promise<string | null> {
    const losses = await this.#withoutPruned(writer, recent, await this.#find(writer, recent));
    if (losses.length === 0) return null;
    const { first, gaps, doubts } = recent.firstLost(losses);
    // A checkpoint that is missing would mean that this is another storage.
    const previous = first.previous ??
      { ...first, checkpoint: beforeFirst(first.checkpoint.incarnation) };
    const isAhead = stored !== null && isBehind(previous, stored);
    if (isAhead) await this.#rewind(writer, stored, previous);
    // Only now: what is forgotten without having been set back would never be found again.
    recent.forgetFrom(first);
    const keys = named(losses.map(({ key }) => key));
    const lost = `Redis at ${this.#connection.where} went back in time: ${losses.length} keys, ` +
      `among them ${keys}, lost commits of writer ${writer.writer} from ` +
      `${checkpointText(first.checkpoint)} on`;
    if (gaps.length > 0) {
      // Said here, as the next attempt will not find it again.
      this.#warn(
        `${lost}; ${gaps.length} of them lost more than the last minutes, of which nothing is ` +
          "known any more: their counts are too low",
      );
    }
    if (doubts.length > 0) {
      this.#warn(
        `${lost}, which are committed again. Of ${doubts.length}, among them ${named(doubts)}, ` +
          "nothing was found that is newer than the oldest commit kept: if they lost older ones too, " +
          "their counts are too low",
      );
    }
    return isAhead ? lost : null; // else the writer comes from before all of it
  }

  async #rewind(writer: WriterName, stored: StoredCheckpoint, previous: Position): Promise<void> {
    const reply = await this.#connection.script(
      "set a checkpoint back",
      REWIND_WRITER,
      [new Book(writer.prefix).checkpoint(writer.writer)],
      [...positionArgs(stored).slice(0, 3), ...positionArgs(previous)],
    );
    if (Number(reply) !== 1) throw this.#moved("set back the checkpoint of", writer);
  }

  #moved(doing: string, { writer }: WriterName): StorageError {
    return new StorageError(
      "unknown",
      `Cannot ${doing} writer ${JSON.stringify(writer)} in Redis at ${this.#connection.where}: ` +
        "its checkpoint moved meanwhile; try again",
    );
  }

  /** Keys of buckets that are not in the index, which only a prune takes them out of. */
  async #unlisted({ prefix }: WriterName, recent: RecentCommits): Promise<string[]> {
    const places = recent.places();
    const unlisted: string[] = [];
    for (const unit of ["d", "h"] as const) {
      const own = places.filter((place) => place.unit === unit);
      let [from, to] = [Infinity, -Infinity];
      for (const { start } of own) [from, to] = [Math.min(from, start), Math.max(to, start)];
      const listed = new Set(await startsIn(this.#connection, { prefix, unit, from, to }));
      for (const { key, start } of own) if (!listed.has(start)) unlisted.push(key);
    }
    return unlisted;
  }

  async #find({ prefix, writer }: WriterName, recent: RecentCommits): Promise<Loss[]> {
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
    { prefix }: WriterName,
    recent: RecentCommits,
    losses: readonly Loss[],
  ): Promise<Loss[]> {
    const { before } = await readSigns(this.#connection, prefix);
    const places = new Map(recent.places().map((place) => [place.key, place]));
    const isPruned = ({ key, found }: Loss) => {
      const place = places.get(key);
      return found === null && place !== undefined && place.start < before[place.unit];
    };
    recent.prune(losses.filter(isPruned).map(({ key }) => key));
    return losses.filter((loss) => !isPruned(loss));
  }
}

/** Some of the keys, as a warning names them. */
function named(keys: readonly string[]): string {
  return keys.slice(0, MAX_NAMED).map((key) => JSON.stringify(key)).join(", ");
}
