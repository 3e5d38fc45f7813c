/**
 * Which events a step of a question means.
 *
 * @module
 */
import { show } from "../../base/show.ts";
import { ProgramError, TrailsError } from "../errors.ts";
import { parse } from "../language/parser.ts";
import type { Alternatives } from "../language/text.ts";
import type { Condition } from "../language/tree.ts";
import { fieldName } from "./options.ts";

/**
 * Which events are meant: a name (`"signup"` is `event = "signup"`), a condition in the language of
 * programs (`'page = "/cart", amount > 3'`, `*` for any event), or fields with their values, all of
 * which must be so (`{ event: "signup", country: "DE" }`).
 */
export type EventMatch = string | Readonly<Record<string, string | number | boolean>>;

const PLACE = { line: 1, column: 1 };

/** @param field what a mere name is compared with. @throws {TrailsError} naming `what` */
export function readMatch(what: string, match: EventMatch, field: string): Alternatives {
  if (typeof match === "string") {
    // A condition has a comparison; what has none is a name.
    return /[=<>*]|\bin\s+#/.test(match)
      ? readCondition(what, match)
      : [[equals(field, nameOf(what, match))]];
  }
  const fields = typeof match === "object" && match !== null ? Object.entries(match) : [];
  if (fields.length === 0) {
    throw new TrailsError(
      `Cannot use ${what}: wanted a name, a condition such as event = "signup", or an object of ` +
        `fields, received ${show(match)}`,
    );
  }
  return [fields.map(([name, value]) => {
    if (!["string", "number", "boolean"].includes(typeof value)) {
      throw new TrailsError(
        `Cannot use ${what}: wanted a text, number or boolean as ${name}, received ${show(value)}`,
      );
    }
    return equals(fieldName(what, name), String(value));
  })];
}

/** Both must hold. */
export function both(a: Alternatives, b: Alternatives): Alternatives {
  if (a === undefined) return b;
  if (b === undefined) return a;
  return a.flatMap((one) => b.map((other) => [...one, ...other]));
}

/** The value of a field is that of the variable `%by`. */
export function isOf(field: string): Alternatives {
  return [[{ ...PLACE, field, op: "=", operand: { kind: "scalar", name: "by" } }]];
}

function equals(field: string, text: string): Condition {
  return { ...PLACE, field, op: "=", operand: { kind: "text", text } };
}

function nameOf(what: string, name: string): string {
  const text = name.trim();
  if (text !== "") return text;
  throw new TrailsError(`Cannot use ${what}: it is empty; name an event, or write * for any`);
}

function readCondition(what: string, text: string): Alternatives {
  try {
    const { blocks: [block] } = parse(
      `start ->\n  receive\n    ${text.replaceAll(/[\r\n]+/g, " ")} -> quit\n`,
      what,
      undefined,
    );
    if (block.kind === "receive") {
      const [{ alternatives, actions }] = block.clauses;
      if (actions.yields.length === 0) return alternatives;
    }
  } catch (error) {
    if (!(error instanceof ProgramError)) throw error;
    const found = error.message.replace(/^[^;]*?: (?=found|this)/, "");
    throw new TrailsError(`Cannot use ${what}: in ${show(text)} ${found}`, { cause: error });
  }
  throw new TrailsError(
    `Cannot use ${what}: wanted a condition such as event = "signup", received ${show(text)}`,
  );
}
