/**
 * What two programs have left in Redis, in words that both share: the import of each layout only says
 * which key holds what, and the rest of `src/transfer` reads it.
 *
 * @module
 */
import type { Metric, Unit } from "../storage/storage.ts";

/** What keys hold of one metric in one bucket. */
export interface Piece {
  readonly metric: Metric;
  readonly unit: Unit;
  /** First unix second of the bucket. */
  readonly start: number;
  /**
   * The key with the values: a hash for `add` and `adv`, a sorted set for `top`, for `bmp` a HyperLogLog
   * or, where there are `ids`, a bitmap. Undefined where only totals are kept.
   */
  readonly values: string | undefined;
  /** Only on `adv`: the hash with its `sum` and `count`. */
  readonly totals?: string | undefined;
  /** The sorted set that says, by its scores, which value each bit of the bitmap stands for. */
  readonly ids?: string;
}

/** What is said about a key that gives no cells, or not all that stands in it. */
export interface Finding {
  /**
   * - `refused`: data that cannot be brought over; it is missing in the target
   * - `unknown`: a key under the prefix that is not of this layout
   * - `missing`: a known key that is not there any more
   * - `shared`: totals that several labels share, so that no count can be told from them
   * - `differs`: the totals of a sum do not agree with its labels; the labels are taken
   */
  readonly kind: "refused" | "unknown" | "missing" | "shared" | "differs";
  /** The key in Redis. */
  readonly key: string;
  /** The field of it that is meant; undefined for the whole key. */
  readonly field?: string;
  /** What is wrong, and what that means. */
  readonly why: string;
}

/** The keys of a prefix, sorted out. */
export interface Sorted {
  /** In no certain order. */
  readonly pieces: Piece[];
  readonly findings: Finding[];
}

/** A program's way to write keys. */
export interface Layout {
  /** As `--layout` names it. */
  readonly name: string;
  /** The prefix of a key that is a set of known keys, read from the right; undefined for other keys. */
  prefixOf(key: string): string | undefined;
  /** The key of a string with the prefix's time zone, where the program keeps one. */
  timezoneKey?(prefix: string): string;
  /**
   * Sorts the keys of a prefix out.
   *
   * @param keys all that begin with the prefix and a colon, sets of known keys left out
   * @param known the members of those sets
   */
  sort(prefix: string, keys: ReadonlySet<string>, known: ReadonlySet<string>): Sorted;
}

/** Why traqq can have no such pattern, or undefined. */
export function wrongPattern(pattern: string): string | undefined {
  const names = pattern.split("~");
  const wrong = names.find((name) => wrongName(name) !== undefined);
  if (wrong !== undefined) return wrongName(wrong);
  const place = names.findIndex((name, i) => i > 0 && names[i - 1] >= name);
  return place < 0
    ? undefined
    : "wanted property names in ascending order, each once: traqq finds no others";
}

/** Why traqq can have no property of this name, or undefined. */
export function wrongName(name: string): string | undefined {
  return /^$|[:{}]/.test(name)
    ? 'wanted property names without ":", "{" and "}", which traqq does not take'
    : undefined;
}

/** The unix seconds in a part of a key; undefined for what no program writes. */
export function secondsOf(text: string): number | undefined {
  return /^(0|[1-9]\d{0,11})$/.test(text) ? Number(text) : undefined;
}
