/**
 * Rows of a file as points: what its columns become is decided when it is opened, over all of it, and then
 * it is read part by part.
 *
 * @module
 */
import { show } from "../../base/show.ts";
import { quoteName } from "../engine/duckdb/quote.ts";
import type { RejectedLine } from "../points/line_error.ts";
import type { PointColumns } from "../points/point_columns.ts";
import { valueAt } from "../sql/values.ts";
import { encodeFieldKey, encodeKey } from "../points/encode.ts";
import {
  type FieldPlan,
  type FileColumn,
  planField,
  planTime,
  type TimePlan,
  type TimeUnit,
} from "./column_plan.ts";
import { ImportError } from "./errors.ts";
import { PartBuilder } from "./part_builder.ts";
import { SeriesNumbers, type TagTexts } from "./series_numbers.ts";
import { TableFile, type TableFormat } from "./table_file.ts";

/** How a file is read. */
export interface TableOptions {
  readonly format: TableFormat;
  readonly measurement: string;
  readonly timestampColumn: string;
  readonly timeUnit?: TimeUnit;
  readonly tags: readonly string[];
  /** Rows whose value here is known already are passed over. */
  readonly dedupColumn?: string;
}

/** A part of a file. */
export interface TablePart extends PointColumns {
  /** The beginning of the line of each series, by its number in `tags`. */
  readonly keys: readonly string[];
  /** Number of the row in the file from which on nothing was read yet, from 0. */
  readonly nextRow: number;
  /** Which row of the file each point is, from 1. */
  readonly rowNumbers: Float64Array;
  /** Rows that were passed over because of the dedup column. */
  readonly duplicates: number;
  /** Rows that are no points, by their number from 1. */
  readonly rejected: readonly RejectedLine[];
}

/** Times before 12 days after 1970 are no nanoseconds, if whole numbers are meant as times at all. */
const LEAST_GUESSED_NS = 10n ** 15n;
/** So many values make no tag. */
const MAX_TAG_VALUES = 1_000_000;

/** See the top of this file. */
export class TableReader implements Disposable {
  readonly #file: TableFile;
  readonly #options: TableOptions;
  readonly #time: TimePlan;
  readonly #tags: readonly FileColumn[];
  /** Columns that become fields, in the order of the file. */
  readonly fields: readonly FieldPlan[];
  /** Rows of the file. */
  readonly rows: number;
  /** Values that no field can have, such as NaN: they are left out. */
  readonly lost: number;

  private constructor(
    file: TableFile,
    options: TableOptions,
    plan: { time: TimePlan; tags: readonly FileColumn[]; fields: readonly FieldPlan[] },
    counts: { rows: number; lost: number },
  ) {
    this.#file = file;
    this.#options = options;
    this.#time = plan.time;
    this.#tags = plan.tags;
    this.fields = plan.fields;
    this.rows = counts.rows;
    this.lost = counts.lost;
  }

  /** Opens a file, and looks at all of it. @throws {ImportError} */
  static async open(path: string, options: TableOptions): Promise<TableReader> {
    const file = await TableFile.open(path, options.format, options);
    try {
      const plan = planOf(file.columns, options);
      const counts = await survey(file, plan.time, plan.fields, options);
      return new TableReader(file, options, plan, counts);
    } catch (error) {
      file[Symbol.dispose]();
      throw error;
    }
  }

  /** Rows whose series and time another row of the file has, too. */
  async sharedRows(): Promise<number> {
    const key = [this.#time.sql, ...this.#tags.map(({ name }) => textOf(name))].join(", ");
    const [[all, different]] = await this.#file.ask(
      `SELECT coalesce(sum(n), 0)::BIGINT, count(*) FROM
       (SELECT count(*) AS n FROM source WHERE ${this.#time.sql} IS NOT NULL GROUP BY ${key})`,
    );
    return Number(all as bigint) - Number(different as bigint);
  }

