/**
 * Reads the decimals that stand in Redis: ours, and what HINCRBYFLOAT or a float left there.
 *
 * @module
 */

/** As long as the text of any double, without its exponent. */
const MAX_EXPONENT = 400;

/**
 * A decimal in millionths, further places rounded half away from zero; undefined for other text. It
 * reads what the scripts read (scripts/_decimal.ts), and rounds as they do.
 */
export function microsOf(text: string): bigint | undefined {
  const match = /^([+-]?)(\d*)\.?(\d*)(?:[eE]([+-]?\d+))?$/.exec(text);
  if (match === null) return undefined;
  const [, sign, whole, fraction, exponent = "0"] = match;
  const shift = Number(exponent);
  if (whole.length + fraction.length === 0 || Math.abs(shift) > MAX_EXPONENT) return undefined;
  // The value is digits × 10^-places.
  const digits = whole + fraction;
  const places = fraction.length - shift;
  let micros: bigint;
  if (places <= 6) {
    micros = BigInt(digits) * 10n ** BigInt(6 - places);
  } else {
    const cut = 10n ** BigInt(places - 6);
    micros = (BigInt(digits) + cut / 2n) / cut;
  }
  return sign === "-" ? -micros : micros;
}
