/**
 * What the server answers, as what is drawn: pure, from the wire's JSON to points and ranks.
 *
 * A number that is not known stays null. A leaderboard shows 250 members of a bucket, so where there
 * may be more, neither its total nor the score of a member that is missing is known.
 *
 * @module
 */
// @ts-check

/**
 * @typedef {"add" | "bmp" | "adv" | "top"} MetricType
 * @typedef {{ type: MetricType, key: string[], addKey?: string }} Metric
 * @typedef {{ metric_type: string, key: string[], add_key: string | null, result: any }} WireResult
 * @typedef {{ date: string, timestamp: number, results: WireResult[] }} WireBucket
 */

/**
 * What one bucket, or the whole range, says.
 *
 * @typedef {object} Numbers
 * @property {number | null} total of all values; null: not known
 * @property {number} count events that were summed; only with `adv`
 * @property {Map<string, number>} values by field
 * @property {boolean} isWhole whether a field that is missing has nothing
 */

/**
 * @typedef {Numbers & { start: number, label: string }} Point
 * @typedef {{ metric: Metric, points: Point[], merged: Numbers }} Series
 */

/** The most members that the server shows of a leaderboard. */
const MAX_RANKED = 250;
/** Where fields beyond the server's limit are counted. */
export const OTHER = "~other";

/**
 * `adv/event~geo/amount`: how `/find` and this page's address name a metric.
 *
 * @param {Metric} metric
 */
export function pathOf({ type, key, addKey }) {
  return `${type}/${key.join("~")}${addKey === undefined ? "" : `/${addKey}`}`;
}

/**
 * The glob that means a metric: what has a meaning in globs loses it. It also means those whose names
 * differ only by slashes at the end; {@linkcode readSeries} leaves them out.
 *
 * @param {Metric} metric
 */
export function globOf({ type, key, addKey }) {
  const name = addKey === undefined ? key.join("~") : `${addKey}:${key.join("~")}`;
  return `${type}:${name.replace(/[\\*?[\]{}()!+@|#]/g, "\\$&")}`;
}

/**
 * A metric as a person reads it.
 *
 * @param {Metric} metric
 */
export function nameOf({ key, addKey }) {
  const pattern = key.join(" × ");
  return addKey === undefined ? pattern : `${addKey} by ${pattern}`;
}

/**
 * @param {Metric} metric
 * @param {WireBucket[]} buckets the answer of `/query`
 * @param {WireResult[]} [merged] the answer of `/find` with `merge`; without it counts and sums are added
 *   up here
 * @returns {Series}
 */
export function readSeries(metric, buckets, merged) {
  const points = buckets.map(({ date, timestamp, results }) => ({
    start: timestamp,
    label: date,
    ...numbersOf(metric, results),
  }));
  return {
    metric,
    points,
    merged: merged === undefined ? addedUp(points) : numbersOf(metric, merged),
  };
}

/**
 * Whether `/find` can name a metric: a slash in the name of what is summed would be taken for the one
 * before it. The buckets of others are added up here.
 *
 * @param {Metric} metric
 */
export function canBeFound({ addKey }) {
  return !addKey?.includes("/");
}

/**
 * @param {readonly Point[]} points of counts or sums
 * @returns {Numbers}
 */
function addedUp(points) {
  /** @type {Map<string, bigint>} */
  const values = new Map();
  let total = 0n, count = 0;
  for (const point of points) {
    for (const [field, value] of point.values) {
      values.set(field, (values.get(field) ?? 0n) + microsOf(value));
    }
    total += microsOf(point.total ?? 0);
    count += point.count;
  }
  return {
    total: Number(total) / 1e6,
    count,
    values: new Map([...values].map(([field, micros]) => [field, Number(micros) / 1e6])),
    isWhole: true,
  };
}

/**
 * Sums have six decimals: in millionths they are added without an error.
 *
 * @param {number} value
 */
function microsOf(value) {
  const whole = Math.trunc(value);
  return BigInt(whole) * 1_000_000n + BigInt(Math.round((value - whole) * 1e6));
}

/**
 * @param {Metric} metric
 * @param {WireResult[]} results
 * @returns {Numbers}
 */
function numbersOf(metric, results) {
  /** @type {Numbers} */
  const numbers = { total: 0, count: 0, values: new Map(), isWhole: true };
  for (const { metric_type, key, add_key, result } of results) {
    const isThis = metric_type === metric.type && key.join("~") === metric.key.join("~") &&
      (add_key ?? undefined) === metric.addKey;
    if (!isThis) continue;
    if ("Count" in result) numbers.total = result.Count;
    if ("Hash" in result) {
      numbers.values = new Map(Object.entries(result.Hash));
      numbers.total = sum(numbers.values.values());
    }
    if ("FloatHash" in result) numbers.values = new Map(Object.entries(result.FloatHash));
    if ("Summary" in result) {
      numbers.total = result.Summary.sum;
      numbers.count = result.Summary.count;
    }
    if ("Ranked" in result) {
      numbers.values = new Map(result.Ranked);
      const members = numbers.values.size - (numbers.values.has(OTHER) ? 1 : 0);
      numbers.isWhole = members < MAX_RANKED;
      numbers.total = numbers.isWhole ? sum(numbers.values.values()) : null;
    }
  }
  return numbers;
}

/**
 * What one field has in a bucket; null where that is not known.
 *
 * @param {Numbers} numbers
 * @param {string} field
 */
export function valueOf({ values, isWhole }, field) {
  return values.get(field) ?? (isWhole ? 0 : null);
}

/**
 * Fields with their values, highest first, equal ones by their names, `~other` last: the server's order.
 *
 * @param {Map<string, number>} values
 * @returns {[field: string, value: number][]}
 */
export function rank(values) {
  return [...values].sort(([a, x], [b, y]) =>
    Number(a === OTHER) - Number(b === OTHER) || y - x || (a < b ? -1 : a > b ? 1 : 0)
  );
}

/**
 * A field's value for each property. One that the server had to cut may lack the last ones.
 *
 * @param {readonly string[]} names
 * @param {string} field
 */
export function partsOf(names, field) {
  if (field === OTHER) return names.map(() => OTHER);
  const parts = field.split("~");
  return names.map((_, i) => i < names.length - 1 ? parts[i] ?? "" : parts.slice(i).join("~"));
}

/**
 * The bucket with the highest total; undefined where none is known or all are zero.
 *
 * @param {readonly Point[]} points
 */
export function peakOf(points) {
  /** @type {Point | undefined} */
  let peak;
  for (const point of points) {
    if (point.total !== null && point.total > (peak?.total ?? 0)) peak = point;
  }
  return peak;
}

/** @param {Iterable<number>} values */
function sum(values) {
  let total = 0;
  for (const value of values) total += value;
  return total;
}
