/** The letters of a format: see `format()`. */
export type Field = "year" | "month" | "day" | "hour" | "minute" | "second" | "fraction" | "period";

/** A piece of a format: a field of the date, or text that stands for itself. */
export type Token =
  | { field: Field; length: number; hour12: boolean }
  | { field: "literal"; text: string };

const FIELDS: Record<string, Field> = {
  yyyy: "year",
  yy: "year",
  MM: "month",
  M: "month",
  dd: "day",
  d: "day",
  HH: "hour",
  H: "hour",
  hh: "hour",
  h: "hour",
  mm: "minute",
  m: "minute",
  ss: "second",
  s: "second",
  SSS: "fraction",
  SS: "fraction",
  S: "fraction",
  a: "period",
};

/** Cuts a format into tokens: runs of one letter, 'quoted text', other characters as they are. */
export function tokenize(format: string): Token[] {
  const tokens: Token[] = [];
  for (const [piece, quoted] of format.matchAll(/'((?:\\.|[^'])*)'|([a-zA-Z])\2*|./gs)) {
    if (quoted !== undefined) tokens.push({ field: "literal", text: quoted });
    else if (Object.hasOwn(FIELDS, piece)) {
      tokens.push({
        field: FIELDS[piece],
        length: piece.length,
        hour12: piece.startsWith("h"),
      });
    } else tokens.push({ field: "literal", text: piece });
  }
  return tokens;
}
