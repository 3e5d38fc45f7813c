/**
 * Commits to a cluster, where a script can only touch keys of one slot: each key of a chunk is a unit,
 * with a checkpoint of its own beside it, so a chunk that broke off goes on where it was.
 *
 * A chunk has a place in its writer's chain: within an incarnation its flush and part, and before that
 * its generation, the number of incarnations that the chain has had. It depends on nothing but the
 * chunks before it, so a chunk that is committed again has it again. `chain` names the incarnation
 * with which the chain began: a writer whose checkpoint was removed, or expired, begins a new one.
 *
 * The order: the known keys, the cells, what `adv` metrics come to, and then the writer's checkpoint
 * with the versions, so that who reads cells of before finds them stale.
 *
 * @module
 */
import { StorageError } from "../../base/errors.ts";
import { checkpointText, sameCheckpoint, verdict } from "../checkpoint.ts";
import type { Cell, Checkpoint, Chunk, CommitReport } from "../storage.ts";
import { type WriterName, WriterQueues } from "../writer_queues.ts";
import {
  allRefused,
  bookKeys,
  CHECKPOINT_TTL_MS,
  checkpointArgs,
  readCheckpoint,
  reasonsOf,
  reportOf,
} from "./checkpoints.ts";
import { Attempts, type Connection } from "./connection.ts";
import { besideKey, Book, keyCheckpoint } from "./keys.ts";
import {
  type Arg,
  type BucketPlan,
  type ChunkPlan,
  type Group,
  growthOf,
  pairsOf,
  planOf,
} from "./plan.ts";
import { isRunning, readSigns } from "./prune_signs.ts";
import { type Mark, MAX_REMEMBERED, type Place, RecentCommits } from "./recent.ts";
import { Losses } from "./losses.ts";
import { APPLY_UNIT } from "./scripts/applyUnit-4.ts";
import { FINISH_CHUNK } from "./scripts/finishChunk-7.ts";
import { marksUpTo, positionArgs, positionFrom, positionOf } from "./positions.ts";
import { settleAll } from "./settle.ts";

/** How often a chunk is begun anew because a bucket of it was pruned meanwhile. */
const MAX_ROUNDS = 3;

/** A unit's work: what its script is given. */
interface Unit {
  readonly place: Place;
  readonly kind: string;
  readonly count: number;
  readonly growth: string;
  readonly args: readonly Arg[];
  /** Whose numbers the script's lines are. */
  readonly cells: readonly Cell[];
}

/** A chunk on its way. */
interface Run {
  readonly chunk: Chunk;
  readonly mark: Mark;
  readonly recent: RecentCommits;
  readonly attempts: Attempts;
  /** Whether a key lacks what is known to have come last to it. */
  isBehind: boolean;
  /** Why each cell was refused that was. */
  readonly refused: Map<Cell, string>;
}

/** A chunk of an earlier process, without its cells. */
interface Committed {
  readonly checkpoint: Checkpoint;
  readonly previous: Checkpoint | null;
  readonly places: readonly Place[];
}

/** The commits of one RedisStorage on a cluster. */
export class ClusterCommitter {
  readonly #connection: Connection;
  readonly #losses: Losses;
  readonly #recent = new Map<string, RecentCommits>();
  readonly #queues = new WriterQueues();

  constructor(connection: Connection, warn: (message: string) => void) {
    this.#connection = connection;
    this.#losses = new Losses(connection, warn);
  }

  /** Applies a chunk once; those of one writer wait for each other. */
  commit(chunk: Chunk): Promise<CommitReport> {
    return this.#queues.run(chunk, (id) => this.#commit(id, chunk));
  }

  /**
   * Looks whether keys have what earlier processes committed; see `Storage.verify`. It is remembered as
   * if this process had done it, so what a node loses later is found too.
   */
  verify(prefix: string, writer: string, kept: AsyncIterable<Chunk>): Promise<void> {
    return this.#queues.run({ prefix, writer }, (id) => this.#verify(id, { prefix, writer }, kept));
  }

  /** Resolves when no commit is under way. */
  idle(): Promise<void> {
    return this.#queues.idle();
  }

  /** Forgets what is known of keys that are pruned. */
  forget(keys: readonly string[]): void {
    for (const recent of this.#recent.values()) recent.prune(keys);
  }

  /** With nothing remembered yet. */
  #begin(id: string): RecentCommits {
    for (const [other, { isStale }] of this.#recent) {
      if (isStale) this.#recent.delete(other); // a writer that is gone, as far as it matters
    }
    const recent = new RecentCommits();
    this.#recent.set(id, recent);
    return recent;
  }

