/**
 * Stand-in for `@std/datetime/format` (see dev/std/README.md).
 *
 * @module
 */
import { tokenize } from "./_tokens.ts";

/** Options of {@linkcode format}. */
export interface FormatOptions {
  /** The zone; the machine's own by default. */
  timeZone?: "UTC";
}

/**
 * Formats a date: `yyyy`, `yy`, `MM`, `M`, `dd`, `d`, `HH`, `H`, `hh`, `h`, `mm`, `m`, `ss`, `s`, `SSS`, `SS`, `S`, `a`,
 * and `'text'`.
 */
export function format(date: Date, formatString: string, options: FormatOptions = {}): string {
  const utc = options.timeZone === "UTC";
  const hour = utc ? date.getUTCHours() : date.getHours();
  return tokenize(formatString).map((token) => {
    switch (token.field) {
      case "literal":
        return token.text;
      case "year": {
        const year = String(utc ? date.getUTCFullYear() : date.getFullYear());
        return token.length === 2 ? year.padStart(2, "0").slice(-2) : year;
      }
      case "month":
        return padded((utc ? date.getUTCMonth() : date.getMonth()) + 1, token.length);
      case "day":
        return padded(utc ? date.getUTCDate() : date.getDate(), token.length);
      case "hour":
        return padded(token.hour12 ? hour % 12 || 12 : hour, token.length);
      case "minute":
        return padded(utc ? date.getUTCMinutes() : date.getMinutes(), token.length);
      case "second":
        return padded(utc ? date.getUTCSeconds() : date.getSeconds(), token.length);
      case "fraction":
        return padded(utc ? date.getUTCMilliseconds() : date.getMilliseconds(), token.length);
      case "period":
        return hour >= 12 ? "PM" : "AM";
    }
  }).join("");
}

function padded(value: number, length: number): string {
  return String(value).padStart(length, "0");
}
