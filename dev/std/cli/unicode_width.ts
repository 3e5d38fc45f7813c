/**
 * Stand-in for `@std/cli/unicode-width` (see dev/std/README.md). The real one has a table of Unicode 15; this one asks the
 * regular expression engine, which differs for rare characters only.
 *
 * @module
 */
const ZERO = /[\p{Cc}\p{Mn}\p{Me}\p{Default_Ignorable_Code_Point}\u200b-\u200f\u2028\u2029]/u;
const WIDE =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Emoji_Presentation}\u1100-\u115f\u2e80-\u303e\u3041-\u33ff\ua000-\ua4cf\ua960-\ua97c\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff01-\uff60\uffe0-\uffe6]/u;

/** How many columns of a terminal the string takes. */
export function unicodeWidth(str: string): number {
  let width = 0;
  for (const char of str) {
    const ascii = char.charCodeAt(0);
    if (ascii >= 0x20 && ascii < 0x7f) width += 1;
    else if (ZERO.test(char)) width += 0;
    else width += WIDE.test(char) ? 2 : 1;
  }
  return width;
}
