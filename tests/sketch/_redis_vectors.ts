/**
 * What redis-server 7.0.15 (x86_64, default config) made of PFADD, GET and PFCOUNT on these values,
 * each set into a fresh key. PFCOUNT was asked after GET, so the cached count is still stale.
 */
import { valueFor } from "./_reference.ts";

/** `count` values: user:0, user:1 and so on. */
export function users(count: number): string[] {
  return Array.from({ length: count }, (_, i) => `user:${i}`);
}

/** What a key held after PFADD of the values in this order, one sketch per row. */
export const STORED: { values: (string | Uint8Array)[]; count: number; base64: string }[] = [
  {
    values: [],
    count: 0,
    base64: "SFlMTAEAAAAAAAAAAAAAgH//",
  },
  {
    values: [""],
    count: 1,
    base64: "SFlMTAEAAAAAAAAAAAAAgFcxhGjM",
  },
  {
    values: ["a"],
    count: 1,
    base64: "SFlMTAEAAAAAAAAAAAAAgHGmhE5X",
  },
  {
    values: ["hello", "world"],
    count: 2,
    base64: "SFlMTAEAAAAAAAAAAAAAgEq1iFlIgFv+",
  },
  {
    values: ["Zürich", "東京", "😀", "e\u0301", "\0", "\ufffd"],
    count: 6,
    base64: "SFlMTAEAAAAAAAAAAAAAgFFMgB6EQveUQhyATAKEWFyERRg=",
  },
  {
    values: users(10),
    count: 10,
    base64: "SFlMTAEAAAAAAAAAAAAAgEhSjEz6hEmQgEEagEQBhFBTgEEVhBmEF4RGF4RERQ==",
  },
  {
    values: users(100),
    count: 100,
    base64:
      "SFlMTAEAAAAAAAAAAAAAgAmACYRB14A8gEBYgBqAQWaEQEqAQdaAQEGAA4RBCoRAz4xAcZAVhEF8jEBEgEEbhD" +
      "KAJ4BAWIQJgECsgECthCGAQEaAQEqAG4BAyYRArpxA/oxBbIBA9ohBRoRAc4RASoBAvIBBrIhAnIQYiECBgBaA" +
      "QF2AQMWAHoBAr6RBkYQ5gDeIPZAkhDmAQOWEAIBBBIQUgECDjEFZgDmAEIRAqoBBKIRBsISAQGWAQQeIQJSEQr" +
      "KQMoQxhEFngEBehEB3jEBYiD6AQZCIK4RA2IRBO4RAm4RAdIBAUohBZoBA6IArhBmEF4QzgEBCjEFDiEGjgEK0" +
      "hBCEQLCADoBA+YBAdYBAV4RAXJBA7YBAWQ==",
  },
  // Every rank that a sparse sketch can hold.
  {
    values: Array.from({ length: 32 }, (_, i) => valueFor((i + 1) * 300, i + 1)),
    count: 32,
    base64:
      "SFlMTAEAAAAAAAAAAAAAgEErgEEqhEEqiEEqjEEqkEEqlEEqmEEqnEEqoEEqpEEqqEEqrEEqsEEqtEEquEEqvE" +
      "EqwEEqxEEqyEEqzEEq0EEq1EEq2EEq3EEq4EEq5EEq6EEq7EEq8EEq9EEq+EEq/Fp+",
  },
];

/** Gzipped: every rank there is, rank r in register 300 r. The 33rd made the key dense. */
export const EVERY_RANK: { values: Uint8Array[]; count: number; gzipBase64: string } = {
  values: Array.from({ length: 51 }, (_, i) => valueFor((i + 1) * 300, i + 1)),
  count: 51,
  gzipBase64:
    "H4sIAAAAAAAA/+zOxRHCAAAAwcMdgrsFd2uCRxqgG0rnSQkMN9kK9vmKIr7e2CWQSyKXQi6NXAa5LHI55PLIFZ" +
    "ArIldCroxcBbkqcjXkAuTqyDWQayLXQq6NXAe5LnI95PrIDZAbIjdCbozcBLkpcjPk5siFyC2QWyK3Qm6N3Aa5" +
    "LXI75PbIHZA7IndC7ozcBbkrcjfk7sg9fh2IxfgTHwAAAP//AwAPAxCjEDAAAA==",
};

/** Runs of 5, 4 and 3 equal ranks, whose values came in ascending and in descending order. */
export const RUNS = {
  values: [3, 3, 3, 3, 3, 7, 7, 7, 7, 3, 3, 3].map((rank, i) => valueFor(100 + i, rank)),
  ascending: "SFlMTAEAAAAAAAAAAAAAgEBji4ibin+P",
  descending: "SFlMTAEAAAAAAAAAAAAAgEBjiIubin+P",
};

/** SHA-256 of what a key held after `users(size)`, with a stale cached count of 0. */
export const USERS: { size: number; count: number; bytes: number; sha256: string }[] = [
  {
    size: 1000,
    count: 1007,
    bytes: 1910,
    sha256: "9858f0f59edf48f4d2017516f441ae2da0e8439916701164c542a7b8dfe504e2",
  },
  {
    size: 1500,
    count: 1516,
    bytes: 2742,
    sha256: "0a49e8f019e3860b5a0fd7c42d2a221e30001be7c793a7fb7aa015472fc25bf3",
  },
  {
    size: 1640,
    count: 1654,
    bytes: 2962,
    sha256: "4a8fcc155d5b63ac90fc0c6f90dc299d99bc0857d4f644740e8de6aa09206e3f",
  },
  {
    size: 10_000,
    count: 10_089,
    bytes: 12_304,
    sha256: "0994a95cf67b98152a46fe3b556e2d9d08fe64b96965e3fb8bba294f63fd4f0b",
  },
  {
    size: 100_000,
    count: 99_471,
    bytes: 12_304,
    sha256: "592d46c859a759830a5d2f8aff986dfd6dc2ad8ee7855253670de7159d55d712",
  },
  {
    size: 1_000_000,
    count: 999_674,
    bytes: 12_304,
    sha256: "87f0b494f6779577e0163d300f063a6658c4ac5879e90f28ba82d445b59852f6",
  },
];

/** PFCOUNT of a key whose register i has rank(i). */
export const RANKS: { registers: number; rank: (index: number) => number; count: number }[] = [
  { registers: 1, rank: (i) => 1 + i * i % 1, count: 1 },
  { registers: 1, rank: (i) => 1 + i * i % 51, count: 1 },
  { registers: 100, rank: (i) => 1 + i * i % 51, count: 100 },
  { registers: 5000, rank: (i) => 1 + i * i % 10, count: 6161 },
  { registers: 16384, rank: (i) => 1 + i * i % 1, count: 23637 },
  { registers: 16384, rank: (i) => 1 + i * i % 20, count: 109400 },
  { registers: 16384, rank: (i) => 1 + i * i % 35, count: 253574 },
  { registers: 16384, rank: (i) => i % 2 === 0 ? 51 : 30, count: 25_380_152_306_768 },
  { registers: 16384, rank: (i) => i % 2 === 0 ? 51 : 34, count: 406_080_695_018_629 },
  { registers: 16384, rank: (i) => i % 2 === 0 ? 51 : 38, count: 6_496_845_229_059_777 },
];