  async #verify(id: string, writer: WriterName, kept: AsyncIterable<Chunk>): Promise<void> {
    const chunks: Committed[] = [];
    let count = 0;
    for await (const { prefix, checkpoint, previous, cells } of kept) {
      const places = placesOf(planOf(prefix, cells));
      chunks.push({ checkpoint, previous, places });
      count += places.length;
      while (count > MAX_REMEMBERED) count -= chunks.shift()!.places.length;
    }
    const stored = await readCheckpoint(this.#connection, writer.prefix, writer.writer);
    if (stored === null) return; // the journal knows what that means
    const marks = marksUpTo(stored, chunks);
    if (marks.length === 0) return;
    const recent = this.#begin(id);
    for (const { mark, chunk: { places } } of marks) {
      recent.begin(mark);
      for (const place of places) recent.add(place, undefined);
    }
    recent.finish(stored);
    await this.#losses.verify(writer, stored, recent);
  }

  async #commit(id: string, chunk: Chunk): Promise<CommitReport> {
    const recent = this.#recent.get(id) ?? this.#begin(id);
    const attempts = new Attempts();
    const { prefix, writer } = chunk;
    for (let round = 0; round < MAX_ROUNDS; round++) {
      const [stored, signs] = await Promise.all([
        readCheckpoint(this.#connection, prefix, writer),
        readSigns(this.#connection, prefix),
      ]);
      const plan = planOf(prefix, chunk.cells);
      if (verdict(stored?.checkpoint ?? null, chunk).skip) {
        const own = sameCheckpoint(stored!.checkpoint, chunk.checkpoint);
        if (own) await this.#losses.look(chunk, stored, recent);
        const refused = own ? allRefused(plan, stored!.refused) : [];
        return { outcome: "skipped", refused, retries: attempts.retries };
      }
      await this.#losses.look(chunk, stored, recent);
      const mark = { ...positionOf(chunk, stored), previous: stored };
      recent.begin(mark);
      const run: Run = {
        chunk,
        mark,
        recent,
        attempts,
        isBehind: false,
        refused: new Map(),
      };
      const report = await this.#run(run, plan, signs.text);
      if (report === null) {
        await this.#losses.repair(chunk, stored, recent);
        continue;
      }
      recent.finish(mark);
      // What a node lost meanwhile would only be missed by the next chunk, if there is one.
      await this.#losses.look(chunk, { ...mark, refused: "" }, recent);
      return report;
    }
    throw new StorageError(
      "unavailable",
      `Cannot commit ${checkpointText(chunk.checkpoint)}: its buckets keep being pruned`,
    );
  }

  /** Null if keys have lost what is known to have come last to them. */
  async #run(run: Run, plan: ChunkPlan, signs: string): Promise<CommitReport | null> {
    const { chunk, attempts, refused } = run;
    const kept = notPruned(plan, run);
    const unlisted = await this.#list(run, kept);
    if (run.isBehind) return null;
    const buckets = kept.filter((bucket) => !unlisted.has(bucket));
    const groups = buckets.flatMap((bucket) => bucket.groups.map((group) => ({ bucket, group })));
    await this.#apply(
      run,
      groups.filter(({ group }) => group.kind !== "tally").map(({ bucket, group }) =>
        unitOf(bucket, group, "")
      ),
    );
    if (run.isBehind) return null;
    await this.#apply(
      run,
      groups.filter(({ group }) => group.kind === "tally").map(({ bucket, group }) =>
        unitOf(bucket, group, growthOf(group, new Set(refused.keys())))
      ),
    );
    if (run.isBehind) return null;

    const reply = await this.#connection.script(
      "commit",
      FINISH_CHUNK,
      [...bookKeys(chunk), new Book(chunk.prefix).prune],
      [...checkpointArgs(chunk), ...finishArgs(plan, buckets, refused)],
      attempts,
    ) as string[];
    if (reply[5] !== signs || isRunning(signs)) await this.#listAgain(run, buckets);
    const report = reportOf(chunk, plan, reply, attempts.retries);
    return report.outcome === "skipped" && attempts.inDoubt
      ? { ...report, outcome: "applied" }
      : report;
  }

  /** Lists the keys of all buckets; gives those where Redis refuses that: nobody would find a cell. */
  async #list(run: Run, buckets: readonly BucketPlan[]): Promise<Set<BucketPlan>> {
    const unlisted = new Set<BucketPlan>();
    await settleAll(buckets.map(async (bucket) => {
      const { unit, start, known, groups } = bucket;
      const lines = await this.#applyOne(run, {
        place: { key: known, unit, start },
        kind: "known",
        count: groups.length,
        growth: "",
        args: groups.map(({ key }) => key),
        cells: [],
      });
      if (lines === "") return;
      unlisted.add(bucket);
      const why = lines.split("\n")[0].replace(/^\d+ /, "");
      for (const cell of groups.flatMap(({ cells }) => cells)) run.refused.set(cell, why);
    }));
    return unlisted;
  }

  async #apply(run: Run, units: readonly Unit[]): Promise<void> {
    await settleAll(
      units.map(async (unit) => {
        const lines = await this.#applyOne(run, unit);
        for (const [cell, why] of reasonsOf(lines, unit.cells)) run.refused.set(cell, why);
      }),
      run.attempts,
    );
  }

  /** Applies a unit once; gives the lines that name what was refused. */
  async #applyOne(run: Run, unit: Unit): Promise<string> {
    const { chunk, mark, recent, attempts } = run;
    const { key } = unit.place;
    const { prefix, writer, durable } = chunk;
    const reply = await this.#connection.script(
      "commit",
      APPLY_UNIT,
      [
        key,
        keyCheckpoint(prefix, key, writer),
        besideKey(prefix, key, "cps"),
        besideKey(prefix, key, "tmp"),
      ],
      [
        ...positionArgs(mark),
        durable ? "1" : "",
        `${CHECKPOINT_TTL_MS}`,
        writer,
        ...positionArgs(recent.last(key)),
        unit.kind,
        `${unit.count}`,
        unit.growth,
        ...unit.args,
      ],
      attempts,
    ) as string[];
    const found = positionFrom(reply.slice(1));
    switch (reply[0]) {
      case "lost":
        run.isBehind = true;
        return "";
      case "foreign":
        throw new StorageError(
          "foreign",
          `Cannot commit ${checkpointText(chunk.checkpoint)} as writer ${
            JSON.stringify(writer)
          }: ` +
            `at ${JSON.stringify(key)} in Redis stands ${checkpointText(found!.checkpoint)}: ` +
            "someone else commits under this writer id",
        );
      case "skip":
        recent.add(unit.place, undefined);
        return reply[6];
      default:
        recent.add(unit.place, found);
        attempts.applied = true;
        return reply[6];
    }
  }

  /** A prune may have taken a key out of its set before it got new cells: it is put back. */
  async #listAgain(run: Run, buckets: readonly BucketPlan[]): Promise<void> {
    await settleAll(
      buckets.map(({ known, groups }) =>
        this.#connection.command("list keys", "SADD", known, ...groups.map(({ key }) => key))
      ),
      run.attempts,
    );
  }
}

