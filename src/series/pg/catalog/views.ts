/**
 * pg_catalog and information_schema, as views in our schema over what DuckDB says of its own tables. Most
 * are empty: there are no indexes, keys, functions or triggers to tell of, but clients ask for all of them.
 *
 * @module
 */
import { OF_DUCKDB, PG_TYPES, pgType } from "../types/oids.ts";
import { INFORMATION_SCHEMA, PG_CATALOG } from "./columns.ts";
import {
  CATALOG_SCHEMA,
  DATABASE_NAME,
  INFORMATION_PREFIX,
  PUBLIC_SCHEMA,
  SERVER_VERSION,
  TABLES_SCHEMA,
} from "./names.ts";

/** Numbers that PostgreSQL gives these itself. */
const OID = { pgCatalog: 11, public: 2200, information: 13_000, role: 10, database: 5, heap: 2 };

/** The first number that is not PostgreSQL's own. */
const FIRST_OWN_OID = 16_384;

const TYPES: Readonly<Record<string, string>> = {
  i: "INTEGER",
  l: "BIGINT",
  r: "FLOAT",
  b: "BOOLEAN",
  t: "VARCHAR",
  z: "TIMESTAMP",
  v: "INTERVAL",
  I: "INTEGER[]",
  T: "VARCHAR[]",
};

/** What a column holds for which a view gives nothing. */
const DEFAULTS: Readonly<Record<string, string>> = { i: "0", l: "0", r: "0", b: "false" };

/** The rows of a view: where they come from, and what its columns are. */
interface Rows {
  readonly from: string;
  readonly columns: Readonly<Record<string, string>>;
  /** Who asks for no order expects that in which they were made. */
  readonly order?: string;
}

// Not current_database(): here that is our macro, which says what clients shall see.
const COLUMNS = `(SELECT * FROM duckdb_columns() WHERE schema_name = '${TABLES_SCHEMA}'
  AND database_name NOT IN ('system', 'temp', '${CATALOG_SCHEMA}') AND NOT internal)`;
const TABLES = `(SELECT table_oid, table_name, count(*) AS width FROM ${COLUMNS} GROUP BY ALL)`;

/** A type of DuckDB as PostgreSQL's number. */
const TYPE_OID = (() => {
  const cases = Object.entries(OF_DUCKDB).flatMap(([name, pg]) => {
    const { oid, arrayOid } = pgType(pg);
    return [`WHEN '${name}' THEN ${oid}`, `WHEN '${name}[]' THEN ${arrayOid}`];
  });
  return `CASE data_type ${cases.join(" ")} WHEN 'VARCHAR[]' THEN 1009
    ELSE CASE WHEN data_type LIKE 'DECIMAL%' THEN 1700 ELSE 25 END END`;
})();

