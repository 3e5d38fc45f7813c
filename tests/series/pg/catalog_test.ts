/** Questions about tables and types, as programs ask them, and those of Grafana's data source. */
import { assertEquals } from "@std/assert";
import { PG_TYPES } from "../../../src/series/pg/types/oids.ts";
import { openPostgres } from "./_postgres.ts";
import { RawClient } from "./_raw.ts";

const postgres = await openPostgres({ tokens: "trust" });
globalThis.addEventListener("unload", () => void postgres.server.shutdown());

/** The rows of a question, and what follows them. */
function asks(name: string, text: string, ...rows: string[]): void {
  Deno.test({
    name,
    // The server outlives each test.
    sanitizeOps: false,
    sanitizeResources: false,
    fn: async () => {
      using client = await RawClient.start(postgres.port);
      const replies = await client.query(text);
      assertEquals(replies.filter((reply) => !/^[TZC]/.test(reply)), rows.map((row) => `D ${row}`));
    },
  });
}

/** The tables in the schemas of the search path, as Grafana's editor wants them. */
const IN_SEARCH_PATH = `quote_ident(table_schema) IN (
  SELECT CASE WHEN trim(s[i]) = '"$user"' THEN user ELSE trim(s[i]) END
  FROM generate_series(
    array_lower(string_to_array(current_setting('search_path'), ','), 1),
    array_upper(string_to_array(current_setting('search_path'), ','), 1)
  ) as i, string_to_array(current_setting('search_path'), ',') s)`;

asks(
  "Grafana asks for the version",
  "SELECT current_setting('server_version_num')::int / 100 as version",
  "1500",
);
asks(
  "Grafana asks for TimescaleDB",
  "SELECT extversion FROM pg_extension WHERE extname = 'timescaledb'",
);
asks(
  "Grafana asks for tables",
  `SELECT quote_ident(table_name) as "table" FROM information_schema.tables
   WHERE quote_ident(table_schema) NOT IN ('information_schema', 'pg_catalog')
     AND table_type = 'BASE TABLE' AND ${IN_SEARCH_PATH} ORDER BY 1`,
  "big",
  "cpu",
);
asks(
  "Grafana asks for columns",
  `SELECT quote_ident(column_name) AS "column", data_type AS "type" FROM information_schema.columns
   WHERE CASE WHEN array_length(parse_ident('cpu'), 1) = 2
     THEN quote_ident(table_schema) = (parse_ident('cpu'))[1]
       AND quote_ident(table_name) = (parse_ident('cpu'))[2]
     ELSE quote_ident(table_name) = 'cpu' AND ${IN_SEARCH_PATH} END`,
  "time|timestamp with time zone",
  "host|text",
  "usage|double precision",
  "n|bigint",
  "ok|boolean",
  "u|numeric",
);
asks(
  "Grafana asks for a series by seconds",
  `SELECT floor(extract(epoch from time)/300)*300 AS "time", host AS metric, avg(usage) AS "usage"
   FROM cpu WHERE time BETWEEN '2026-01-01T00:00:00Z' AND '2026-01-01T00:04:00.5Z'
   GROUP BY 1, 2 ORDER BY 1, 2`,
  "1767225600|h0|0.75",
  "1767225600|h1|1.25",
  "1767225600|h2|1",
);
asks(
  "Grafana asks for a series by time_bucket",
  `SELECT time_bucket('300.000s', "time") AS "time", max(n) FROM public.cpu
   WHERE "time" BETWEEN '2026-01-01T00:00:00Z' AND '2026-01-01T00:30:00Z' GROUP BY 1 ORDER BY 1`,
  "2026-01-01 00:00:00+00|4",
  "2026-01-01 00:05:00+00|9",
);
asks(
  "Grafana asks for the values of a variable",
  "SELECT DISTINCT host FROM cpu WHERE host ~ '^H[12]' OR host ~* '^H[12]' ORDER BY host",
  "h1",
  "h2",
);
asks(
  "types have PostgreSQL's own numbers",
  "select oid, typname, typarray from pg_catalog.pg_type where typname in ('float8', '_text') order by 1",
  "701|float8|1022",
  "1009|_text|0",
);
asks(
  "all types on the wire are listed, with their lists",
  "select count(*) from pg_type where typelem = 0",
  String(PG_TYPES.length),
);
asks(
  "a table is found by its name, as a regclass",
  `select attname from pg_attribute where attrelid = 'public.cpu'::regclass and attnum < 3`,
  "time",
  "host",
);
asks(
  "a number is shown as the name of its table",
  "select c.oid::regclass::text from pg_class c where relname = 'cpu'",
  "cpu",
);
asks(
  "schemas, database and role are what they are called",
  "select current_database(), current_schema, current_user, session_user, current_schemas(true)",
  "traqq|public|traqq|traqq|{pg_catalog,public}",
);
asks(
  "what may be done is reading",
  `select has_table_privilege('cpu', 'select'), has_table_privilege('cpu', 'INSERT'),
     has_schema_privilege('public', 'usage')`,
  "t|f|t",
);
asks(
  "nothing else of the database is to be seen",
  "select distinct table_schema from information_schema.tables",
  "public",
);

Deno.test({
  name: "the gate holds around the catalog",
  sanitizeOps: false,
  sanitizeResources: false,
  fn: async () => {
    using client = await RawClient.start(postgres.port);
    for (
      const text of [
        "select * from duckdb_settings()",
        "select * from traqq.state",
        "select * from pg_catalog.duckdb_tables",
        "select * from information_schema.read_csv('/etc/passwd')",
        "select pg_catalog.read_text('/etc/passwd')",
        "select * from system.main.duckdb_settings()",
        "select postgres.getenv('HOME')",
        "select * from postgres.main.pg_class",
        "create view postgres.x as select 1",
      ]
    ) {
      const [error, end] = await client.query(text);
      assertEquals([error.slice(0, 2), end], ["E ", "Z I"], text);
    }
  },
});
