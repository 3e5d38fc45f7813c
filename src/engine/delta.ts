/**
 * What was recorded and is not in storage yet, summed per cell. This is the path that every event
 * takes, so it allocates nothing for an event whose values were seen before.
 *
 * Each value of a remembered property has a number, its term. A pattern's combination of values has
 * one too, its node, which comes from the node of the shorter pattern and one more term; and so has a
 * node's cell in a bucket. So an event is a handful of look-ups of small numbers and one increment
 * per pattern, however many metrics share it. Only the smaller unit is kept: hours nest in days, so
 * days are summed from hours when the delta is cut.
 *
 * @module
 */
import { EventError } from "../base/errors.ts";
import { HyperLogLog } from "../sketch/hyperloglog.ts";
import type { Unit } from "../storage/storage.ts";
import type { Bucket, Calendar } from "./bucket.ts";
import { Columns } from "./columns.ts";
import { type CellGroup, copyGroup } from "./cut.ts";
import { storedField } from "./field.ts";
import { addHolding } from "./holding.ts";
import { Intake, type IntakeFrame } from "./intake.ts";
import { PairTable } from "./pair_table.ts";
import type { Plan, Step } from "./plan.ts";
import type { Instant } from "./query.ts";
import { ABSENT } from "./terms.ts";

/** What a delta is made for; shared by all deltas of an engine. */
export interface DeltaFrame extends IntakeFrame {
  readonly calendar: Calendar;
  /** Seconds that buckets are kept, by unit. */
  readonly retention: { readonly d: number | undefined; readonly h: number | undefined };
}

/** About what a bucket costs in memory, its cells and sketches aside. */
const BUCKET_BYTES = 200;
/** A pair in a table that is between a quarter and half full, and for a node its register. */
const NODE_BYTES = 32;
/** A pair in such a table and its count. */
const CELL_BYTES = 40;
/** What a sum adds to a cell. */
const SUM_BYTES = 36;
/** The objects of a sketch, its registers aside. */
const SKETCH_BYTES = 150;

/** How much a delta holds. */
export interface Held {
  cells: number;
  /** About what it costs in memory. */
  bytes: number;
}

/** A bucket of a delta: its number stands in the columns. */
interface DeltaBucket {
  readonly index: number;
  readonly bucket: Bucket;
  /** One per {@linkcode Plan.sketches}. */
  readonly sketches: (HyperLogLog | undefined)[];
}

/** The nodes and cells of one step of the plan. */
interface StepState {
  /** Pairs of the parent's node and a term; without a parent, the term is the node. */
  readonly nodes: PairTable | undefined;
  /** By node: the register of its text, where the step has a sketch and no column. */
  readonly registers: number[];
  readonly columns: Columns | undefined;
}

/** Events, summed per cell. */
export class Delta {
  /** Events that were added. */
  events = 0;
  /** Values of sums that were not numbers; their events counted all the same. */
  rejectedValues = 0;
  /** What the delta holds: cells, with the values that are remembered to find them, and memory. */
  readonly held: Held = { cells: 0, bytes: 0 };

  readonly #frame: DeltaFrame;
  readonly #plan: Plan;
  readonly #unit: Unit;
  readonly #intake: Intake;
  /** Scratch: the nodes of the current event, by step. */
  readonly #eventNodes: Int32Array;
  readonly #steps: StepState[];
  /** By first second. */
  readonly #buckets: Map<number, DeltaBucket> = new Map();
  readonly #bucketList: DeltaBucket[] = [];
  #bucket: DeltaBucket | undefined;