const PG_ROWS: Readonly<Record<string, Rows>> = {
  pg_namespace: {
    from: `(VALUES (${OID.pgCatalog}, 'pg_catalog'), (${OID.public}, '${PUBLIC_SCHEMA}'),
      (${OID.information}, 'information_schema')) AS t(number, title)`,
    columns: { oid: "number", nspname: "title", nspowner: `${OID.role}` },
  },
  pg_class: {
    from: TABLES,
    columns: {
      oid: `table_oid + ${FIRST_OWN_OID}`,
      relname: "table_name",
      relnamespace: `${OID.public}`,
      relowner: `${OID.role}`,
      relam: `${OID.heap}`,
      relpersistence: "'p'",
      relkind: "'r'",
      relnatts: "width",
      relreplident: "'d'",
      relispopulated: "true",
      reltuples: "-1",
      relacl: `['${DATABASE_NAME}=r/${DATABASE_NAME}']`,
    },
  },
  pg_attribute: {
    order: "table_oid, column_index",
    from: `(SELECT *, ${TYPE_OID} AS type_oid FROM ${COLUMNS}) c
      LEFT JOIN ${CATALOG_SCHEMA}.pg_type t ON t.oid = c.type_oid`,
    columns: {
      attrelid: `table_oid + ${FIRST_OWN_OID}`,
      attname: "column_name",
      atttypid: "type_oid",
      attlen: "typlen",
      attnum: "column_index",
      attndims: "CASE WHEN typcategory = 'A' THEN 1 ELSE 0 END",
      atttypmod: "-1",
      attbyval: "typbyval",
      attalign: "typalign",
      attstorage: "typstorage",
      attcompression: "''",
      attstattarget: "-1",
      // Points lie in time: no other column has a value in each.
      attnotnull: "column_name = 'time'",
      attidentity: "''",
      attgenerated: "''",
      attislocal: "true",
      attcollation: "typcollation",
      attacl: `['${DATABASE_NAME}=r/${DATABASE_NAME}']`,
    },
  },
  pg_type: {
    from: `(VALUES ${typeRows()})
      AS t(number, title, size, category, element, array_number, input)`,
    columns: {
      oid: "number",
      typname: "title",
      typnamespace: `${OID.pgCatalog}`,
      typowner: `${OID.role}`,
      typlen: "size",
      typbyval: "size > 0 AND size <= 8",
      typtype: "CASE WHEN category = 'X' THEN 'p' ELSE 'b' END",
      typcategory: "category",
      typisdefined: "true",
      typdelim: "','",
      typelem: "element",
      typarray: "array_number",
      typinput: "input",
      typalign: "CASE size WHEN 1 THEN 'c' WHEN 2 THEN 's' WHEN 8 THEN 'd' ELSE 'i' END",
      typstorage: "CASE WHEN size > 0 THEN 'p' ELSE 'x' END",
      typtypmod: "-1",
      typcollation: "CASE WHEN category = 'S' THEN 100 ELSE 0 END",
    },
  },
  pg_collation: {
    from: "(VALUES (100, 'default'), (950, 'C')) AS t(number, title)",
    columns: {
      oid: "number",
      collname: "title",
      collnamespace: `${OID.pgCatalog}`,
      collprovider: "'c'",
      collencoding: "-1",
    },
  },
  pg_am: one({ oid: `${OID.heap}`, amname: "'heap'", amtype: "'t'" }),
  pg_database: one({
    oid: `${OID.database}`,
    datname: `'${DATABASE_NAME}'`,
    datdba: `${OID.role}`,
    encoding: "6",
    datlocprovider: "'c'",
    datallowconn: "true",
    datconnlimit: "-1",
    datcollate: "'C'",
    datctype: "'C'",
  }),
  pg_roles: one({
    rolname: `'${DATABASE_NAME}'`,
    rolinherit: "true",
    rolcanlogin: "true",
    rolconnlimit: "-1",
    oid: `${OID.role}`,
  }),
  pg_user: one({ usename: `'${DATABASE_NAME}'`, usesysid: `${OID.role}` }),
  pg_tables: {
    from: TABLES,
    columns: {
      schemaname: `'${PUBLIC_SCHEMA}'`,
      tablename: "table_name",
      tableowner: `'${DATABASE_NAME}'`,
    },
  },
  pg_settings: {
    from: `(VALUES ('server_version', '${SERVER_VERSION}'), ('TimeZone', 'UTC'),
      ('server_encoding', 'UTF8'), ('max_index_keys', '32'),
      ('default_transaction_read_only', 'on')) AS t(title, value)`,
    columns: {
      name: "title",
      setting: "value",
      context: "'internal'",
      vartype: "'string'",
      boot_val: "value",
      reset_val: "value",
    },
  },
};

