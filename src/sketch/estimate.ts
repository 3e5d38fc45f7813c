/**
 * How many distinct values the registers tell of: the improved raw estimator of Otmar Ertl, "New
 * cardinality estimation algorithms for HyperLogLog sketches", arXiv:1702.01284 (2017), which Redis
 * uses since version 5.
 *
 * A register of rank k was raised by about 2^k values, so the harmonic mean of 2^rank over all m
 * registers, times a constant, estimates the values per register (Flajolet et al. 2007). That is
 * wrong at both ends: with few values most registers are still 0, with very many they stand at
 * their maximum. The paper before needed a second estimator for small counts and a table of
 * measured corrections; Ertl replaces the terms of rank 0 and of the maximum by two series, sigma
 * and tau, and then one formula without a seam holds from 0 to 2^64:
 *
 * ```text
 *                        alpha m^2                            C_k   registers of rank k
 * n  =  ------------------------------------------------      q     50, ranks are 0 … q + 1
 *       m sigma(C_0/m) + sum C_k 2^-k + m tau(1-C_q+1/m) 2^-q  alpha 1 / (2 ln 2)
 * ```
 *
 * The sum runs from k = q down to 1, as in Redis: doubles added in another order could round to
 * another number.
 *
 * @module
 */
import { MAX_RANK, REGISTER_COUNT } from "./registers.ts";

/** 1 / (2 ln 2), with the digits of Redis. */
const ALPHA = 0.721347520444481703680;

/**
 * The estimate for a histogram of ranks (`histogram[k]` registers have rank k), a whole number.
 * The hash has 64 bits, so it never exceeds 2^64; PFCOUNT, which keeps a signed number, is
 * meaningless from 2^63 on.
 */
export function estimate(histogram: ArrayLike<number>): number {
  const m = REGISTER_COUNT;
  let z = m * tau((m - histogram[MAX_RANK]) / m);
  for (let rank = MAX_RANK - 1; rank >= 1; rank--) z = (z + histogram[rank]) * 0.5;
  z += m * sigma(histogram[0] / m);
  return Math.min(Math.round(ALPHA * m * m / z), 2 ** 64);
}

/** x + sum of x^(2^k) 2^(k-1) for k from 1, for x from 0 to 1; infinite at 1. */
function sigma(x: number): number {
  if (x === 1) return Infinity;
  let sum = x;
  let weight = 1;
  let before: number;
  do {
    x *= x;
    before = sum;
    sum += x * weight;
    weight += weight;
  } while (sum !== before);
  return sum;
}

/** (1 - x - sum of (1 - x^(2^-k))^2 2^-k for k from 1) / 3, for x from 0 to 1. */
function tau(x: number): number {
  if (x === 0 || x === 1) return 0;
  let sum = 1 - x;
  let weight = 1;
  let before: number;
  do {
    x = Math.sqrt(x);
    before = sum;
    weight *= 0.5;
    sum -= (1 - x) ** 2 * weight;
  } while (sum !== before);
  return sum / 3;
}
