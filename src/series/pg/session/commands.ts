/**
 * Statements that the server answers itself: transactions, settings, cursors, COPY. Everything else is a
 * question for the engine.
 *
 * @module
 */
import { partOf, type Statement } from "../sql/statements.ts";
import { stringValue, type Token } from "../sql/tokens.ts";
import { type Command, refused, writes } from "./command.ts";
import { parseCopy } from "./copy.ts";

const WRITES = /^(insert|update|delete|merge|truncate)$/;

/** Settings that `SHOW` and `SET` call otherwise. */
const PHRASES: readonly (readonly [words: string, name: string])[] = [
  ["time zone", "timezone"],
  ["transaction isolation level", "transaction_isolation"],
  ["session authorization", "session_authorization"],
  ["names", "client_encoding"],
];

/** What a statement asks for. */
export function commandOf(statement: Statement): Command {
  const words = statement.tokens.map(({ name }) => name);
  const [first, second] = words;
  const name = (i: number) => statement.tokens[i]?.name ?? "";
  switch (first) {
    case "begin":
      return { kind: "begin" };
    case "start":
      return second === "transaction" ? { kind: "begin" } : { kind: "query", statement };
    case "commit":
    case "end":
      return { kind: "commit" };
    case "rollback":
    case "abort": {
      const to = words.indexOf("to");
      return to < 0 ? { kind: "rollback" } : { kind: "rollback to", name: words.at(-1)! };
    }
    case "savepoint":
      return { kind: "savepoint", name: name(1) };
    case "release":
      return { kind: "release", name: words.at(-1)! };
    case "set":
      return setting(statement);
    case "reset":
      return second === "all" ? { kind: "reset" } : { kind: "reset", name: phrase(words.slice(1)) };
    case "show":
      return show(statement);
    case "discard":
      return { kind: "discard", tag: `DISCARD ${(second ?? "all").toUpperCase()}` };
    case "deallocate": {
      const last = words.at(-1)!;
      return last === "all" ? { kind: "deallocate" } : { kind: "deallocate", name: last };
    }
    case "declare":
      return declare(statement);
    case "fetch":
    case "move":
      return fetch(first, statement.tokens.slice(1));
    case "close":
      return second === "all" ? { kind: "close" } : { kind: "close", name: name(1) };
    case "copy":
      return parseCopy(statement);
    case "unlisten":
      return { kind: "nothing", tag: "UNLISTEN" };
    case "listen":
    case "notify":
      return refused(
        `Cannot ${first.toUpperCase()}: there are no notifications; ask again instead`,
      );
    case "prepare":
    case "execute":
      return refused(
        `Cannot ${first.toUpperCase()} in SQL; use your driver's prepared statements`,
      );
  }
  if (first !== undefined && WRITES.test(first)) return writes(first);
  return { kind: "query", statement };
}

function setting({ text, tokens }: Statement): Command {
  let at = /^(session|local)$/.test(tokens[1]?.name ?? "") ? 2 : 1;
  const rest = tokens.slice(at).map(({ name }) => name).join(" ");
  // How transactions behave: each statement sees what is there when it begins, whatever is asked for.
  if (/^(transaction|characteristics|constraints|role|authorization)\b/.test(rest)) {
    return { kind: "nothing", tag: "SET" };
  }
  let name = tokens[at]?.name ?? "";
  const known = PHRASES.find(([words]) => rest.startsWith(words));
  if (known !== undefined) {
    name = known[1];
    at += known[0].split(" ").length;
  } else {
    at++;
    while (tokens[at]?.text === ".") {
      name += `.${tokens[at + 1]?.name ?? ""}`;
      at += 2;
    }
    if (tokens[at]?.text === "=" || tokens[at]?.name === "to") at++;
    else return refused("Cannot read SET: wanted SET name = value");
  }
  const values = tokens.slice(at);
  if (values.length === 0) return refused("Cannot read SET: wanted SET name = value");
  if (values.length === 1 && values[0].name === "default") return { kind: "reset", name };
  const value = values.length === 1
    ? stringValue(values[0]) ?? (values[0].kind === "quoted" ? values[0].name : values[0].text)
    : text.slice(values[0].start);
  return { kind: "set", name, value };
}

/** `SHOW TABLES` and what else DuckDB lists is a question; the rest are settings. */
function show(statement: Statement): Command {
  const words = statement.tokens.map(({ name }) => name).slice(1);
  if (/^(tables|all tables|databases|schemas)\b/.test(words.join(" "))) {
    return { kind: "query", statement };
  }
  return { kind: "show", name: phrase(words) };
}

function phrase(words: readonly string[]): string {
  const text = words.join(" ");
  return PHRASES.find(([known]) => known === text)?.[1] ?? words.join("");
}

function declare(statement: Statement): Command {
  const { tokens } = statement;
  const words = tokens.map(({ name }) => name);
  const query = words.indexOf("for") + 1;
  const options = words.slice(2, query);
  if (query === 0 || !options.includes("cursor") || query >= tokens.length) {
    return refused("Cannot read DECLARE: wanted DECLARE name CURSOR FOR SELECT …");
  }
  const scroll = options.indexOf("scroll");
  if (scroll >= 0 && options[scroll - 1] !== "no") {
    return refused("Cannot DECLARE a cursor that scrolls: rows come once and forward");
  }
  const hold = options.indexOf("hold");
  return {
    kind: "declare",
    name: words[1],
    isHeld: hold > 0 && options[hold - 1] === "with",
    query: partOf(statement, query, tokens.length),
  };
}

/** `FETCH [NEXT | [FORWARD] n | [FORWARD] ALL] [FROM | IN] name` */
function fetch(kind: "fetch" | "move", tokens: readonly Token[]): Command {
  const name = tokens.at(-1)?.name ?? "";
  const words = tokens.slice(0, -1).map(({ name }) => name)
    .filter((word) => !/^(from|in|forward|next)$/.test(word));
  if (words.length === 0) return { kind, name, count: 1 };
  if (words.length === 1 && words[0] === "all") return { kind, name, count: Infinity };
  if (words.length === 1 && /^\d{1,15}$/.test(words[0])) return { kind, name, count: +words[0] };
  return refused(
    `Cannot ${kind.toUpperCase()} ${
      words.join(" ")
    }: rows come once and forward; FETCH n FROM ${name}`,
  );
}
