/**
 * Points that may meet others of their series and time: fields are united, and of two values of one field
 * the later one stays. That holds among the points of a batch too.
 *
 * They go into a table of their own first. `arg_max` gives each field the last value that is there, and one
 * MERGE brings the result into the points (measured beside 5 million points: a thousand take 6 ms, a hundred
 * thousand 50 to 100 ms). The bounds in its condition let DuckDB leave out what lies elsewhere in time.
 *
 * @module
 */
import type { Connection } from "./database.ts";
import { appendColumns, type Column } from "./columns.ts";
import { quoteTime, SQL_TYPES } from "./quote.ts";
import type { Rows } from "./rows.ts";
import type { Measurement } from "./schema.ts";

/** Brings late points into a measurement, within the transaction that is open. */
export async function merge(
  connection: Connection,
  measurement: Measurement,
  late: Rows,
): Promise<void> {
  const { api, handle } = connection;
  const fields = late.fields.map(({ name, type }) => ({
    column: `f${measurement.fieldAt(name)}`,
    sqlType: SQL_TYPES[type],
  }));
  const declared = fields.map(({ column, sqlType }) => `, ${column} ${sqlType}`).join("");
  await api.run(
    `CREATE OR REPLACE TEMP TABLE late (row UINTEGER, time TIMESTAMP_NS, series UINTEGER${declared})`,
  );
  const order = Uint32Array.from({ length: late.rows }, (_, row) => row);
  const columns: Column[] = [
    { type: "number", values: order },
    { type: "time", values: late.times },
    { type: "number", values: late.series },
    ...late.fields,
  ];
  appendColumns(handle, { catalog: "temp", schema: "main", table: "late" }, columns, late.rows);

  const names = fields.map(({ column }) => column);
  const [oldest, newest] = bounds(late.times);
  const united = names.map((name) => `, arg_max(${name}, row) AS ${name}`).join("");
  const set = names.map((name) => `${name} = coalesce(n.${name}, p.${name})`).join(", ");
  await api.run(
    `MERGE INTO traqq.${measurement.pointsTable} AS p
     USING (SELECT time, series${united} FROM temp.late GROUP BY time, series) AS n
     ON p.series = n.series AND p.time = n.time
       AND p.time BETWEEN ${quoteTime(oldest)} AND ${quoteTime(newest)}
     WHEN MATCHED THEN UPDATE SET ${set}
     WHEN NOT MATCHED THEN INSERT (time, series${list(names)})
       VALUES (n.time, n.series${list(names.map((name) => `n.${name}`))})`,
  );
  await api.run("DROP TABLE temp.late");
}

function list(names: readonly string[]): string {
  return names.map((name) => `, ${name}`).join("");
}

/** The oldest and the newest of some times. */
export function bounds(times: BigInt64Array): [oldest: bigint, newest: bigint] {
  let [oldest, newest] = [times[0], times[0]];
  for (const time of times) {
    if (time < oldest) oldest = time;
    if (time > newest) newest = time;
  }
  return [oldest, newest];
}
