/**
 * The keys of trk (the npm package `trk`, `src/module.iced` of the public repository `oeo/trk`) and of
 * its heir trk2 (`oeo/trk2`).
 *
 * | key                               | type       | holds                                          |
 * | --------------------------------- | ---------- | ---------------------------------------------- |
 * | `PREFIX:START:add:PATTERN`        | hash       | counts by field (HINCRBY)                      |
 * | `PREFIX:START:addv:VALUE:LABEL`   | hash       | sums of the property VALUE by field of LABEL   |
 * | `PREFIX:START:addv:VALUE:i`       | hash       | trk: `sum` and `count` over **all** labels     |
 * | `PREFIX:START:addv:VALUE:LABEL:i` | hash       | trk2: `sum` and `count` of this label          |
 * | `PREFIX:START:bmp:PATTERN`        | string     | a bitmap (SETBIT)                              |
 * | `PREFIX:START:bmp:i:PATTERN`      | sorted set | which bit a value has (ZADD)                   |
 * | `PREFIX:START:top:PATTERN`        | sorted set | counts by member (ZINCRBY)                     |
 * | `PREFIX:k:START`                  | set        | known keys, trimmed; trk2 ends it in a colon   |
 *
 * There are days only; the start is local midnight of the machine that recorded. What is odd about it:
 *
 * - A label that is the summed property itself has no hash, though its key is known: there are only
 *   totals. Where no other label shares them they are this metric's sum and count.
 * - `count` also counts values that HINCRBY refused, such as `Infinity`, or fractions in trk2. trk cut
 *   fractions off (`parseInt`), so there is none in its sums.
 * - Values were not cleaned: fields may contain `~`, `:` and blanks.
 *
 * @module
 */
import type { Metric } from "../storage/storage.ts";
import {
  type Finding,
  type Layout,
  type Piece,
  secondsOf,
  type Sorted,
  wrongName,
  wrongPattern,
} from "./redis_layout.ts";

const KNOWN = /^(.+):k:(?:0|[1-9]\d{0,11}):?$/s;
const DATA = /^(\d+):(bmp|add|addv|top):(.+)$/s;

/** Keys as trk writes them. */
export const TRK_LAYOUT: Layout = {
  name: "trk",
  prefixOf: (key) => KNOWN.exec(key)?.[1],
  sort: (prefix, keys, known) => new Sorter(prefix, keys, known).sort(),
};

/** What the keys say about one summed property on one day. */
interface Sums {
  readonly start: number;
  readonly addKey: string;
  /** The hash and the totals of each label; a label that is only known has neither. */
  readonly labels: Map<string, { values?: string; totals?: string }>;
  /** The totals of all labels. */
  shared: string | undefined;
}

class Sorter {
  readonly #prefix: string;
  readonly #keys: ReadonlySet<string>;
  readonly #known: ReadonlySet<string>;
  readonly #sums = new Map<string, Sums>();
  readonly #pieces: Piece[] = [];
  readonly #findings: Finding[] = [];

  constructor(prefix: string, keys: ReadonlySet<string>, known: ReadonlySet<string>) {
    this.#prefix = prefix;
    this.#keys = keys;
    this.#known = known;
  }

