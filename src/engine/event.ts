/**
 * What an event's values become before they are counted: well-formed, trimmed, cut, free of the two
 * separators. See docs/what-is-counted.md for the rules in words.
 *
 * @module
 */

const TILDE = 0x7e;
const COLON = 0x3a;

/**
 * A property's value as it is counted, or `""` where it counts as absent: only strings, finite numbers
 * and booleans are values.
 *
 * @param maxLength code points that are kept
 */
export function sanitize(value: unknown, maxLength: number): string {
  switch (typeof value) {
    case "string":
      return isPlain(value, maxLength) ? value : sanitizeText(value, maxLength);
    case "number":
    case "boolean":
      return String(value);
    default:
      return "";
  }
}

/**
 * True if {@linkcode sanitizeText} would give the text as it is, by a test that is cheap and may err
 * only on the side of false: visible ASCII at both ends, no separator, nothing beyond ASCII.
 */
export function isPlain(text: string, maxLength: number): boolean {
  const length = text.length;
  if (length === 0) return true;
  if (length > maxLength || text.charCodeAt(0) <= 0x20 || text.charCodeAt(length - 1) <= 0x20) {
    return false;
  }
  for (let i = 0; i < length; i++) {
    const code = text.charCodeAt(i);
    if (code >= TILDE || code === COLON) return false;
  }
  return true;
}

function sanitizeText(text: string, maxLength: number): string {
  const trimmed = text.toWellFormed().trim();
  const cut = cutCodePoints(trimmed, maxLength);
  const stripped = cut.replace(/^[~:]+/, "").replace(/[~:]+$/, "").trim();
  return stripped.replace(/[~:]/g, "_");
}

/** The first `max` code points. */
export function cutCodePoints(text: string, max: number): string {
  if (text.length <= max) return text;
  let end = 0;
  for (let points = 0; points < max && end < text.length; points++) {
    end += text.codePointAt(end)! > 0xffff ? 2 : 1;
  }
  return text.slice(0, end);
}
