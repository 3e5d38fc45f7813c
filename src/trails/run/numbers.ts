/**
 * Numbers in the text of values, compared exactly: no rounding, however long they are.
 *
 * @module
 */

/** JSON's number grammar; a leading + is allowed too, as where numbers are summed. */
const NUMBER = /^([+-]?)(0|[1-9]\d*)(?:\.(\d+))?(?:[eE]([+-]?\d{1,9}))?$/;

/** A number as sign, digits without zeros at the ends, and the place of its point. */
interface Exact {
  readonly sign: -1 | 0 | 1;
  /** Without leading and trailing zeros. */
  readonly digits: string;
  /** The value is 0.DIGITS × 10^point. */
  readonly point: number;
}

/** Whether the text is a number. */
export function isNumber(text: string): boolean {
  return NUMBER.test(text);
}

/** Below, at or above zero as `a` is below, at or above `b`; undefined if one is no number. */
export function compareNumbers(a: string, b: string): number | undefined {
  const x = exact(a), y = exact(b);
  if (x === undefined || y === undefined) return undefined;
  if (x.sign !== y.sign) return x.sign - y.sign;
  if (x.point !== y.point) return x.sign * (x.point - y.point);
  // Digits behind the point: text order is the order of the numbers.
  return x.digits === y.digits ? 0 : x.digits < y.digits ? -x.sign : x.sign;
}

function exact(text: string): Exact | undefined {
  const match = NUMBER.exec(text);
  if (match === null) return undefined;
  const [, sign, whole, fraction = "", exponent = "0"] = match;
  const all = whole + fraction;
  const digits = all.replace(/^0+/, "").replace(/0+$/, "");
  if (digits === "") return { sign: 0, digits, point: 0 };
  const leading = all.length - all.replace(/^0+/, "").length;
  return {
    sign: sign === "-" ? -1 : 1,
    digits,
    point: whole.length - leading + Number(exponent),
  };
}
