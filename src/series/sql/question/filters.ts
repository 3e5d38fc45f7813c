/**
 * `tag_filters`: what tags must be, all of them.
 *
 * @module
 */
import { show } from "../../../base/show.ts";
import type { Asked } from "./asked.ts";
import type { SqlParameter } from "../session.ts";
import { type Json, quoteName, readList, readObject, readText, refuse } from "./reading.ts";

/** Conditions of SQL; what they need is added to the parameters. */
export function readFilters(value: Json, asked: Asked, parameters: SqlParameter[]): string[] {
  if (value === undefined || value === null) return [];
  return readList(value, "tag_filters", (item, what) => readFilter(item, what, asked, parameters));
}

function readFilter(item: Json, what: string, { tags }: Asked, parameters: SqlParameter[]): string {
  const given = readObject(item, what, ["key", "value", "values", "op"]);
  const key = readText(given.key, `${what}.key`);
  const tag = tags.get(key);
  if (tag === undefined) {
    const known = [...tags.keys()].slice(0, 10).map(show).join(", ");
    refuse(`${what}: there is no tag ${show(key)}${known === "" ? "" : `; there is ${known}`}`);
  }
  const column = quoteName(tag.column);
  const value = given.value ?? given.values;
  const bind = (text: string) => `$${parameters.push(text)}`;
  const one = () => bind(readText(value, `${what}.value`));
  const list = () => readList(value, `${what}.value`, readText).map(bind);
  const op = given.op ?? "Eq";
  switch (typeof op === "string" ? op.toLowerCase() : op) {
    case "eq":
      return `${column} = ${one()}`;
    case "ne":
      return `${column} IS DISTINCT FROM ${one()}`;
    case "in": {
      const texts = list();
      return texts.length === 0 ? "false" : `${column} IN (${texts.join(", ")})`;
    }
    case "notin": {
      const texts = list();
      return texts.length === 0 ? "true" : `coalesce(${column} NOT IN (${texts.join(", ")}), true)`;
    }
    case "exists":
      if (value !== undefined) refuse(`${what}: Exists has no value`);
      return `${column} IS NOT NULL`;
    case "regex":
      return `regexp_matches(${column}, ${one()})`;
    default:
      return refuse(`${what}.op is Eq, Ne, In, NotIn, Exists or Regex, received ${show(op)}`);
  }
}
