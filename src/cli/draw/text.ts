/**
 * Text in a terminal: how wide it is, and values from outside made harmless. A value may hold
 * anything; shown, it must not move the cursor, colour the screen or turn the line around.
 *
 * @module
 */
import { unicodeWidth } from "@std/cli/unicode-width";

/** C0 and C1 controls, line separators, and what switches the direction of writing. */
// deno-lint-ignore no-control-regex
const UNSAFE = /[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g;

const NAMES: Record<string, string> = { "\n": "\\n", "\r": "\\r", "\t": "\\t" };

const graphemes = new Intl.Segmenter("en", { granularity: "grapheme" });

/** The text with control characters written out: `\n`, `\x1b`, `\u202e`. */
export function harmless(text: string): string {
  return text.toWellFormed().replace(UNSAFE, (char) => {
    const code = char.charCodeAt(0);
    return NAMES[char] ??
      (code < 256
        ? `\\x${code.toString(16).padStart(2, "0")}`
        : `\\u${code.toString(16).padStart(4, "0")}`);
  });
}

/** JSON text with the same characters written as JSON escapes: it means the same. */
export function harmlessJson(json: string): string {
  return json.replace(UNSAFE, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

/** Columns that the text takes. */
export function widthOf(text: string): number {
  return unicodeWidth(text);
}

/** The text cut to so many columns, with `…` in the last one if anything is missing. */
export function cut(text: string, columns: number): string {
  if (widthOf(text) <= columns) return text;
  let kept = "";
  let width = 0;
  for (const { segment } of graphemes.segment(text)) {
    width += widthOf(segment);
    if (width > columns - 1) break;
    kept += segment;
  }
  return columns > 0 ? `${kept}…` : "";
}

/** The text with spaces up to so many columns. */
export function pad(text: string, columns: number, align: "left" | "right" = "left"): string {
  const spaces = " ".repeat(Math.max(0, columns - widthOf(text)));
  return align === "left" ? text + spaces : spaces + text;
}

/** Breaks a text at spaces. */
export function wrap(text: string, width: number, indent = ""): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    if (line !== "" && line.length + 1 + word.length > width - indent.length) {
      lines.push(indent + line);
      line = word;
    } else {
      line = line === "" ? word : `${line} ${word}`;
    }
  }
  if (line !== "") lines.push(indent + line);
  return lines;
}
