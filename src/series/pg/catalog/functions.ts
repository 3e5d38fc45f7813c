/**
 * The functions of PostgreSQL's catalog that clients call, as macros in our schema. Most have one answer
 * here: there is one role, one database, one schema, and nothing has an index, a trigger or a comment.
 *
 * @module
 */
import { PG_TYPES } from "../types/oids.ts";
import {
  CATALOG_SCHEMA,
  DATABASE_NAME,
  PUBLIC_SCHEMA,
  SERVER_VERSION,
  SERVER_VERSION_NUMBER,
} from "./names.ts";

const SCHEMA = CATALOG_SCHEMA;

/** Answers that depend on nothing, by how many arguments the function takes. */
const CONSTANT:
  readonly (readonly [names: string, arguments: readonly number[], answer: string])[] = [
    ["version", [0], `'PostgreSQL ${SERVER_VERSION} (traqq, on DuckDB)'`],
    ["pg_role current_user session_user user", [0], `'${DATABASE_NAME}'`],
    ["current_database current_catalog", [0], `'${DATABASE_NAME}'`],
    ["current_schema", [0], `'${PUBLIC_SCHEMA}'`],
    ["current_schemas", [1], `['pg_catalog', '${PUBLIC_SCHEMA}']`],
    ["pg_get_userbyid", [1], `'${DATABASE_NAME}'`],
    ["pg_encoding_to_char", [1], "'UTF8'"],
    ["pg_char_to_encoding", [1], "6"],
    ["pg_table_is_visible pg_type_is_visible pg_function_is_visible", [1], "true"],
    ["has_schema_privilege has_database_privilege has_any_column_privilege", [2, 3], "true"],
    [
      "has_function_privilege has_type_privilege has_sequence_privilege pg_has_role",
      [2, 3],
      "true",
    ],
    ["pg_is_in_recovery pg_is_other_temp_schema pg_relation_is_publishable", [0, 1], "false"],
    ["pg_relation_is_updatable", [2], "0"],
    ["pg_backend_pid pg_my_temp_schema txid_current", [0], "0"],
    ["pg_relation_size pg_table_size pg_indexes_size pg_total_relation_size", [1, 2], "0::bigint"],
    ["pg_database_size pg_tablespace_size", [1], "0::bigint"],
    ["pg_get_expr", [2, 3], "NULL::varchar"],
    [
      "pg_get_constraintdef pg_get_viewdef pg_get_triggerdef pg_get_ruledef",
      [1, 2],
      "NULL::varchar",
    ],
    ["pg_get_indexdef", [1, 3], "NULL::varchar"],
    ["pg_get_functiondef pg_get_function_arguments pg_get_function_result", [1], "NULL::varchar"],
    ["pg_get_function_identity_arguments pg_get_partkeydef", [1], "NULL::varchar"],
    ["pg_get_statisticsobjdef_columns pg_get_function_sqlbody", [1], "NULL::varchar"],
    ["pg_get_serial_sequence col_description shobj_description", [2], "NULL::varchar"],
    ["obj_description", [1, 2], "NULL::varchar"],
    ["pg_tablespace_location", [1], "NULL::varchar"],
    ["inet_server_addr inet_client_addr", [0], "NULL::varchar"],
    ["inet_server_port inet_client_port pg_advisory_unlock_all", [0], "NULL::integer"],
  ];

/** Those that look at their arguments. */
const COMPUTED: readonly (readonly [name: string, ...bodies: string[]])[] = [
  // DuckDB's ~ wants the whole text to match.
  ["regex", "(pattern) AS '(?s:.*)(?:' || pattern || ')(?s:.*)'"],
  ["regex_any_case", "(pattern) AS '(?is:.*)(?i:' || pattern || ')(?is:.*)'"],
  ["is_in", "(element, list) AS list_contains(list, element)"],
  ["format_type", `(type_oid, typmod) AS ${titles()}`],
  ["to_regrole", "(name) AS 10"],
  ["to_regproc", "(name) AS regexp_replace(name, '^pg_catalog\\.', '')"],
  ["regtype_name", `(number) AS ${SCHEMA}.format_type(number, NULL)`],
  ["regrole_name", `(number) AS '${DATABASE_NAME}'`],
  ["regproc_name", "(number) AS number::varchar"],
  [
    "has_table_privilege",
    `(relation, privilege) AS ${reads("privilege")}`,
    `(role, relation, privilege) AS ${reads("privilege")}`,
  ],
  [
    "has_column_privilege",
    `(relation, attribute, privilege) AS ${reads("privilege")}`,
    `(role, relation, attribute, privilege) AS ${reads("privilege")}`,
  ],
  ["current_setting", `(name) AS ${setting()}`, `(name, missing_ok) AS ${setting()}`],
  ["set_config", "(name, new_value, is_local) AS new_value"],
  [
    "quote_ident",
    `(name) AS CASE WHEN regexp_full_match(name, '[a-z_][a-z0-9_]*') THEN name
    ELSE '"' || replace(name, '"', '""') || '"' END`,
  ],
  ["parse_ident", "(name) AS string_split(replace(name, '\"', ''), '.')"],
  ["quote_literal", "(value) AS '''' || replace(value::varchar, '''', '''''') || ''''"],
  ["pg_size_pretty", "(bytes) AS bytes::varchar || ' bytes'"],
  ["array_lower", "(list, dimension) AS CASE WHEN len(list) > 0 AND dimension = 1 THEN 1 END"],
  [
    "array_upper",
    "(list, dimension) AS CASE WHEN len(list) > 0 AND dimension = 1 THEN len(list) END",
  ],
  ["generate_subscripts", "(list, dimension) AS unnest([i FOR x, i IN list])"],
  ["_pg_expandarray", "(list) AS unnest([{'x': x, 'n': i} FOR x, i IN list])"],
];

