/**
 * PostgreSQL's binary form of a decimal: digits to the base of 10,000.
 *
 * @module
 */

const NEGATIVE = 0x4000;
const NOT_A_NUMBER = 0xc000;
const INFINITE = 0xd000;
const MINUS_INFINITE = 0xf000;

/** More digits behind the point than any decimal of ours. */
const MAX_DIGITS = 2000;

/** Encodes what `-12.50` says. */
export function encodeNumeric(text: string): Uint8Array {
  const match = /^(-?)(\d+)(?:\.(\d*))?$/.exec(text);
  if (match === null) return header(0, 0, NOT_A_NUMBER, 0, []);
  const [, sign, whole, fraction = ""] = match;
  const groups = Math.ceil(whole.length / 4);
  const digits = whole.padStart(groups * 4, "0") +
    fraction.padEnd(Math.ceil(fraction.length / 4) * 4, "0");
  const values = Array.from(
    { length: digits.length / 4 },
    (_, i) => +digits.slice(i * 4, i * 4 + 4),
  );
  let weight = groups - 1;
  while (values.length > 0 && values[0] === 0) {
    values.shift();
    weight--;
  }
  while (values.at(-1) === 0) values.pop();
  return header(
    values.length,
    values.length === 0 ? 0 : weight,
    sign === "-" && values.length > 0 ? NEGATIVE : 0,
    fraction.length,
    values,
  );
}

/** What {@linkcode encodeNumeric} or a client has encoded; undefined if it is damaged. */
export function decodeNumeric(bytes: Uint8Array): string | undefined {
  if (bytes.length < 8) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const count = view.getUint16(0), weight = view.getInt16(2);
  const sign = view.getUint16(4), scale = view.getUint16(6);
  if (sign === NOT_A_NUMBER) return "NaN";
  if (sign === INFINITE) return "Infinity";
  if (sign === MINUS_INFINITE) return "-Infinity";
  if (bytes.length !== 8 + 2 * count || scale > MAX_DIGITS || Math.abs(weight) > MAX_DIGITS) {
    return undefined;
  }
  const group = (power: number) => {
    const i = weight - power;
    return String(i >= 0 && i < count ? view.getUint16(8 + 2 * i) : 0).padStart(4, "0");
  };
  let whole = "", fraction = "";
  for (let power = Math.max(weight, 0); power >= 0; power--) whole += group(power);
  for (let power = -1; -power * 4 < scale + 4; power--) fraction += group(power);
  const text = whole.replace(/^0+(?=\d)/, "") + (scale > 0 ? `.${fraction.slice(0, scale)}` : "");
  return sign === NEGATIVE ? `-${text}` : text;
}

function header(
  count: number,
  weight: number,
  sign: number,
  scale: number,
  digits: readonly number[],
): Uint8Array {
  const bytes = new Uint8Array(8 + 2 * count);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, count);
  view.setInt16(2, weight);
  view.setUint16(4, sign);
  view.setUint16(6, scale);
  digits.forEach((digit, i) => view.setUint16(8 + 2 * i, digit));
  return bytes;
}
