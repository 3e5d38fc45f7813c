/**
 * Cuts cells so that one script carries each part.
 *
 * @module
 */
import type { Cell } from "../storage.ts";
import { knownKey, metricKey } from "./keys.ts";

/** Keys and arguments of a script. More of them would hold up the server's other clients. */
export const MAX_SCRIPT_ARGUMENTS = 5_000;
/** Bytes of a script's keys and arguments. */
export const MAX_SCRIPT_BYTES: number = 1 << 20;

/** Arguments that every script has: bookkeeping, and the checkpoints. */
const FIXED_ARGUMENTS = 20;
/** A key and its group's head, and the same for the summary of an `adv`. */
const GROUP_ARGUMENTS = 8;
/** Unit, start, number of groups and the set of known keys. */
const BUCKET_ARGUMENTS = 4;
/** Bytes of a number, and of what frames an argument on the wire. */
const CELL_BYTES = 40;
/** A UTF-16 unit takes at most three bytes as UTF-8. */
const BYTES_PER_UNIT = 3;

/** Lists of cells in the order given, none empty. Pure. */
export function splitCells(prefix: string, cells: readonly Cell[]): Cell[][] {
  const lists: Cell[][] = [];
  let list: Cell[] = [];
  let seen = new Set<string>();
  let count = FIXED_ARGUMENTS;
  let bytes = 0;
  const weigh = (cell: Cell) => {
    let args = 2;
    let size = CELL_BYTES;
    if ("field" in cell) size += BYTES_PER_UNIT * cell.field.length;
    if (cell.kind === "sketch") size += cell.sketch.length;
    const key = metricKey(prefix, cell);
    const bucket = knownKey(prefix, cell.unit, cell.start);
    if (!seen.has(key)) {
      args += GROUP_ARGUMENTS;
      size += 2 * BYTES_PER_UNIT * key.length;
    }
    if (!seen.has(bucket)) {
      args += BUCKET_ARGUMENTS;
      size += BYTES_PER_UNIT * bucket.length;
    }
    return { args, size, names: [key, bucket] };
  };
  for (const cell of cells) {
    let weight = weigh(cell);
    const full = count + weight.args > MAX_SCRIPT_ARGUMENTS ||
      bytes + weight.size > MAX_SCRIPT_BYTES;
    if (full && list.length > 0) {
      lists.push(list);
      list = [];
      seen = new Set();
      count = FIXED_ARGUMENTS;
      bytes = 0;
      weight = weigh(cell);
    }
    list.push(cell);
    count += weight.args;
    bytes += weight.size;
    for (const name of weight.names) seen.add(name);
  }
  if (list.length > 0) lists.push(list);
  return lists;
}
