/**
 * How a value is quoted in an error message: as JSON, short, on one line.
 *
 * @module
 */

const MAX_SHOWN = 80;

/** The value as JSON, cut to 80 characters; what JSON cannot say, by its type. */
export function show(value: unknown): string {
  if (value === undefined) return "nothing";
  const text = json(value) ?? (typeof value === "object" ? "an object" : `a ${typeof value}`);
  return text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN).toWellFormed()}…` : text;
}

function json(value: unknown): string | undefined {
  if (typeof value === "bigint") return `${value}n`;
  // JSON would say null for these.
  if (typeof value === "number") return String(value);
  // A long string is cut before it is escaped: an error about 10 MB must not cost 10 MB.
  if (typeof value === "string" && value.length > MAX_SHOWN) {
    return `${JSON.stringify(value.slice(0, MAX_SHOWN - 1)).slice(0, -1)}…`;
  }
  try {
    return JSON.stringify(value);
  } catch {
    return undefined; // circular, or with a bigint inside
  }
}
