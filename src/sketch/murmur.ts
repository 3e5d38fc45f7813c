/**
 * MurmurHash64A (Austin Appleby, 2008, public domain: the 64-bit MurmurHash2), with the seed that
 * Redis uses for its HyperLogLog. It is not a cryptographic hash: who knows the seed can choose
 * values that collide.
 *
 * A JavaScript number cannot hold 64 bits and a `bigint` is allocated for every step, so a hash is
 * kept as two 32-bit halves in {@linkcode hashed}, which the next call overwrites. Nothing here
 * allocates (save for text over 2,730 UTF-16 units that is not ASCII), so it can stand on a path
 * that runs for every event:
 *
 * | nanoseconds a call, median | 12 bytes | 96 bytes |
 * | -------------------------- | -------- | -------- |
 * | `hashString`, ASCII        | 40       | 270      |
 * | `hashString`, other text   | 145      | 390      |
 * | `hashBytes`                | 40       | 190      |
 *
 * (bench/sketch_bench.ts, Deno 2.9.6, AMD EPYC)
 *
 * @module
 */

/** The seed of Redis's HyperLogLog. */
export const REDIS_SEED = 0xadc83b19;

/**
 * The last hash: `[0]` its low 32 bits, `[1]` its high 32 bits, both signed. Read it right after
 * the call that wrote it; whatever hashes next, anywhere in the process, overwrites it.
 */
export const hashed: Int32Array = new Int32Array(2);

// The multiplier 0xc6a4a7935bd1e995 in halves, and its low half in quarters.
const M_HIGH = 0xc6a4a793 | 0;
const M_LOW = 0x5bd1e995;
const M_LOW_HIGH = 0x5bd1;
const M_LOW_LOW = 0xe995;

/** UTF-16 units of the longest text that surely fits the scratch buffer: one takes at most 3 bytes. */
const MAX_SCRATCH_UNITS = 2730;
const scratch = new Uint8Array(MAX_SCRATCH_UNITS * 3);
const encoder = new TextEncoder();

/** Hashes the UTF-8 bytes of `text` into {@linkcode hashed}. A lone surrogate counts as U+FFFD. */
export function hashString(text: string): void {
  if (hashAscii(text)) return;
  if (text.length <= MAX_SCRATCH_UNITS) {
    hashBytes(scratch, encoder.encodeInto(text, scratch).written);
  } else {
    hashBytes(encoder.encode(text));
  }
}

/**
 * Hashes the first `length` bytes into {@linkcode hashed}.
 *
 * @throws {RangeError} if there are fewer bytes than `length`
 */
export function hashBytes(bytes: Uint8Array, length = bytes.length, seed = REDIS_SEED): void {
  if (length >>> 0 !== length || length > bytes.length) {
    throw new RangeError(
      `Cannot hash bytes: length must be between 0 and ${bytes.length}, received ${length}`,
    );
  }
  start(length, seed);
  const blocksEnd = length & ~7;
  for (let i = 0; i < blocksEnd; i += 8) {
    mixBlock(
      bytes[i] | bytes[i + 1] << 8 | bytes[i + 2] << 16 | bytes[i + 3] << 24,
      bytes[i + 4] | bytes[i + 5] << 8 | bytes[i + 6] << 16 | bytes[i + 7] << 24,
    );
  }
  if (blocksEnd !== length) {
    let low = 0;
    let high = 0;
    for (let i = length - 1; i >= blocksEnd; i--) {
      high = high << 8 | low >>> 24;
      low = low << 8 | bytes[i];
    }
    mixTail(low, high);
  }
  finish();
}

/** The same loops over characters; false, with a useless hash, if one of them is not ASCII. */
function hashAscii(text: string): boolean {
  const length = text.length;
  start(length, REDIS_SEED);
  let seen = 0;
  const blocksEnd = length & ~7;
  for (let i = 0; i < blocksEnd; i += 8) {
    const a = text.charCodeAt(i);
    const b = text.charCodeAt(i + 1);
    const c = text.charCodeAt(i + 2);
    const d = text.charCodeAt(i + 3);
    const e = text.charCodeAt(i + 4);
    const f = text.charCodeAt(i + 5);
    const g = text.charCodeAt(i + 6);
    const h = text.charCodeAt(i + 7);
    seen |= a | b | c | d | e | f | g | h;
    if (seen > 0x7f) return false;
    mixBlock(a | b << 8 | c << 16 | d << 24, e | f << 8 | g << 16 | h << 24);
  }
  if (blocksEnd !== length) {
    let low = 0;
    let high = 0;
    for (let i = length - 1; i >= blocksEnd; i--) {
      const c = text.charCodeAt(i);
      seen |= c;
      high = high << 8 | low >>> 24;
      low = low << 8 | c;
    }
    if (seen > 0x7f) return false;
    mixTail(low, high);
  }
  finish();
  return true;
}

/** MurmurHash64A as one number from 0 to 2^64 - 1; it allocates, so it is not for the hot path. */
export function murmurHash64A(bytes: Uint8Array, seed = REDIS_SEED): bigint {
  hashBytes(bytes, bytes.length, seed);
  return BigInt(hashed[1] >>> 0) << 32n | BigInt(hashed[0] >>> 0);
}

/** The hash of the UTF-8 bytes of `text` as 16 lower-case hex digits. */
export function hashHex(text: string): string {
  hashString(text);
  return hex(hashed[1]) + hex(hashed[0]);
}

function hex(half: number): string {
  return (half >>> 0).toString(16).padStart(8, "0");
}

// The steps of MurmurHash64A. h is the state in `hashed`, m the multiplier; all is modulo 2^64.

/** h = seed ^ (length * m) */
function start(length: number, seed: number): void {
  hashed[0] = Math.imul(length, M_LOW) ^ seed;
  hashed[1] = productHigh(length, 0);
}

/** k *= m; k ^= k >>> 47; k *= m; h ^= k; h *= m */
function mixBlock(low: number, high: number): void {
  high = productHigh(low, high);
  low = Math.imul(low, M_LOW) ^ high >>> 15;
  mixTail(Math.imul(low, M_LOW), productHigh(low, high));
}

/** h ^= k; h *= m */
function mixTail(low: number, high: number): void {
  low ^= hashed[0];
  hashed[0] = Math.imul(low, M_LOW);
  hashed[1] = productHigh(low, hashed[1] ^ high);
}

/** h ^= h >>> 47; h *= m; h ^= h >>> 47 */
function finish(): void {
  mixTail(hashed[1] >>> 15, 0);
  hashed[0] ^= hashed[1] >>> 15;
}

/**
 * The high half of (high:low) * m modulo 2^64; the low half is `Math.imul(low, M_LOW)`. What
 * `Math.imul` drops of low * M_LOW, the bits from 32, is made from four products of 16 bits each.
 */
function productHigh(low: number, high: number): number {
  const a = low & 0xffff;
  const b = low >>> 16;
  // At most 0xffff * 0xe995 + 0xffff, which fits in 32 bits.
  const middle = Math.imul(b, M_LOW_LOW) + (Math.imul(a, M_LOW_LOW) >>> 16) | 0;
  const carried = (middle & 0xffff) + Math.imul(a, M_LOW_HIGH) >>> 16;
  return Math.imul(b, M_LOW_HIGH) + (middle >>> 16) + carried +
      Math.imul(low, M_HIGH) + Math.imul(high, M_LOW) | 0;
}
