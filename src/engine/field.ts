/**
 * Fields as they are stored: bounded, the same in every storage.
 *
 * @module
 */
import { hashHex } from "../sketch/murmur.ts";

/** The longest field, in bytes as Deno KV encodes it: UTF-8, where NUL takes two. */
export const MAX_FIELD_BYTES = 1024;

/** Where the fields beyond `limits.maxFields` are counted. */
export const OTHER_FIELD = "~other";

/** A UTF-16 unit takes at most three bytes, so a field up to here needs no counting. */
const SURELY_SHORT = Math.floor(MAX_FIELD_BYTES / 3);

/** `~#` and the 16 hexadecimal digits of the hash that ends a field which was cut. */
const SUFFIX_BYTES = 18;

/** The field itself or, beyond 1,024 bytes, its beginning with a hash of the whole. */
export function storedField(field: string): string {
  if (field.length <= SURELY_SHORT || encodedLength(field) <= MAX_FIELD_BYTES) return field;
  let bytes = 0;
  let end = 0;
  for (const point of field) {
    bytes += encodedLength(point);
    if (bytes > MAX_FIELD_BYTES - SUFFIX_BYTES) break;
    end += point.length;
  }
  return `${field.slice(0, end)}~#${hashHex(field)}`;
}

/** Bytes of well-formed text as Deno KV encodes it in a key. */
function encodedLength(text: string): number {
  let bytes = 0;
  for (const point of text) {
    const code = point.codePointAt(0)!;
    bytes += code === 0 ? 2 : code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
  }
  return bytes;
}
