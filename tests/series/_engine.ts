/** An engine of tests: what it has for good outlives it, and it fails where a test says so. */
import type {
  Engine,
  EngineState,
  EngineStats,
  MeasurementState,
  Unit,
} from "../../src/series/engine/engine.ts";
import type { Tag } from "../../src/series/points/batch.ts";
import { type PlainPoint, pointsIn, type SeriesTags } from "./points/_oracle.ts";

/** What stands on the disk of the test's engine. */
export class TestDatabase {
  readonly id: string = crypto.randomUUID();
  position = 0;
  readonly measurements = new Map<string, MeasurementState & { series: (readonly Tag[])[] }>();
  readonly points: PlainPoint[] = [];
  /** Engines that are open. */
  readonly open = new Set<TestEngine>();
  opened = 0;
  units = 0;
  /** Asked before each opening; throws if it is to fail. */
  beforeOpen: () => void = () => {};
  /** Asked before and after each unit is applied; throws, or waits. */
  beforeApply: (unit: Unit) => void | Promise<void> = () => {};
  afterApply: (unit: Unit) => void | Promise<void> = () => {};

  /** For `openEngine`. */
  readonly openEngine = (): Promise<TestEngine> => {
    this.opened++;
    this.beforeOpen();
    if (this.open.size > 0) throw new Error("the test's database is open already");
    return Promise.resolve(new TestEngine(this));
  };

  /** What an engine finds. */
  state(): EngineState {
    const measurements = [...this.measurements.values()];
    return structuredClone({ id: this.id, position: this.position, measurements });
  }

  /** Takes a unit; all that must hold of units is looked at. */
  take({ position, batches }: Unit): void {
    if (position <= this.position) throw new Error(`BUG: ${position} after ${this.position}`);
    const tags: SeriesTags = new Map();
    for (const { name, series } of this.measurements.values()) {
      for (const [id, pairs] of series.entries()) tags.set(`${name}/${id}`, pairs);
    }
    this.points.push(...pointsIn(batches, tags));
    for (const { measurement: name, table, newTags, newFields, newSeries } of batches) {
      const known = this.measurements.get(name) ??
        { name, table, tags: [], fields: [], series: [] };
      for (const { id, tags } of newSeries) {
        if (id !== known.series.length) throw new Error(`BUG: series ${id} of ${name} is no next`);
        known.series.push(tags);
      }
      this.measurements.set(name, {
        ...known,
        tags: [...known.tags, ...newTags],
        fields: [...known.fields, ...newFields],
      });
    }
    this.position = position;
    this.units++;
  }
}

/** See the top of this file. */
export class TestEngine implements Engine {
  /** It answers no questions. */
  get session(): never {
    throw new Error("the test's engine answers no SQL");
  }

  readonly state: EngineState;
  readonly #database: TestDatabase;
  readonly #death = Promise.withResolvers<Error>();
  readonly #over = Promise.withResolvers<void>();
  #isOver = false;

  constructor(database: TestDatabase) {
    this.#database = database;
    this.state = database.state();
    database.open.add(this);
  }

  get died(): Promise<Error> {
    return this.#death.promise;
  }

  async apply(unit: Unit): Promise<void> {
    await Promise.race([this.#database.beforeApply(unit), this.#over.promise]);
    if (this.#isOver) throw new Error("the test's engine is over");
    this.#database.take(unit);
    await this.#database.afterApply(unit);
  }

  stats(): EngineStats {
    return { units: this.#database.units, rows: this.#database.points.length, mergedRows: 0 };
  }

  /** Ends it as a crash would. */
  die(): void {
    this.#end();
    this.#death.resolve(new Error("the test has killed the engine"));
  }

  close(): Promise<void> {
    this.#end();
    return Promise.resolve();
  }

  #end(): void {
    this.#isOver = true;
    this.#over.resolve();
    this.#database.open.delete(this);
  }
}

/** The values of the field `n`, in order. */
export function numbersIn({ points }: TestDatabase): number[] {
  return points.map(({ fields }) => Number(fields.n[1]));
}

/** `n` points with the field `n`, from a number on. */
export function lines(from: number, count: number): string {
  return Array.from({ length: count }, (_, i) => `m,k=${(from + i) % 7} n=${from + i}i\n`).join("");
}

/** The numbers that those have. */
export function range(from: number, count: number): number[] {
  return Array.from({ length: count }, (_, i) => from + i);
}

/** Waits until it is so; whatever is thrown means not yet. @throws after 60 s */
export async function until(isSo: () => boolean | Promise<boolean>): Promise<void> {
  let last: unknown;
  for (const endMs = performance.now() + 60_000; performance.now() < endMs;) {
    try {
      if (await isSo()) return;
    } catch (error) {
      last = error;
    }
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  throw new Error("what was waited for did not come", { cause: last });
}

/** Does it again until it does not throw. */
export async function again(work: () => Promise<unknown>): Promise<void> {
  await until(async () => {
    await work();
    return true;
  });
}
