/**
 * Bytes of values as text and back, without loss: what is not UTF-8 becomes lone surrogates, one for
 * each byte from 0x80, so that different values stay different.
 *
 * @module
 */

const strict = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const encoder = new TextEncoder();
/** The surrogate of byte 0 of those that are not UTF-8. */
const ESCAPE = 0xdc00;

/** The text of bytes, which may be in shared memory. */
export function decodeText(bytes: Uint8Array): string {
  try {
    return strict.decode(bytes);
  } catch {
    return decodeLoosely(bytes);
  }
}

/** The text of bytes of which each is a character; undefined if one is not. */
export function decodeAscii(bytes: Uint8Array): string | undefined {
  try {
    const text = strict.decode(bytes);
    // Every other character of UTF-8 has more bytes than UTF-16 units.
    return text.length === bytes.length ? text : undefined;
  } catch {
    return undefined;
  }
}

/** The bytes of a text that {@linkcode decodeText} gave, or of any other. */
export function encodeText(text: string): Uint8Array {
  if (text.isWellFormed()) return encoder.encode(text);
  const bytes: number[] = [];
  for (const char of text) {
    const code = char.codePointAt(0)!;
    if (code >= ESCAPE + 0x80 && code <= ESCAPE + 0xff) bytes.push(code - ESCAPE);
    else bytes.push(...encoder.encode(char));
  }
  return Uint8Array.from(bytes);
}

function decodeLoosely(bytes: Uint8Array): string {
  let text = "";
  for (let at = 0; at < bytes.length;) {
    const length = sequenceLength(bytes[at]);
    const part = bytes.subarray(at, at + length);
    try {
      text += strict.decode(part);
      at += length;
    } catch {
      text += String.fromCharCode(ESCAPE + bytes[at]);
      at++;
    }
  }
  return text;
}

/** Bytes of the character that begins so, if it is whole. */
function sequenceLength(first: number): number {
  return first < 0xc0 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
}
