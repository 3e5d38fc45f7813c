/**
 * Columns of whole numbers. Neighbours are often alike, so a column is written as it is, as
 * differences, or as differences of differences (the times of Gorilla, VLDB 2015), whichever is
 * shortest, each number in the exponential Golomb code of the order that suits the column.
 *
 * ```text
 * ┌───────┬────────┬───────────────┐
 * │ shape │ order  │ numbers       │
 * │ 2 bits│ 6 bits │ golomb(order) │
 * └───────┴────────┴───────────────┘
 * ```
 *
 * Choosing costs one pass that counts how many numbers have which width: from that the length of
 * every order is known, near enough to choose.
 *
 * @module
 */
import { type BitReader, type BitWriter, unzigzag, widthOf, zigzag } from "./bits.ts";

/** The largest number of a column: its differences of differences still have a zigzag form. */
export const MAX_INTEGER: number = 2 ** 50;

/** Columns of numbers from 0 to {@linkcode MAX_INTEGER}. */
export type Integers = Float64Array | Uint16Array;

const SHAPES = { plain: 0, rising: 1, differences: 2, second: 3 } as const;
type Shape = typeof SHAPES[keyof typeof SHAPES];

const MAX_WIDTH = 53;
const WIDTHS = MAX_WIDTH + 1;

/** What a number costs whose width is `d` above the order, besides the order: about 2d - 1. */
const COSTS = Float64Array.from(
  { length: WIDTHS },
  (_, d) => d === 0 ? 1 : 2 * d - 1 + 2 ** (2 - d),
);

/** Writes the numbers from `start` to before `end`. Whole numbers, not above {@linkcode MAX_INTEGER}. */
export function writeIntegers(
  writer: BitWriter,
  values: Integers,
  start: number,
  end: number,
): void {
  const { shape, order } = choose(values, start, end);
  writer.bits(shape | (order << 2), 8);
  let last = 0;
  let lastStep = 0;
  for (let i = start; i < end; i++) {
    const value = values[i];
    const step = value - last;
    writer.golomb(
      shape === SHAPES.plain
        ? value
        : shape === SHAPES.rising
        ? step
        : zigzag(shape === SHAPES.second ? step - lastStep : step),
      order,
    );
    last = value;
    lastStep = step;
  }
}

/**
 * Reads them into `values`.
 *
 * @throws {RangeError} for what no writer has written
 */
export function readIntegers(
  reader: BitReader,
  values: Integers,
  start: number,
  end: number,
): void {
  const head = reader.bits(8);
  const shape = (head & 3) as Shape;
  const order = head >>> 2;
  if (order > MAX_WIDTH - 1) throw new RangeError(`there is no order ${order}`);
  const max = values instanceof Uint16Array ? 0xffff : MAX_INTEGER;
  let last = 0;
  let lastStep = 0;
  for (let i = start; i < end; i++) {
    let value = reader.golomb(order);
    if (shape === SHAPES.rising) value += last;
    else if (shape === SHAPES.differences) value = last + unzigzag(value);
    else if (shape === SHAPES.second) value = last + lastStep + unzigzag(value);
    if (!(value >= 0 && value <= max)) throw new RangeError(`${value} is not from 0 to ${max}`);
    lastStep = value - last;
    last = value;
    values[i] = value;
  }
}

/** The shape and order that make the column shortest. */
function choose(
  values: Integers,
  start: number,
  end: number,
): { shape: Shape; order: number } {
  const plain = new Uint32Array(WIDTHS);
  const steps = new Uint32Array(WIDTHS);
  const second = new Uint32Array(WIDTHS);
  let rises = true;
  let last = 0;
  let lastStep = 0;
  for (let i = start; i < end; i++) {
    const value = values[i];
    const step = value - last;
    const change = step - lastStep;
    plain[widthOf(value)]++;
    // Without the sign, which takes a bit where there is one.
    steps[widthOf(step < 0 ? -step : step)]++;
    second[widthOf(change < 0 ? -change : change)]++;
    if (step < 0) rises = false;
    last = value;
    lastStep = step;
  }
  let best = { shape: SHAPES.plain as Shape, ...bestOrder(plain, 0) };
  const consider = (shape: Shape, widths: Uint32Array, signBits: number) => {
    const found = bestOrder(widths, signBits);
    if (found.bits < best.bits) best = { shape, ...found };
  };
  if (rises) consider(SHAPES.rising, steps, 0);
  else consider(SHAPES.differences, steps, 1);
  consider(SHAPES.second, second, 1);
  return best;
}

/** The best order for numbers of which so many have each width, and about how many bits they take. */
function bestOrder(widths: Uint32Array, signBits: number): { order: number; bits: number } {
  let widest = MAX_WIDTH;
  while (widest > 0 && widths[widest] === 0) widest--;
  const most = Math.min(widest + signBits, MAX_WIDTH - 1);
  let best = { order: 0, bits: Infinity };
  for (let order = 0; order <= most; order++) {
    let bits = 0;
    for (let width = 0; width <= widest; width++) {
      // 0 has no sign.
      const whole = width === 0 ? 0 : width + signBits;
      bits += widths[width] * (order + COSTS[Math.max(0, whole - order)]);
    }
    if (bits < best.bits) best = { order, bits };
  }
  return best;
}
