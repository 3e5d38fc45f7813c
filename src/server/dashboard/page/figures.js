/**
 * The figures above a chart, and what stands there of the bucket that is pointed at.
 *
 * @module
 */
import { element, foreign } from "./dom.js";
import { bucketName, mean, number } from "./format.js";
import { OTHER, peakOf, rank, valueOf } from "./series.js";

/**
 * @typedef {import("./series.js").Series} Series
 * @typedef {import("./series.js").Point} Point
 * @typedef {import("./panel.js").Frame} Frame
 * @typedef {{ name: string, value: Node | string, more?: string }} Figure
 */

/**
 * @param {Series} series
 * @param {Frame} frame
 * @returns {Figure[]}
 */
export function figuresOf({ metric, points, merged }, { unit, zone }) {
  const per = unit === "d" ? "day" : "hour";
  const peak = peakOf(points);
  /** @type {Figure} */
  const highest = {
    name: peak === undefined
      ? `Highest ${per}`
      : `Highest ${per}, ${bucketName(peak, unit, zone, "short")}`,
    value: number(peak?.total ?? 0),
    more: peak && bucketName(peak, unit, zone, "long"),
  };
  const { total, count } = merged;
  switch (metric.type) {
    case "add":
      return [
        { name: "Total", value: number(total) },
        { name: `Mean per ${per}`, value: mean((total ?? 0) / Math.max(1, points.length)) },
        highest,
      ];
    case "bmp":
      return [{ name: "In the whole range", value: number(total) }, highest];
    case "adv":
      return [
        { name: "Sum", value: number(total) },
        { name: "Events", value: number(count) },
        { name: "Mean per event", value: count === 0 ? number(null) : mean((total ?? 0) / count) },
      ];
    case "top": {
      const [first] = rank(merged.values).filter(([field]) => field !== OTHER);
      const members = merged.values.size - (merged.values.has(OTHER) ? 1 : 0);
      return [
        { name: "First", value: first === undefined ? number(null) : fieldName(first[0]) },
        { name: "Its score", value: number(first?.[1] ?? 0) },
        { name: "Members", value: merged.isWhole ? number(members) : `${number(members)} or more` },
      ];
    }
  }
}

/**
 * A field as one piece of text.
 *
 * @param {string} field
 */
export function fieldName(field) {
  if (field === OTHER) return element("span", { class: "rest" }, "all others");
  return foreign(field.split("~").join(" · "));
}

/**
 * @param {Series} series
 * @param {Frame} frame
 * @param {Point | undefined} point
 * @param {import("./lines.js").Lines} lines
 * @returns {{ nodes: Node[], text: string }} the same for the eye and for screen readers
 */
export function readoutOf({ metric, points }, { unit, zone }, point, lines) {
  /** @type {Node[]} */
  const nodes = [];
  /** @type {string[]} */
  const words = [];
  const name = point && bucketName(point, unit, zone, "long");
  if (name !== undefined) {
    nodes.push(element("span", {}, name));
    words.push(name);
  } else if (points.length > 0) {
    const first = bucketName(points[0], unit, zone, "long");
    const last = bucketName(points[points.length - 1], unit, zone, "long");
    const range = first === last ? first : `${first} – ${last}`;
    nodes.push(element("span", { class: "quiet" }, range));
    words.push(range);
  }
  if (point !== undefined && (metric.type !== "top" || lines.all().length === 0)) {
    const total = element("span", {}, element("b", {}, number(point.total)));
    // Beside lines it is told apart by its name.
    if (lines.all().length > 0) total.prepend(element("span", { class: "quiet" }, "all"));
    nodes.push(total);
    words.push(number(point.total));
  }
  for (const { line, field } of lines.all()) {
    const swatch = element("span", { class: "swatch", "data-line": line });
    const label = element("span", {}, swatch, fieldName(field));
    if (point !== undefined) label.append(element("b", {}, number(valueOf(point, field))));
    nodes.push(label);
    if (point !== undefined) words.push(`${field}: ${number(valueOf(point, field))}`);
  }
  return { nodes, text: words.join(", ") };
}