  constructor(frame: DeltaFrame) {
    const { plan } = frame;
    this.#frame = frame;
    this.#plan = plan;
    this.#unit = frame.hourly ? "h" : "d";
    this.#intake = new Intake(frame, this.held);
    this.#eventNodes = new Int32Array(plan.steps.length);
    this.#steps = plan.steps.map((step) => ({
      nodes: step.parent < 0 ? undefined : new PairTable(),
      registers: [],
      columns: hasColumns(step) ? new Columns(step.sums.length) : undefined,
    }));
  }

  /**
   * Counts an event.
   *
   * @param at its time; default that of the configured property, else now
   * @param resolved its unix second, where it was found out before: that is not judged again
   * @returns its unix second
   * @throws {EventError} naming the property, its value and what is allowed; then nothing was counted
   */
  add(event: unknown, at?: Instant, resolved?: number): number {
    const seconds = this.#intake.read(event, at, resolved);
    const bucket = this.#bucketAt(seconds);
    // Nothing below can fail, and nothing of the event is read again.
    this.events++;
    this.#count(bucket);
    return seconds;
  }

  #bucketAt(seconds: number): DeltaBucket {
    const last = this.#bucket;
    if (last !== undefined && seconds >= last.bucket.start && seconds < last.bucket.end) {
      return last;
    }
    const bucket = this.#frame.calendar.bucketAt(this.#unit, seconds);
    let found = this.#buckets.get(bucket.start);
    if (found === undefined) {
      this.#refuseLate(seconds);
      found = {
        index: this.#bucketList.length,
        bucket,
        sketches: this.#plan.sketches.map(() => undefined),
      };
      this.#buckets.set(bucket.start, found);
      this.#bucketList.push(found);
      this.held.bytes += BUCKET_BYTES;
    }
    return this.#bucket = found;
  }

  #refuseLate(seconds: number): void {
    const { retention, calendar, hourly } = this.#frame;
    const now = Date.now() / 1000;
    const units: Unit[] = hourly ? ["d", "h"] : ["d"];
    if (units.every((unit) => isExpired(calendar.bucketAt(unit, seconds), retention, now))) {
      throw new EventError(
        `Cannot record an event of unix second ${seconds}: its bucket is past its retention`,
        { reason: "late" },
      );
    }
  }

  #count(bucket: DeltaBucket): void {
    const steps = this.#plan.steps;
    const nodes = this.#eventNodes;
    const { eventTerms, registers } = this.#intake;
    for (let i = 0; i < steps.length; i++) {
      const step = steps[i];
      const term = eventTerms[step.slot];
      const state = this.#steps[i];
      let node = term;
      if (state.nodes !== undefined && term !== ABSENT) {
        const parent = nodes[step.parent];
        node = parent === ABSENT ? ABSENT : state.nodes.find(parent, term);
        if (node < 0 && parent !== ABSENT) {
          node = state.nodes.insert(parent, term);
          this.#hold(NODE_BYTES);
        }
      }
      nodes[i] = node;
      if (node === ABSENT) continue;
      if (state.columns !== undefined) {
        const cells = state.columns.cells.size;
        const cell = state.columns.increment(bucket.index, node);
        if (step.sums.length > 0) this.#sum(state.columns, cell, step);
        // The value is in the sketch from the first time it is seen in the bucket.
        if (cell < cells) continue;
        this.#hold(CELL_BYTES + step.sums.length * SUM_BYTES);
      }
      if (step.sketch >= 0) this.#raise(bucket, step.sketch, this.#registerOf(i, node));
    }
    for (let i = 0; i < registers.length; i++) {
      if (registers[i] !== ABSENT) this.#raise(bucket, this.#plan.hashed[i].sketch, registers[i]);
    }
  }

  #hold(bytes: number): void {
    this.held.cells++;
    this.held.bytes += bytes;
  }

  #registerOf(stepIndex: number, node: number): number {
    const { registers } = this.#steps[stepIndex];
    if (node < registers.length) return registers[node];
    // Terms are numbered as they come, those of refused events too.
    for (let next = registers.length; next <= node; next++) {
      registers.push(HyperLogLog.registerOf(this.#text(stepIndex, next)));
    }
    return registers[node];
  }

  /** The values of a node, joined by `~`. */
  #text(stepIndex: number, node: number): string {
    const step = this.#plan.steps[stepIndex];
    const { nodes } = this.#steps[stepIndex];
    const terms = this.#intake.terms[step.slot]!;
    if (nodes === undefined) return terms.text(node);
    return `${this.#text(step.parent, nodes.first(node))}~${terms.text(nodes.second(node))}`;
  }

  #sum(columns: Columns, cell: number, step: Step): void {
    for (let i = 0; i < step.sums.length; i++) {
      const number = this.#intake.numbers[step.sums[i].summed];
      if (number.state === 1) columns.sums[i].add(cell, number);
      else if (number.state === 0) this.rejectedValues++;
    }
  }

  #raise(bucket: DeltaBucket, index: number, register: number): void {
    let sketch = bucket.sketches[index];
    if (sketch === undefined) {
      bucket.sketches[index] = sketch = new HyperLogLog();
      this.#hold(SKETCH_BYTES + sketch.byteLength);
    }
    const before = sketch.byteLength;
    if (sketch.raise(register)) this.held.bytes += sketch.byteLength - before;
  }

  /**
   * Everything in the delta by metric and bucket, days after the hours they are summed from, each in
   * order of time; buckets past their retention are left out.
   *
   * @param now unix seconds
   */
  groups(now: number): CellGroup[] {
    const { retention, calendar, hourly } = this.#frame;
    const groups: CellGroup[] = [];
    const days = new Map<string, CellGroup>();
    for (const group of this.#allGroups()) {
      const bucket = calendar.bucketAt(group.unit, group.start);
      if (!isExpired(bucket, retention, now)) groups.push(group);
      if (!hourly) continue;
      const day = calendar.bucketAt("d", group.start);
      if (isExpired(day, retention, now)) continue;
      const { type, pattern, addKey } = group.metric;
      const key = `${day.start}:${type}:${addKey}:${pattern}`;
      const sum = days.get(key);
      if (sum === undefined) days.set(key, copyGroup(group, "d", day.start));
      else addHolding(sum, group);
    }
    return [...groups, ...days.values()];
  }

  /** The groups of the smaller unit, by metric and then by time. */
  #allGroups(): CellGroup[] {
    const order = this.#bucketList.toSorted((a, b) => a.bucket.start - b.bucket.start);
    const groups: CellGroup[] = [];
    for (const [i, step] of this.#plan.steps.entries()) {
      const columns = this.#steps[i].columns;
      if (columns === undefined) continue;
      const byBucket: number[][] = this.#bucketList.map(() => []);
      for (let cell = 0; cell < columns.cells.size; cell++) {
        byBucket[columns.cells.first(cell)].push(cell);
      }
      const texts: string[] = [];
      const fieldOf = (cell: number) => {
        const node = columns.cells.second(cell);
        return texts[node] ??= storedField(this.#text(i, node));
      };
      for (const { index, bucket: { start } } of order) {
        if (byBucket[index].length > 0) {
          groups.push(...this.#stepGroups(step, columns, byBucket[index], start, fieldOf));
        }
      }
    }
    for (const [i, metric] of this.#plan.sketches.entries()) {
      for (const { sketches, bucket: { start } } of order) {
        const sketch = sketches[i];
        if (sketch === undefined) continue;
        groups.push({ kind: "sketch", metric, unit: this.#unit, start, sketch });
      }
    }
    return groups;
  }

  /** Adds up per field: values that somebody chose for their hash may be cut to the same field. */
  #stepGroups(
    step: Step,
    columns: Columns,
    cells: readonly number[],
    start: number,
    fieldOf: (cell: number) => string,
  ): CellGroup[] {
    const unit = this.#unit;
    const groups: CellGroup[] = [];
    for (const metric of [step.add, step.top]) {
      if (metric === undefined) continue;
      const fields = new Map<string, number>();
      for (const cell of cells) {
        const field = fieldOf(cell);
        fields.set(field, (fields.get(field) ?? 0) + columns.count(cell));
      }
      groups.push({ kind: "count", metric, unit, start, fields });
    }
    for (const [k, { metric }] of step.sums.entries()) {
      const sums = columns.sums[k];
      const summed = cells.filter((cell) => sums.count(cell) > 0);
      if (summed.length === 0) continue;
      const fields = new Map<string, bigint>();
      for (const cell of summed) {
        const field = fieldOf(cell);
        fields.set(field, (fields.get(field) ?? 0n) + sums.total(cell));
      }
      const count = summed.reduce((total, cell) => total + sums.count(cell), 0);
      groups.push({ kind: "sum", metric, unit, start, fields, count });
    }
    return groups;
  }
}

/** Whether a metric that ends here has cells; a sketch alone needs none. */
function hasColumns({ add, top, sums }: Step): boolean {
  return add !== undefined || top !== undefined || sums.length > 0;
}

/** Whether a bucket ended longer ago than its unit is kept; `now` in unix seconds. */
export function isExpired(
  bucket: Bucket,
  retention: DeltaFrame["retention"],
  now: number,
): boolean {
  const kept = retention[bucket.unit];
  return kept !== undefined && bucket.end <= now - kept;
}
