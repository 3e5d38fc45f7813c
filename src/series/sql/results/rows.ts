/**
 * An answer as objects of JavaScript, for who asks in TypeScript.
 *
 * @module
 */
import { readType, type SqlType } from "../types.ts";
import { type SqlColumn, type SqlInterval, type SqlValue, valueAt } from "../values.ts";
import type { SqlResult } from "../session.ts";
import { keysOf } from "./columns.ts";
import { dateText, intervalText, isMoment, momentText, timeText } from "./time_text.ts";

/**
 * A value: integers are numbers, and bigints beyond ±2^53; times are texts, RFC 3339 in UTC with up to
 * nine digits; DECIMAL, UUID and ENUM are texts, INTERVAL is one such as `1 day 02:00:00`; BLOB is bytes,
 * LIST an array, STRUCT an object, MAP an array of pairs.
 */
export type RowValue =
  | null
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | readonly RowValue[]
  | { readonly [name: string]: RowValue };

/** A row, by the names of its columns; a name that is there already gets a number: `host:1`. */
export type Row = { readonly [column: string]: RowValue };

/** A whole answer. */
export interface SqlRows {
  /** What a row has. */
  readonly columns: readonly SqlColumn[];
  /** The rows, in their order. */
  readonly rows: readonly Row[];
}

/** Reads an answer to its end. */
export async function readRows({ columns, rows }: SqlResult): Promise<SqlRows> {
  const keys = keysOf(columns);
  const readers = columns.map(({ type }) => readerOf(readType(type)));
  const all: Row[] = [];
  for await (const batch of rows) {
    for (let row = 0; row < batch.length; row++) {
      all.push(toObject(keys, (i) => readers[i](valueAt(batch.columns[i], row))));
    }
  }
  return { columns, rows: all };
}

type Reader = (value: SqlValue) => RowValue;

/** `__proto__` is a name like any other. */
function toObject(keys: readonly string[], valueOf: (i: number) => RowValue): Row {
  return Object.fromEntries(keys.map((key, i) => [key, valueOf(i)]));
}

function readerOf(type: SqlType): Reader {
  const read = notNull(type);
  return (value) => value === null ? null : read(value);
}

function notNull(type: SqlType): Reader {
  switch (type.kind) {
    case "plain":
      return plainReader(type.name);
    case "list": {
      const item = readerOf(type.item);
      return (value) => (value as SqlValue[]).map(item);
    }
    case "map": {
      const [key, item] = [readerOf(type.key), readerOf(type.value)];
      return (value) => (value as [SqlValue, SqlValue][]).map(([k, v]) => [key(k), item(v)]);
    }
    case "struct": {
      const readers = new Map([...type.items].map(([name, item]) => [name, readerOf(item)]));
      return (value) => {
        const pairs = value as [string, SqlValue][];
        return toObject(pairs.map(([name]) => name), (i) => {
          const [name, item] = pairs[i];
          return (readers.get(name) ?? asItIs)(item);
        });
      };
    }
  }
}

function plainReader(name: string): Reader {
  if (isMoment(name)) return (value) => momentText(value as bigint, name);
  switch (name) {
    case "BIGINT":
    case "UBIGINT":
    case "HUGEINT":
    case "UHUGEINT":
      return (value) => {
        const number = Number(value);
        return Number.isSafeInteger(number) ? number : value as bigint;
      };
    case "DATE":
      return (value) => dateText(value as number);
    case "TIME":
      return (value) => timeText(value as bigint);
    case "INTERVAL":
      return (value) => intervalText(value as SqlInterval);
    default:
      return asItIs;
  }
}

function asItIs(value: SqlValue): RowValue {
  return value as RowValue;
}
