/**
 * How a caller names one metric.
 *
 * @module
 */
import { messageOf } from "../base/errors.ts";
import { show } from "../base/show.ts";
import type { Metric, MetricType } from "../storage/storage.ts";
import { propertyName, readPattern } from "./config.ts";

/** The metric types in the order in which results are listed. */
export const METRIC_TYPES: readonly MetricType[] = ["bmp", "add", "adv", "top"];

/** A metric by its parts. */
export interface MetricSelector {
  /** How it is counted. */
  type: MetricType;
  /** Property names in any order, joined by `~` or as an array. */
  key: string | readonly string[];
  /** Only for `adv`; absent: every property that was summed by this key. */
  addKey?: string;
}

/** A metric as text: `"add/event"`, `"top/event~geo"`, `"adv/event~geo/amount"`. */
export type MetricPath = `${MetricType}/${string}`;

/** A selector whose pattern is sorted. */
export interface ReadSelector {
  readonly type: MetricType;
  readonly pattern: string;
  /** Absent: any. */
  readonly addKey: string | undefined;
}

/** Whether a metric is one of those that are meant. */
export function selects(selector: ReadSelector, metric: Metric): boolean {
  return metric.type === selector.type && metric.pattern === selector.pattern &&
    (selector.addKey === undefined || metric.addKey === selector.addKey);
}

/**
 * Reads a selector.
 *
 * @throws {TypeError} if it is not one
 */
export function readSelector(selector: MetricPath | MetricSelector): ReadSelector {
  const [type, key, addKey] = typeof selector === "string"
    ? splitPath(selector)
    : [selector?.type, selector?.key, selector?.addKey];
  if (!METRIC_TYPES.includes(type as MetricType) || key === undefined) {
    throw new TypeError(
      `Cannot find a metric: wanted "add/event", "bmp/ip", "top/event~geo" or "adv/event~geo/amount", received ${
        show(selector)
      }`,
    );
  }
  if (addKey !== undefined && type !== "adv") {
    throw new TypeError(
      `Cannot find ${show(selector)}: only adv has a summed property, ${type} does not`,
    );
  }
  try {
    const text = Array.isArray(key) ? key.join("~") : key;
    return {
      type: type as MetricType,
      pattern: readPattern("key", text).text,
      addKey: addKey === undefined ? undefined : propertyName("addKey", addKey),
    };
  } catch (error) {
    throw new TypeError(`Cannot find ${show(selector)}: ${messageOf(error)}`, { cause: error });
  }
}

/** `type/key` or `adv/key/addKey`; a property name may itself hold a slash. */
function splitPath(path: string): [string, string | undefined, string | undefined] {
  const first = path.indexOf("/");
  if (first < 0) return [path, undefined, undefined];
  const type = path.slice(0, first);
  const last = path.lastIndexOf("/");
  if (type !== "adv" || last === first) return [type, path.slice(first + 1), undefined];
  return [type, path.slice(first + 1, last), path.slice(last + 1)];
}