/** Those that read the views. */
const READING: readonly (readonly [name: string, ...bodies: string[]])[] = [
  ["to_regclass", `(name) AS ${lookup("pg_class", "relname")}`],
  ["to_regtype", `(name) AS ${lookup("pg_type", "typname")}`],
  ["to_regnamespace", `(name) AS ${lookup("pg_namespace", "nspname")}`],
  ["regclass_name", `(item) AS ${named("pg_class", "relname")}`],
  ["regnamespace_name", `(item) AS ${named("pg_namespace", "nspname")}`],
];

/** Every function that is ours, in small letters. */
export const FUNCTION_NAMES: ReadonlySet<string> = new Set([
  ...CONSTANT.flatMap(([names]) => names.split(" ")),
  ...[...COMPUTED, ...READING].map(([name]) => name),
]);

/** What makes those that the views may call. */
export function functionStatements(): string[] {
  const constant = CONSTANT.flatMap(([names, counts, answer]) =>
    names.split(" ").map((name) => macro(name, counts.map((n) => `(${letters(n)}) AS ${answer}`)))
  );
  return [...constant, ...COMPUTED.map(([name, ...bodies]) => macro(name, bodies))];
}

/** What makes those that read the views, once these are there. */
export function readingStatements(): string[] {
  return READING.map(([name, ...bodies]) => macro(name, bodies));
}

function macro(name: string, bodies: readonly string[]): string {
  return `CREATE OR REPLACE MACRO ${SCHEMA}.${name}${bodies.join(", ")}`;
}

function letters(count: number): string {
  return ["a", "b", "c"].slice(0, count).join(", ");
}

function titles(): string {
  const cases = PG_TYPES.flatMap(({ oid, arrayOid, title }) => [
    `WHEN ${oid} THEN '${title}'`,
    ...arrayOid === 0 ? [] : [`WHEN ${arrayOid} THEN '${title}[]'`],
  ]);
  return `CASE type_oid ${cases.join(" ")} WHEN 0 THEN '-' ELSE '???' END`;
}

/** The number of what is named, or the number itself. Names may be quoted and have a schema before them. */
function lookup(view: string, column: string): string {
  return `coalesce(try_cast(name AS integer), (SELECT max(oid) FROM ${SCHEMA}.${view}
    WHERE ${column} = replace(regexp_replace(name, '^("?\\w+"?\\.)', ''), '"', '')))`;
}

function named(view: string, column: string): string {
  return `coalesce((SELECT max(${column}) FROM ${SCHEMA}.${view} WHERE oid = item),
    CASE WHEN item = 0 THEN '-' ELSE item::varchar END)`;
}

function reads(privilege: string): string {
  return `regexp_matches(lower(${privilege}), '\\bselect\\b')`;
}

function setting(): string {
  return `CASE lower(name) WHEN 'server_version' THEN '${SERVER_VERSION}'
    WHEN 'server_version_num' THEN '${SERVER_VERSION_NUMBER}'
    WHEN 'search_path' THEN '"$user", ${PUBLIC_SCHEMA}'
    WHEN 'timezone' THEN 'UTC' WHEN 'server_encoding' THEN 'UTF8' WHEN 'client_encoding' THEN 'UTF8'
    WHEN 'datestyle' THEN 'ISO, MDY' WHEN 'standard_conforming_strings' THEN 'on'
    WHEN 'max_index_keys' THEN '32' WHEN 'default_transaction_read_only' THEN 'on'
    WHEN 'transaction_read_only' THEN 'on' WHEN 'is_superuser' THEN 'off' END`;
}
