/**
 * How long text is as bytes.
 *
 * @module
 */

/** Bytes of the text as UTF-8; a lone surrogate counts as U+FFFD, three bytes. O(length). */
export function utf8Length(text: string): number {
  return new TextEncoder().encode(text).length;
}
