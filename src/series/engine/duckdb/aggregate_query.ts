/**
 * What a continuous aggregate may be: one SELECT from one measurement, with a `time_bucket` of a fixed width
 * among its columns, in which every row comes of the points of one bucket. Then a bucket can be computed anew
 * by itself, whenever a point of it comes.
 *
 * DuckDB reads the statement (`json_serialize_sql`), its tree is what is judged here.
 *
 * @module
 */
import { DuckDBIntervalValue } from "@duckdb/node-api";
import type { DuckDBConnection } from "@duckdb/node-api";
import { messageOf } from "../../../base/errors.ts";
import { Gate } from "../../sql/gate/gate.ts";
import { ViewNames } from "../../sql/gate/view_names.ts";
import { EngineError } from "../errors.ts";
import { rowsOf } from "./database.ts";

/** A statement about continuous aggregates. */
export type AggregateCommand =
  | { readonly kind: "create"; readonly name: string; readonly query: string }
  | { readonly kind: "drop"; readonly name: string };

/** What is known of an aggregate's query. */
export interface AggregateQuery {
  /** What DuckDB is given: the functions of our own are written in its. */
  readonly sql: string;
  /** The SQL name of the measurement that it reads. */
  readonly table: string;
  /** Which of its columns is the bucket, from 0. */
  readonly bucketAt: number;
  /** How long a bucket is, in microseconds. */
  readonly widthUs: bigint;
}

const NAME = String.raw`("(?:[^"]|"")+"|[A-Za-z_][A-Za-z0-9_]*)`;
const CREATE = new RegExp(
  String.raw`^\s*CREATE\s+CONTINUOUS\s+AGGREGATE\s+${NAME}\s+AS\s+(SELECT\b[^]*?)[\s;]*$`,
  "i",
);
const DROP = new RegExp(String.raw`^\s*DROP\s+CONTINUOUS\s+AGGREGATE\s+${NAME}[\s;]*$`, "i");

/** Reads `CREATE CONTINUOUS AGGREGATE name AS SELECT …` and `DROP CONTINUOUS AGGREGATE name`. @throws {EngineError} */
export function readCommand(sql: string): AggregateCommand {
  const create = CREATE.exec(sql);
  if (create !== null) return { kind: "create", name: unquoted(create[1]), query: create[2] };
  const drop = DROP.exec(sql);
  if (drop !== null) return { kind: "drop", name: unquoted(drop[1]) };
  throw new EngineError(
    "refused",
    "Cannot read the statement: wanted CREATE CONTINUOUS AGGREGATE name AS SELECT … or " +
      `DROP CONTINUOUS AGGREGATE name, received ${JSON.stringify(sql.slice(0, 80))}`,
  );
}

function unquoted(name: string): string {
  return name.startsWith('"') ? name.slice(1, -1).replaceAll('""', '"') : name;
}

/** A node of DuckDB's tree. */
type Node = { [key: string]: unknown };

/** Names that stand for a moment without being called. */
const MOMENTS = new Set([
  "current_date",
  "current_time",
  "current_timestamp",
  "localtime",
  "localtimestamp",
]);

