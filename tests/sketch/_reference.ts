/**
 * MurmurHash64A written straight from its definition, in 64-bit integers, and its inverse, with
 * which a test makes a value that has any hash it wants.
 */
const MASK = 2n ** 64n - 1n;
const M = 0xc6a4a7935bd1e995n;
/** M * M_INVERSE is 1 modulo 2^64. */
const M_INVERSE = 0x5f7a0ea7e59b19bdn;
const SEED = 0xadc83b19n;

const times = (a: bigint, b: bigint) => a * b & MASK;
/** Its own inverse, because 2 * 47 is more than 64. */
const fold = (a: bigint) => a ^ a >> 47n;

function littleEndian(bytes: Uint8Array): bigint {
  return bytes.reduceRight((word, byte) => word << 8n | BigInt(byte), 0n);
}

/** The hash of these bytes, from 0 to 2^64 - 1. */
export function referenceHash(bytes: Uint8Array, seed = SEED): bigint {
  let h = seed ^ times(BigInt(bytes.length), M);
  const tail = bytes.length - bytes.length % 8;
  for (let i = 0; i < tail; i += 8) {
    const k = times(littleEndian(bytes.subarray(i, i + 8)), M);
    h = times(h ^ times(fold(k), M), M);
  }
  if (tail < bytes.length) h = times(h ^ littleEndian(bytes.subarray(tail)), M);
  return fold(times(fold(h), M));
}

/** The one value of 8 bytes that has this hash. */
export function valueWithHash(hash: bigint): Uint8Array {
  const h = fold(times(fold(hash), M_INVERSE));
  const k = times(h, M_INVERSE) ^ SEED ^ times(8n, M);
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(
    0,
    times(fold(times(k, M_INVERSE)), M_INVERSE),
    true,
  );
  return bytes;
}

/** A value of 8 bytes that raises register `index` to `rank`. */
export function valueFor(index: number, rank: number): Uint8Array {
  // From the bit that ends the zeros upwards all are ones; of rank 51 there is none.
  const zeros = (1n << BigInt(13 + rank)) - 1n;
  return valueWithHash(MASK ^ zeros | BigInt(index));
}
