/**
 * Numbers, never abbreviated: grouped for a terminal (`154,078`), plain for everything else.
 *
 * @module
 */

/** How numbers are written. */
export interface NumberFormat {
  /** Thousands separators. */
  grouped: boolean;
}

const formats = new Map<string, Intl.NumberFormat>();

/**
 * The number in decimal digits, never with an exponent, with up to six decimals.
 *
 * @param decimals exactly so many; absent: as many as it has
 */
export function formatNumber(value: number, { grouped }: NumberFormat, decimals?: number): string {
  const name = `${grouped} ${decimals}`;
  let format = formats.get(name);
  if (format === undefined) {
    format = new Intl.NumberFormat("en-US", {
      useGrouping: grouped,
      minimumFractionDigits: decimals ?? 0,
      maximumFractionDigits: decimals ?? 6,
    });
    formats.set(name, format);
  }
  // Adding 0 turns -0 into 0; what rounds to it would still be "-0".
  return format.format(value + 0).replace(/^-(0(\.0*)?)$/, "$1");
}

/** Decimals that the number has, at most six. */
export function decimalsOf(value: number): number {
  const text = formatNumber(value, { grouped: false });
  const point = text.indexOf(".");
  return point < 0 ? 0 : text.length - point - 1;
}
