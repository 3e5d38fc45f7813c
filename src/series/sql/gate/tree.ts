/**
 * The syntax tree of a statement, as DuckDB's `json_serialize_sql` writes it, and how it is read: node
 * by node, where every kind of node that is not known here is refused.
 *
 * The tree is DuckDB's own, so there is no second parser whose opinion could differ from that of the
 * first. Objects in it are expressions (they have a `class`), queries, tables and modifiers (they have a
 * `type`), or mere holders of those.
 *
 * @module
 */
import { SqlError } from "../errors.ts";
import { FUNCTIONS, INSTEAD, TABLE_FUNCTIONS, WINDOW_FUNCTIONS } from "./functions.ts";
import {
  MAX_DEPTH,
  MAX_EXPANDED,
  MAX_JOINED,
  MAX_NODES,
  MAX_PARAMETERS,
  MAX_SET_OPERATIONS,
} from "./limits.ts";
import { lower } from "./lower.ts";
import { isRewritten } from "./rewrite.ts";
import { Scopes } from "./scopes.ts";

/** A JSON object of the tree. */
export interface Node {
  readonly [key: string]: unknown;
}

/** What else than measurements may be read, and called. */
export interface Extras {
  /** Schemas whose views and macros may be read and called by their qualified names. */
  readonly schemas?: readonly string[];
  /** Functions. */
  readonly functions?: readonly string[];
}

/** What a statement needs. */
export interface Reading {
  /** Names of the tables that must be measurements, in small letters. */
  readonly tables: ReadonlySet<string>;
  /** Has functions of ours, which are written in DuckDB's first. */
  readonly isRewritten: boolean;
}

/** Expressions without a rule of their own. What is inside them is read. */
const PLAIN_CLASSES = new Set([
  "BETWEEN",
  "CASE",
  "CAST",
  "COLLATE",
  "COMPARISON",
  "CONJUNCTION",
  "LAMBDA",
  "OPERATOR",
  "POSITIONAL_REFERENCE",
  "STAR",
  "SUBQUERY",
]);

/** Tables, modifiers and orders without a rule of their own. */
const PLAIN_TYPES = new Set([
  "ASCENDING",
  "DESCENDING",
  "DISTINCT_MODIFIER",
  "EMPTY",
  "LIMIT_MODIFIER",
  "LIMIT_PERCENT_MODIFIER",
  "ORDER_DEFAULT",
  "ORDER_MODIFIER",
  "PIVOT",
  "RECURSIVE_CTE_NODE",
]);

const OUR_SCHEMAS = new Set(["", "main"]);
/** Where syntax puts DuckDB's own functions, and where people write that they are. */
const FUNCTION_SCHEMAS = new Set(["", "main", "pg_catalog"]);

/**
 * Reads the tree of one statement.
 *
 * @throws {SqlError} it is refused; the position is in bytes of UTF-8
 */
export function readTree(statement: Node, extras: Extras = {}): Reading {
  const reader = new TreeReader(extras);
  reader.readStatement(statement);
  return reader;
}

class TreeReader implements Reading {
  readonly tables = new Set<string>();
  isRewritten = false;

  readonly #schemas: ReadonlySet<string>;
  readonly #functions: ReadonlySet<string>;
  readonly #scopes = new Scopes();
  #depth = 0;
  #nodes = 0;
  #setOperations = 0;
  /** Expressions that come of aliases, of those that are being read. */
  #expanded = 0;
  /** Tables in the FROM that is being read. */
  #joined = 0;
  /** The place of the node that was read last and had one. */
  #position: number | undefined;

  constructor({ schemas = [], functions = [] }: Extras) {
    this.#schemas = new Set(schemas);
    this.#functions = new Set(functions);
  }

  readStatement(statement: Node): void {
    const parameters = statement.named_param_map;
    if (Array.isArray(parameters) && parameters.length > MAX_PARAMETERS) {
      this.#refuse(`it has more than ${MAX_PARAMETERS} parameters`);
    }
    this.#read(statement.node);
  }