const INFORMATION_ROWS: Readonly<Record<string, Rows>> = {
  schemata: {
    from: `${CATALOG_SCHEMA}.pg_namespace`,
    columns: {
      catalog_name: `'${DATABASE_NAME}'`,
      schema_name: "nspname",
      schema_owner: `'${DATABASE_NAME}'`,
    },
  },
  tables: {
    order: "table_name",
    from: TABLES,
    columns: {
      ...inPublic("table_name"),
      table_type: "'BASE TABLE'",
      is_insertable_into: "'NO'",
      is_typed: "'NO'",
    },
  },
  columns: {
    order: "relname, attnum",
    from: `${CATALOG_SCHEMA}.pg_attribute a
      JOIN ${CATALOG_SCHEMA}.pg_class c ON c.oid = a.attrelid
      JOIN ${CATALOG_SCHEMA}.pg_type t ON t.oid = a.atttypid`,
    columns: {
      ...inPublic("relname"),
      column_name: "attname",
      ordinal_position: "attnum",
      is_nullable: "CASE WHEN attnotnull THEN 'NO' ELSE 'YES' END",
      data_type: `CASE WHEN typcategory = 'A' THEN 'ARRAY'
        ELSE ${CATALOG_SCHEMA}.format_type(atttypid, NULL) END`,
      character_octet_length: "CASE WHEN typcategory = 'S' THEN 1073741824 END",
      numeric_precision: `CASE atttypid WHEN 21 THEN 16 WHEN 23 THEN 32 WHEN 20 THEN 64
        WHEN 700 THEN 24 WHEN 701 THEN 53 END`,
      numeric_precision_radix: `CASE WHEN atttypid IN (20, 21, 23, 700, 701) THEN 2
        WHEN atttypid = 1700 THEN 10 END`,
      numeric_scale: "CASE WHEN atttypid IN (20, 21, 23) THEN 0 END",
      datetime_precision: `CASE WHEN atttypid = 1082 THEN 0
        WHEN typcategory IN ('D', 'T') THEN 6 END`,
      character_maximum_length: "NULL",
      interval_precision: "NULL",
      maximum_cardinality: "NULL",
      udt_catalog: `'${DATABASE_NAME}'`,
      udt_schema: "'pg_catalog'",
      udt_name: "typname",
      dtd_identifier: "attnum::varchar",
      is_self_referencing: "'NO'",
      is_identity: "'NO'",
      identity_cycle: "'NO'",
      is_generated: "'NEVER'",
      is_updatable: "'NO'",
    },
  },
  table_privileges: {
    from: TABLES,
    columns: {
      ...inPublic("table_name"),
      grantor: `'${DATABASE_NAME}'`,
      grantee: `'${DATABASE_NAME}'`,
      privilege_type: "'SELECT'",
      is_grantable: "'NO'",
      with_hierarchy: "'YES'",
    },
  },
  role_table_grants: {
    from: `${CATALOG_SCHEMA}.${INFORMATION_PREFIX}table_privileges`,
    columns: Object.fromEntries(namesOf(INFORMATION_SCHEMA.table_privileges).map((n) => [n, n])),
  },
};

/** The names of pg_catalog that are views of ours. */
export const RELATION_NAMES: ReadonlySet<string> = new Set(Object.keys(PG_CATALOG));

/** What makes the views, in an order in which each finds those it reads. */
export function viewStatements(): string[] {
  const first = ["pg_type", "pg_namespace", "pg_class", "pg_attribute"];
  const names = [...new Set([...first, ...Object.keys(PG_CATALOG)])];
  const information = [...new Set(["table_privileges", ...Object.keys(INFORMATION_SCHEMA)])];
  return [
    ...names.map((name) => view(name, PG_CATALOG[name], PG_ROWS[name], "i")),
    ...information.map((name) =>
      view(`${INFORMATION_PREFIX}${name}`, INFORMATION_SCHEMA[name], INFORMATION_ROWS[name], "t")
    ),
  ];
}

function view(name: string, spec: string, rows: Rows | undefined, otherwise: string): string {
  const columns = spec.split(/\s+/).map((column) => {
    const [title, letter = otherwise] = column.split(":");
    const value = rows?.columns[title] ?? DEFAULTS[letter] ?? "NULL";
    return `(${value})::${TYPES[letter]} AS "${title}"`;
  });
  return `CREATE OR REPLACE VIEW ${CATALOG_SCHEMA}.${name} AS SELECT ${columns.join(", ")} ${
    rows === undefined ? "WHERE false" : `FROM ${rows.from}`
  }${rows?.order === undefined ? "" : ` ORDER BY ${rows.order}`}`;
}

function namesOf(spec: string): string[] {
  return spec.split(/\s+/).map((column) => column.split(":")[0]);
}

function one(columns: Rows["columns"]): Rows {
  return { from: "(VALUES (1)) AS t(number)", columns };
}

function inPublic(table: string): Rows["columns"] {
  return {
    table_catalog: `'${DATABASE_NAME}'`,
    table_schema: `'${PUBLIC_SCHEMA}'`,
    table_name: table,
  };
}

function typeRows(): string {
  return PG_TYPES.flatMap(({ oid, name, size, category, arrayOid }) => [
    `(${oid}, '${name}', ${size}, '${category}', 0, ${arrayOid}, '${name}in')`,
    ...arrayOid === 0 ? [] : [`(${arrayOid}, '_${name}', -1, 'A', ${oid}, 0, 'array_in')`],
  ]).join(", ");
}