  /**
   * Reads it in parts of so many rows at most.
   *
   * @param fromRow the first row, from 0
   * @param known values of the dedup column that are there already; those that are read are added
   */
  async *parts(size: number, fromRow: number, known: Set<string>): AsyncGenerator<TablePart> {
    const { measurement, dedupColumn } = this.#options;
    const codes: string[] = [];
    const texts: TagTexts[] = [];
    for (const [index, { name }] of this.#tags.entries()) {
      texts.push({ name, texts: await this.#tagTexts(name, `tag${index}`) });
      codes.push(`CAST(enum_code(CAST(${textOf(name)} AS tag${index})) AS UINTEGER)`);
    }
    const series = new SeriesNumbers(measurement, texts);
    const dedup = dedupColumn === undefined ? [] : [this.dedupText()!];
    const asked = [this.#time.sql, ...codes, ...this.fields.map(({ sql }) => sql), ...dedup];
    const offset = fromRow === 0 ? "" : ` OFFSET ${fromRow}`;
    let part = new Part(this.fields, size, fromRow);
    for await (
      const batch of this.#file.stream(`SELECT ${asked.join(", ")} FROM source${offset}`)
    ) {
      const [time] = batch.columns;
      const tagged = batch.columns.slice(1, 1 + codes.length);
      const numbers = series.number(tagged, batch.length);
      const fields = batch.columns.slice(1 + codes.length, 1 + codes.length + this.fields.length);
      const keys = dedup.length === 0 ? undefined : batch.columns.at(-1)!;
      for (let row = 0; row < batch.length;) {
        const until = Math.min(batch.length, row + size - part.read);
        const kept: number[] = [];
        for (; row < until; row++) {
          const number = part.nextRow++ + 1;
          part.read++;
          const reason = time.nulls?.[row] === 1
            ? "it has no time that a point can have"
            : fields.every(({ nulls }) => nulls?.[row] === 1)
            ? "it has no field"
            : series.refused.get(numbers[row]);
          if (reason !== undefined) {
            part.rejected.push({ line: number, error: reason });
            continue;
          }
          const key = keys && valueAt(keys, row) as string | null;
          if (key !== undefined && key !== null) {
            if (known.has(key)) {
              part.duplicates++;
              continue;
            }
            known.add(key);
          }
          part.numbers.push(number);
          kept.push(row);
        }
        part.builder.add(
          Uint32Array.from(kept),
          time.values as unknown as BigInt64Array,
          numbers,
          fields,
        );
        if (part.read < size) continue;
        yield part.take(measurement, series);
        part = new Part(this.fields, size, part.nextRow);
      }
    }
    if (part.read > 0) yield part.take(measurement, series);
  }

  /** The dedup column's values as text, both in the file and in the database. */
  dedupText(): string | undefined {
    const { dedupColumn } = this.#options;
    if (dedupColumn === undefined) return undefined;
    const field = this.fields.find(({ name }) => name === dedupColumn);
    return field === undefined ? textOf(dedupColumn) : `CAST(${field.sql} AS VARCHAR)`;
  }

  /** Lets go of the file. */
  [Symbol.dispose](): void {
    this.#file[Symbol.dispose]();
  }

  async #tagTexts(name: string, type: string): Promise<string[]> {
    const [[count]] = await this.#file.ask(
      `SELECT approx_count_distinct(${textOf(name)}) FROM source`,
    );
    if (Number(count as bigint) > MAX_TAG_VALUES) {
      throw new ImportError(
        `Cannot use ${show(name)} as a tag: it has about ${count} values; leave it a field`,
      );
    }
    return await this.#file.number(name, type);
  }
}

/** A part while it is read. */
class Part {
  readonly builder: PartBuilder;
  readonly rejected: RejectedLine[] = [];
  readonly numbers: number[] = [];
  nextRow: number;
  read = 0;
  duplicates = 0;

  constructor(fields: readonly FieldPlan[], size: number, nextRow: number) {
    this.builder = new PartBuilder(fields, size);
    this.nextRow = nextRow;
  }

  take(measurement: string, { tags, keys }: SeriesNumbers): TablePart {
    const { rejected, duplicates, nextRow } = this;
    const rowNumbers = Float64Array.from(this.numbers);
    return {
      ...{ measurement, ...this.builder.take(), tags, keys },
      ...{ nextRow, rowNumbers, rejected, duplicates },
    };
  }
}

/** Which columns are what. @throws {ImportError} */
function planOf(
  columns: readonly FileColumn[],
  { measurement, timestampColumn, timeUnit, tags, dedupColumn }: TableOptions,
): { time: TimePlan; tags: FileColumn[]; fields: FieldPlan[] } {
  const find = (name: string, what: string, todo: string): FileColumn => {
    const found = columns.find((column) => column.name === name);
    if (found !== undefined) return found;
    const names = columns.map((column) => show(column.name)).join(", ");
    throw new ImportError(
      `Cannot find the ${what} ${show(name)}: the file has the columns ${names}; ${todo}`,
    );
  };
  const time = find(timestampColumn, "column with the time", "name one by --timestamp-column");
  const tagged = [...new Set(tags)].map((name) => find(name, "tag", "name others by --tags"));
  if (dedupColumn !== undefined) find(dedupColumn, "dedup column", "name another one");
  if (tagged.includes(time)) {
    throw new ImportError(`Cannot use ${show(time.name)} as a tag: it has the time; leave it out`);
  }
  const fields = columns.filter((column) => column !== time && !tagged.includes(column));
  if (fields.length === 0) {
    throw new ImportError(
      "Cannot import the file: no column is left for a field; give fewer --tags",
    );
  }
  encodeKey(measurement, tagged.map(({ name }) => [name, "x"]));
  for (const { name } of fields) encodeFieldKey(name);
  return {
    time: planTime(time, timeUnit),
    // As a line has them, and as the catalog numbers them.
    tags: tagged.sort((a, b) => a.name < b.name ? -1 : 1),
    fields: fields.map(planField),
  };
}

/** Counts rows, and what will be left out. @throws {ImportError} if the times cannot be meant so */
async function survey(
  file: TableFile,
  time: TimePlan,
  fields: readonly FieldPlan[],
  { timestampColumn }: TableOptions,
): Promise<{ rows: number; lost: number }> {
  const lost = fields.flatMap(({ lost }) => lost === undefined ? [] : [`count_if(${lost})`]);
  const sum = lost.length === 0 ? "0" : lost.join(" + ");
  const newest = time.isGuess ? `max(abs(${time.sql}))` : "NULL::BIGINT";
  const [[rows, count, most]] = await file.ask(
    `SELECT count(*), CAST(${sum} AS BIGINT), CAST(${newest} AS BIGINT) FROM source`,
  ) as [bigint, bigint, bigint | null][];
  if (most !== null && most < LEAST_GUESSED_NS) {
    throw new ImportError(
      `Cannot take the numbers in ${
        show(timestampColumn)
      } for nanoseconds: all of them would lie ` +
        "within days of 1970; say by --time-unit what they count in: s, ms, us, or ns if it is so",
    );
  }
  return { rows: Number(rows), lost: Number(count) };
}

function textOf(name: string): string {
  return `nullif(CAST(${quoteName(name)} AS VARCHAR), '')`;
}