function unitOf({ unit, start }: BucketPlan, group: Group, growth: string): Unit {
  return {
    place: { key: group.key, unit, start },
    kind: group.kind,
    count: group.cells.length,
    growth,
    args: pairsOf(group),
    cells: group.cells,
  };
}

/** The keys that a chunk belongs into, those of its buckets' sets too. */
function placesOf({ buckets }: ChunkPlan): Place[] {
  return buckets.flatMap(({ unit, start, known, groups }) =>
    [known, ...groups.map(({ key }) => key)].map((key) => ({ key, unit, start }))
  );
}

/** The buckets of a plan without what was pruned since the chunk was committed for the first time. */
function notPruned({ buckets }: ChunkPlan, { recent, mark }: Run): BucketPlan[] {
  return buckets.map((bucket) => ({
    ...bucket,
    groups: bucket.groups.filter(({ key }) => !recent.wasPruned(key, mark)),
  })).filter(({ groups }) => groups.length > 0);
}

/** @param listed the buckets that were brought to storage, at least in part */
function finishArgs(
  { buckets }: ChunkPlan,
  listed: readonly BucketPlan[],
  refused: ReadonlyMap<Cell, string>,
): string[] {
  const names = new Set(listed.map(({ known }) => known));
  const lines: string[] = [];
  let number = 0;
  const states: string[] = [];
  for (const bucket of buckets) {
    let touched = false;
    for (const cell of bucket.groups.flatMap(({ cells }) => cells)) {
      const why = refused.get(cell);
      if (why === undefined) touched = true;
      else lines.push(`${number} ${why}`);
      number++;
    }
    const state = !names.has(bucket.known) ? "none" : touched ? "touched" : "listed";
    states.push(bucket.unit, `${bucket.start}`, state);
  }
  return [lines.join("\n"), `${buckets.length}`, ...states];
}
