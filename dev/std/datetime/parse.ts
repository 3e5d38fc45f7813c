/**
 * Stand-in for `@std/datetime/parse` (see dev/std/README.md).
 *
 * @module
 */
import { type Field, tokenize } from "./_tokens.ts";

/**
 * Reads a date by the same letters as `format()`, in the machine's own zone. As in the real one, a day that the month
 * does not have runs over into the next month, and what the format does not name comes from today (time: 0:00).
 *
 * @throws {Error} where the text does not follow the format.
 */
export function parse(dateString: string, formatString: string): Date {
  const found = new Map<Field, string>();
  let rest = dateString;
  for (const token of tokenize(formatString)) {
    if (token.field === "literal") {
      if (!rest.startsWith(token.text)) {
        throw new Error(`Literal "${token.text}" not found "${rest.slice(0, 25)}"`);
      }
      rest = rest.slice(token.text.length);
      continue;
    }
    const value = pattern(token.field, token.length).exec(rest)?.[0];
    if (!value) {
      throw new Error(`Value not valid for part { ${token.field} ${value} } ${rest.slice(0, 25)}`);
    }
    found.set(token.field, value);
    rest = rest.slice(value.length);
  }
  if (rest) throw new Error(`datetime string was not fully parsed! ${rest.slice(0, 25)}`);

  const date = new Date();
  date.setHours(0, 0, 0, 0);
  const number = (field: Field): number | undefined =>
    found.has(field) ? Number(found.get(field)) : undefined;
  const year = found.get("year");
  const month = number("month");
  const day = number("day");
  date.setFullYear(
    year === undefined ? date.getFullYear() : Number(year.padStart(4, "20")),
    month === undefined ? date.getMonth() : month - 1,
    day ?? date.getDate(),
  );
  const hour = number("hour");
  if (hour !== undefined) {
    const afternoon = /^p/i.test(found.get("period") ?? "");
    date.setHours(afternoon && hour < 12 ? hour + 12 : hour);
  }
  date.setMinutes(number("minute") ?? 0);
  date.setSeconds(number("second") ?? 0);
  date.setMilliseconds(number("fraction") ?? 0);
  return date;
}

function pattern(field: Field, length: number): RegExp {
  if (field === "period") return /^[AP](?:\.M\.|M\.?)/i;
  if (field === "year") return length === 2 ? /^\d{1,2}/ : /^\d{1,4}/;
  if (field === "fraction") return new RegExp(`^\\d{${length}}`);
  return length === 2 ? /^\d{2}/ : /^\d{1,2}/;
}