/** Reads and judges the query of an aggregate. @throws {EngineError} */
export async function judgeQuery(
  api: DuckDBConnection,
  name: string,
  query: string,
): Promise<AggregateQuery> {
  const refuse = (why: string): never => {
    throw new EngineError("refused", `Cannot create the continuous aggregate ${name}: ${why}`);
  };
  // It may read and call what every question may, and means the same.
  const passed = await new Gate(api, new ViewNames()).check(query).catch((error) =>
    refuse(messageOf(error).replace(/^Cannot run the statement: /, ""))
  );
  const sql = passed.text;
  const [[text]] = await rowsOf(api, "SELECT json_serialize_sql($1::VARCHAR)", [sql]);
  const tree = JSON.parse(String(text));
  const node = tree.statements[0].node as Node & { select_list: Node[]; from_table: Node };
  if (node.type !== "SELECT_NODE") refuse(`wanted a SELECT, received ${node.type}`);
  const forbidden: [boolean, string][] = [
    [isFilled(node.modifiers), "ORDER BY, LIMIT and DISTINCT look at all rows; leave them out"],
    [isFilled((node.cte_map as Node).map), "WITH cannot stand in it; leave it out"],
    [isFilled(node.sample) || isFilled(node.qualify), "SAMPLE and QUALIFY cannot stand in it"],
    [(node.group_sets as unknown[]).length > 1, "wanted one GROUP BY, without sets"],
    [
      node.from_table.type !== "BASE_TABLE" || node.from_table.schema_name !== "" ||
      node.from_table.catalog_name !== "",
      "wanted FROM and the name of one measurement, without a schema",
    ],
  ];
  for (const [is, why] of forbidden) if (is) refuse(why);
  const inConstant = await inconstantFunctions(api);
  for (
    const found of walk(node.select_list, node.where_clause, node.having, node.group_expressions)
  ) {
    if (found.class === "SUBQUERY") refuse("a SELECT inside it reads other points; leave it out");
    if (found.class === "WINDOW") refuse("OVER reads other buckets; leave it out");
    if (found.class === "STAR") refuse("wanted named columns, received *");
    if (found.class === "PARAMETER") refuse("it has a parameter; write the value");
    const called = String(found.function_name ?? "").toLowerCase();
    const named = found.column_names as string[] | undefined;
    const moment = named?.length === 1 && MOMENTS.has(named[0].toLowerCase()) ? named[0] : "";
    const isAge = called === "age" && (found.children as unknown[]).length === 1;
    if (inConstant.has(called) || isAge || moment !== "") {
      refuse(`${moment || called} is something else each time; leave it out`);
    }
  }
  const bucketAt = node.select_list.findIndex(isBucket);
  if (bucketAt < 0) {
    refuse("wanted a column time_bucket(INTERVAL '…', time); add it, and GROUP BY it");
  }
  const width = (node.select_list[bucketAt].children as Node[])[0];
  const widthUs = await widthOf(api, width);
  if (widthUs === undefined) {
    refuse(
      "wanted a bucket of a fixed width, from microseconds to weeks; months are of many lengths",
    );
  }
  return { sql, table: String(node.from_table.table_name), bucketAt, widthUs: widthUs! };
}

function isFilled(value: unknown): boolean {
  return Array.isArray(value) ? value.length > 0 : value !== null && value !== undefined;
}

function isBucket({ function_name, children }: Node): boolean {
  if (function_name !== "time_bucket" || !Array.isArray(children)) return false;
  const of = children[1]?.column_names as string[] | undefined;
  return children.length === 2 && of?.at(-1)?.toLowerCase() === "time";
}

/** Every node of some trees. */
function* walk(...values: unknown[]): Generator<Node> {
  for (const value of values) {
    if (typeof value !== "object" || value === null) continue;
    if (!Array.isArray(value)) yield value as Node;
    yield* walk(...Object.values(value));
  }
}

/** Names of functions that do not give the same for the same values. */
async function inconstantFunctions(api: DuckDBConnection): Promise<Set<string>> {
  const rows = await rowsOf(
    api,
    "SELECT DISTINCT function_name FROM duckdb_functions() WHERE stability <> 'CONSISTENT'",
  );
  return new Set(rows.map(([name]) => String(name).toLowerCase()));
}

/** How long an interval is, in microseconds; undefined if that differs from month to month. */
async function widthOf(api: DuckDBConnection, interval: Node): Promise<bigint | undefined> {
  // DuckDB writes the expression back as SQL, so that it alone reads what an interval is.
  const [[select]] = await rowsOf(api, "SELECT json_serialize_sql('SELECT 1')");
  const tree = JSON.parse(String(select));
  tree.statements[0].node.select_list = [interval];
  // Places are numbers that JavaScript rounds, and DuckDB does not read those.
  const text = JSON.stringify(tree, (key, value) => key === "query_location" ? 0 : value);
  const [[sql]] = await rowsOf(api, "SELECT json_deserialize_sql($1::JSON)", [text]);
  const expression = String(sql).replace(/^\s*SELECT\s/i, "");
  const [[value]] = (await api.runAndReadAll(`SELECT CAST((${expression}) AS INTERVAL)`)).getRows();
  if (!(value instanceof DuckDBIntervalValue) || value.months !== 0) return undefined;
  const widthUs = BigInt(value.days) * 86_400_000_000n + value.micros;
  return widthUs > 0n ? widthUs : undefined;
}