  #read(value: unknown): void {
    if (typeof value !== "object" || value === null) return;
    if (Array.isArray(value)) {
      for (const item of value) this.#read(item);
      return;
    }
    const node = value as Node;
    if (typeof node.class !== "string" && typeof node.type !== "string") {
      this.#readInside(node);
      return;
    }
    const position = node.query_location;
    if (typeof position === "number" && position < 2 ** 32) this.#position = position;
    if (++this.#nodes > MAX_NODES) this.#refuse(`it has more than ${MAX_NODES} parts`);
    if (++this.#depth > MAX_DEPTH) this.#refuse(`it is nested more than ${MAX_DEPTH} deep`);
    if (typeof node.class === "string") this.#readExpression(node, node.class);
    else this.#readOther(node, node.type as string);
    this.#depth--;
  }

  #readInside(node: Node): void {
    for (const key in node) {
      const value = node[key];
      // A type's description has a `type` too, but is no node.
      if (key === "type_info" && value !== null) this.#readInside(value as Node);
      else this.#read(value);
    }
  }

  #readExpression(node: Node, kind: string): void {
    switch (kind) {
      case "CONSTANT":
      case "PARAMETER":
        return; // what is inside is a value
      case "COLUMN_REF":
        this.#readColumn(node);
        return;
      case "FUNCTION":
        this.#checkFunction(node, FUNCTIONS);
        break;
      case "WINDOW":
        this.#checkFunction(node, WINDOW_FUNCTIONS);
        break;
      default:
        if (!PLAIN_CLASSES.has(kind)) this.#refuse(`it has ${lower(kind)}`);
    }
    this.#readInside(node);
  }

  #readOther(node: Node, kind: string): void {
    switch (kind) {
      case "SELECT_NODE":
        this.#readSelect(node);
        return;
      case "SET_OPERATION_NODE":
        this.#readSetOperation(node);
        return;
      case "BASE_TABLE":
        this.#readTable(node);
        return;
      case "TABLE_FUNCTION":
        this.#readTableFunction(node);
        return;
      case "SHOW_REF":
        this.#readShow(node);
        return;
      case "EXPRESSION_LIST":
        this.#join(1);
        break;
      case "JOIN":
      case "SUBQUERY":
        break;
      default:
        if (!PLAIN_TYPES.has(kind)) this.#refuse(`it has ${lower(kind)}`);
    }
    this.#readInside(node);
  }

  #readSelect(node: Node): void {
    this.#scopes.enter();
    this.#readCtes(node.cte_map);
    const outer = this.#joined;
    this.#read(node.from_table);
    // What stands in FROM is joined with what is around it; what else there is, is not.
    const joined = this.#joined;
    for (const item of node.select_list as Node[]) this.#readSelected(item);
    for (const key in node) {
      if (key !== "cte_map" && key !== "from_table" && key !== "select_list") {
        this.#joined = 0;
        this.#read(node[key]);
      }
    }
    this.#joined = Math.max(outer, joined);
    this.#scopes.leave();
  }

  #readSelected(item: Node): void {
    const nodes = this.#nodes;
    const expanded = this.#expanded;
    this.#joined = 0;
    this.#read(item);
    const added = this.#expanded - expanded;
    if (added > MAX_EXPANDED) {
      this.#refuse("its column aliases stand in each other too often; use a subquery");
    }
    if (typeof item.alias === "string" && item.alias !== "") {
      this.#scopes.addAlias(item.alias, this.#nodes - nodes + added);
    }
  }

  #readSetOperation(node: Node): void {
    if (++this.#setOperations > MAX_SET_OPERATIONS) {
      this.#refuse(`it has more than ${MAX_SET_OPERATIONS} UNIONs, INTERSECTs and EXCEPTs`);
    }
    this.#scopes.enter();
    this.#readCtes(node.cte_map);
    const joined = this.#joined;
    for (const key in node) {
      if (key === "cte_map") continue;
      this.#joined = 0; // tables of one side are not joined with those of another
      this.#read(node[key]);
    }
    this.#joined = joined + 1;
    this.#scopes.leave();
  }

  /** A CTE is seen by those behind it and by the query, and by itself if it is recursive. */
  #readCtes(ctes: unknown): void {
    const { map } = ctes as { map: { key: string; value: Node }[] };
    const outer = this.#joined;
    for (const { key, value } of map) {
      const query = value.query as Node;
      const isRecursive = (query.node as Node).type === "RECURSIVE_CTE_NODE";
      this.#joined = 0;
      this.#scopes.enter();
      if (isRecursive) this.#scopes.addCte(key, 1);
      this.#read(value);
      this.#scopes.leave();
      this.#scopes.addCte(key, Math.max(1, this.#joined));
    }
    this.#joined = outer;
  }

  #readColumn(node: Node): void {
    const names = node.column_names as string[];
    if (names.length === 1) this.#expanded += this.#scopes.aliasSize(names[0]);
  }

  #readTable(node: Node): void {
    const catalog = String(node.catalog_name);
    const schema = lower(String(node.schema_name));
    const name = lower(String(node.table_name));
    if (node.at_clause !== null) this.#refuse("it has AT");
    const cte = catalog === "" && schema === "" ? this.#scopes.cteSize(name) : undefined;
    if (cte !== undefined) {
      this.#join(cte);
    } else if (catalog === "" && this.#schemas.has(schema)) {
      this.#join(1);
    } else if (catalog === "" && OUR_SCHEMAS.has(schema)) {
      this.#join(2); // a view of points and series
      this.tables.add(name);
    } else {
      const qualified = [catalog, schema, name].filter((part) => part !== "").join(".");
      this.#refuse(`${qualified} is not a measurement; SHOW TABLES lists those`);
    }
  }

  #readTableFunction(node: Node): void {
    this.#join(1);
    const call = node.function as Node;
    this.#checkFunction(call, TABLE_FUNCTIONS);
    this.#readInside(call);
  }

  #readShow(node: Node): void {
    const isTables = node.query === null && node.show_type === "SHOW_UNQUALIFIED" &&
      node.table_name === '"tables"';
    const isDescription = node.query !== null &&
      (node.show_type === "DESCRIBE" || node.show_type === "SUMMARY");
    if (!isTables && !isDescription) {
      this.#refuse("of SHOW and DESCRIBE there are SHOW TABLES, DESCRIBE name and SUMMARIZE name");
    }
    this.#read(node.query);
  }

  #join(tables: number): void {
    this.#joined += tables;
    if (this.#joined > MAX_JOINED) this.#refuse(`it joins more than ${MAX_JOINED / 2} tables`);
  }

  #checkFunction(node: Node, allowed: ReadonlySet<string>): void {
    const name = lower(String(node.function_name));
    const schema = lower(String(node.schema ?? ""));
    if (node.catalog !== "" && node.catalog !== undefined) this.#refuseFunction(name);
    if (this.#schemas.has(schema)) return;
    if (!FUNCTION_SCHEMAS.has(schema)) {
      this.#refuse(`${schema}.${name}(…) is no function; write ${name}(${schema}, …)`);
    }
    if (isRewritten(name)) this.isRewritten = true;
    else if (!allowed.has(name) && !this.#functions.has(name)) this.#refuseFunction(name);
  }

  #refuseFunction(name: string): never {
    const why = INSTEAD.get(name) ?? "docs/series.md lists what can be called";
    this.#refuse(`${name}() cannot be called here; ${why}`);
  }

  #refuse(why: string): never {
    throw new SqlError("42501", `Cannot run the statement: ${why}`, { position: this.#position });
  }
}
