/**
 * The text of a tuple, which is also what makes two tuples the same.
 *
 * @module
 */
import type { Compat } from "../errors.ts";

/** Bytes of a value that the original keeps; a comma, NUL and 0xFF take two. */
const ORIGINAL_BYTES = 253;

/**
 * The terms with commas between them. Where a result has tuples of several terms, terms that hold a
 * comma or a quote are quoted as in CSV, so that different tuples have different texts.
 *
 * @param isCompound whether the result has tuples of other than one term
 */
export function tupleText(terms: readonly string[], isCompound: boolean, compat: Compat): string {
  if (compat === "trck") return originalText(terms);
  if (!isCompound) return terms[0];
  return terms.map(quoted).join(",");
}

function quoted(term: string): string {
  return /[",\r\n]/.test(term) ? `"${term.replaceAll('"', '""')}"` : term;
}

/** Empty terms at the front lose their comma, and a single value its end. */
function originalText(terms: readonly string[]): string {
  if (terms.length === 1) return cut(terms[0]);
  let text = "";
  for (const term of terms) text += text === "" ? term : `,${term}`;
  return text;
}

function cut(text: string): string {
  if (text.length * 6 <= ORIGINAL_BYTES) return text;
  let bytes = 0;
  let kept = "";
  for (const char of text) {
    const code = char.codePointAt(0)!;
    bytes += char === "," || code === 0
      ? 2
      : code < 0x80
      ? 1
      : code < 0x800
      ? 2
      : code < 0x1_0000
      ? 3
      : 4;
    if (bytes > ORIGINAL_BYTES) break;
    kept += char;
  }
  return kept;
}

/** The order of code points, which is that of UTF-8 bytes. */
export function compareText(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const x = a.charCodeAt(i), y = b.charCodeAt(i);
    if (x === y) continue;
    // Surrogates stand for code points above all others.
    const isHighX = x >= 0xd800 && x < 0xe000, isHighY = y >= 0xd800 && y < 0xe000;
    return isHighX === isHighY ? x - y : isHighX ? 1 : -1;
  }
  return a.length - b.length;
}

/** Sorts texts by code points, in place. */
export function sortTexts(texts: string[]): string[] {
  // The order of UTF-16 units, which needs no comparison of ours, differs only from surrogates on.
  return texts.some((text) => /[\ud800-\uffff]/.test(text))
    ? texts.sort(compareText)
    : texts.sort();
}