  sort(): Sorted {
    for (const key of this.#keys) this.#sortKey(key);
    this.#sortKnown();
    for (const sums of this.#sums.values()) this.#sortSums(sums);
    return { pieces: this.#pieces, findings: this.#findings };
  }

  #sortKey(key: string): void {
    const read = this.#read(key);
    if (read === undefined) {
      return this.#find("unknown", key, "it is none of the keys of this layout");
    }
    const { start, type, rest } = read;
    if (type === "addv") return this.#sortSum(start, key, rest);
    if (type === "bmp" && rest.startsWith("i:")) {
      const bitmap = this.#key(start, "bmp", rest.slice("i:".length));
      if (this.#keys.has(bitmap)) return;
      return this.#find("missing", key, `its bitmap ${bitmap} is not there, so it counts nothing`);
    }
    const ids = this.#key(start, "bmp", `i:${rest}`);
    const wrong = wrongPattern(rest) ??
      (type === "bmp" && !this.#keys.has(ids)
        ? `${ids} is not there, so nobody knows which values were counted`
        : undefined);
    if (wrong !== undefined) return this.#find("refused", key, wrong);
    const metric: Metric = { type, pattern: rest };
    this.#pieces.push({ metric, unit: "d", start, values: key, ...type === "bmp" ? { ids } : {} });
  }

  #sortSum(start: number, key: string, rest: string): void {
    const [addKey, label, end, more] = rest.split(":");
    if (label === undefined || more !== undefined || (end !== undefined && end !== "i")) {
      return this.#find(
        "refused",
        key,
        "wanted one colon between the summed property and the label",
      );
    }
    const sums = this.#sumsOf(start, addKey);
    if (end === undefined && label === "i") sums.shared = key;
    else this.#labelOf(sums, label)[end === undefined ? "values" : "totals"] = key;
  }

  /** Known keys that are not there: mended, named as labels, or missing. */
  #sortKnown(): void {
    // Known keys were trimmed, and those they stand for were not.
    const trimmed = new Set([...this.#keys].map((key) => key.trim()));
    for (const key of this.#known) {
      if (trimmed.has(key)) continue;
      const read = this.#read(key);
      const [addKey, label, more] = read?.type === "addv" ? read.rest.split(":") : [];
      const isOwnLabel = label !== undefined && label === addKey && more === undefined;
      if (isOwnLabel) this.#labelOf(this.#sumsOf(read!.start, addKey), label);
      else this.#find("missing", key, "it is a known key, and there is no such key");
    }
  }

  #sortSums({ start, addKey, labels, shared }: Sums): void {
    if (shared !== undefined && labels.size === 0) {
      this.#find("refused", shared, "nobody knows which labels these are the totals of");
    }
    if (shared !== undefined && labels.size > 1) {
      const names = [...labels.keys()].sort().join(", ");
      this.#find("shared", shared, `its count is that of all of these labels together: ${names}`);
    }
    for (const [label, { values, totals: own }] of labels) {
      const key = values ?? own ?? this.#key(start, "addv", `${addKey}:${label}`);
      const totals = own ?? (labels.size === 1 ? shared : undefined);
      const wrong = wrongName(addKey) ?? wrongPattern(label) ??
        (values === undefined && totals === undefined
          ? "it has no sums of its own, and its totals are shared with other labels"
          : undefined);
      if (wrong !== undefined) {
        this.#find("refused", key, wrong);
      } else {
        const metric: Metric = { type: "adv", pattern: label, addKey };
        this.#pieces.push({ metric, unit: "d", start, values, totals });
      }
    }
  }

  #read(key: string) {
    if (!key.startsWith(`${this.#prefix}:`)) return undefined;
    const match = DATA.exec(key.slice(this.#prefix.length + 1));
    const start = secondsOf(match?.[1] ?? "");
    if (match === null || start === undefined) return undefined;
    return { start, type: match[2] as "bmp" | "add" | "addv" | "top", rest: match[3] };
  }

  #key(start: number, type: string, rest: string): string {
    return `${this.#prefix}:${start}:${type}:${rest}`;
  }

  #sumsOf(start: number, addKey: string): Sums {
    const name = `${start}:${addKey}`;
    let sums = this.#sums.get(name);
    if (sums === undefined) {
      sums = { start, addKey, labels: new Map(), shared: undefined };
      this.#sums.set(name, sums);
    }
    return sums;
  }

  #labelOf({ labels }: Sums, label: string): { values?: string; totals?: string } {
    let found = labels.get(label);
    if (found === undefined) labels.set(label, found = {});
    return found;
  }

  #find(kind: Finding["kind"], key: string, why: string): void {
    this.#findings.push({ kind, key, why });
  }
}
