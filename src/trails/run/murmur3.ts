/**
 * MurmurHash3 for 64-bit machines, the low half of its 128 bits, seed 0. Only the original's
 * sketches need it; it is plain, not fast.
 *
 * @module
 */

const C1 = 0x87c3_7b91_1142_53d5n;
const C2 = 0x4cf5_ad43_2745_937fn;

/** The low 64 bits of the hash. */
export function murmur3Low(bytes: Uint8Array): bigint {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const whole = bytes.length & ~15;
  let h1 = 0n, h2 = 0n;
  for (let at = 0; at < whole; at += 16) {
    h1 ^= first(view.getBigUint64(at, true));
    h1 = wrap((rotate(h1, 27n) + h2) * 5n + 0x52dc_e729n);
    h2 ^= second(view.getBigUint64(at + 8, true));
    h2 = wrap((rotate(h2, 31n) + h1) * 5n + 0x3849_5ab5n);
  }
  const tail = new DataView(new ArrayBuffer(16));
  for (let i = whole; i < bytes.length; i++) tail.setUint8(i - whole, bytes[i]);
  if (bytes.length - whole > 8) h2 ^= second(tail.getBigUint64(8, true));
  if (bytes.length > whole) h1 ^= first(tail.getBigUint64(0, true));
  const length = BigInt(bytes.length);
  h1 = wrap((h1 ^ length) + (h2 ^ length));
  h2 = wrap((h2 ^ length) + h1);
  return wrap(mix(h1) + mix(h2));
}

function first(word: bigint): bigint {
  return wrap(rotate(wrap(word * C1), 31n) * C2);
}

function second(word: bigint): bigint {
  return wrap(rotate(wrap(word * C2), 33n) * C1);
}

function mix(hash: bigint): bigint {
  let mixed = wrap((hash ^ hash >> 33n) * 0xff51_afd7_ed55_8ccdn);
  mixed = wrap((mixed ^ mixed >> 33n) * 0xc4ce_b9fe_1a85_ec53n);
  return mixed ^ mixed >> 33n;
}

function rotate(word: bigint, by: bigint): bigint {
  return wrap(word << by | word >> 64n - by);
}

function wrap(word: bigint): bigint {
  return BigInt.asUintN(64, word);
}
