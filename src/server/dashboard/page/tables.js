/**
 * What the tables beside the charts hold: the values of the whole range, or its buckets.
 *
 * @module
 */
import { element, foreign } from "./dom.js";
import { fieldName } from "./figures.js";
import { bucketName, mean, number, share } from "./format.js";
import { nameOf, OTHER, partsOf, rank } from "./series.js";

/**
 * @typedef {import("./series.js").Series} Series
 * @typedef {import("./table.js").TableData} TableData
 */

/** @type {Record<import("./series.js").MetricType, string>} */
const VALUE_NAMES = { add: "Count", bmp: "Uniques", adv: "Sum", top: "Score" };

/**
 * The values, highest first. A box before each puts it into the chart.
 *
 * @param {Series} series
 * @param {import("./lines.js").Lines} lines
 * @param {string} found only values that hold this text
 * @returns {TableData}
 */
export function valueTable({ metric, merged }, lines, found) {
  const { type, key } = metric;
  const wanted = found.trim().toLocaleLowerCase();
  const ranked = rank(merged.values).map(([field, value], i) => ({ field, value, place: i + 1 }));
  const rows = ranked.filter(({ field }) => field.toLocaleLowerCase().includes(wanted));
  const { total } = merged;
  const hasShare = type !== "adv" && total !== null && total > 0;
  return {
    caption: `Values of ${nameOf(metric)}, highest first; arrow keys move from box to box`,
    columns: [
      { title: "In the chart", isMark: true },
      ...type === "top" ? [{ title: "#", isNumber: true }] : [],
      ...key.map((title) => ({ title })),
      { title: VALUE_NAMES[type], isNumber: true },
      ...hasShare ? [{ title: "Share", isNumber: true }] : [],
    ],
    headColumns: key.length,
    length: rows.length,
    row: (index) => {
      const { field, value, place } = rows[index];
      const line = lines.lineOf(field);
      const box = element("input", {
        type: "checkbox",
        "data-field": field,
        "data-line": line,
        "aria-label": `${field === OTHER ? "all others" : field} in the chart`,
        tabindex: index === 0 ? 0 : -1,
      });
      // Not disabled, so that the arrow keys pass by.
      box.setAttribute("aria-disabled", String(line === undefined && lines.isFull));
      box.checked = line !== undefined;
      const names = field === OTHER
        ? key.map((_, i) => i === 0 ? fieldName(field) : "")
        : partsOf(key, field).map(foreign);
      return {
        cells: [
          box,
          ...type === "top" ? [field === OTHER ? "" : number(place)] : [],
          ...names,
          number(value),
          ...hasShare ? [share(value / (total ?? 1))] : [],
        ],
        isMarked: line !== undefined,
      };
    },
    none: wanted === "" ? "Nothing in this range." : "No value holds this text.",
  };
}

/**
 * The buckets, latest first.
 *
 * @param {Series} series
 * @param {import("./panel.js").Frame} frame
 * @returns {TableData}
 */
export function bucketTable({ metric, points }, { unit, zone }) {
  const { type } = metric;
  const columns = [{ title: unit === "d" ? "Day" : "Hour" }];
  const numberColumn = { title: VALUE_NAMES[type], isNumber: true };
  return {
    caption: `${nameOf(metric)} per ${unit === "d" ? "day" : "hour"}, latest first`,
    columns: type === "top"
      ? [...columns, { title: "First" }, numberColumn]
      : type === "adv"
      ? [...columns, numberColumn, { title: "Events", isNumber: true }, {
        title: "Mean",
        isNumber: true,
      }]
      : [...columns, numberColumn],
    headColumns: 1,
    length: points.length,
    row: (index) => {
      const point = points[points.length - 1 - index];
      const name = bucketName(point, unit, zone, "long");
      if (type === "top") {
        const [first] = rank(point.values).filter(([field]) => field !== OTHER);
        return {
          cells: first === undefined
            ? [name, "", "0"]
            : [name, fieldName(first[0]), number(first[1])],
        };
      }
      if (type !== "adv") return { cells: [name, number(point.total)] };
      const { total, count } = point;
      return {
        cells: [name, number(total), number(count), count === 0 ? "" : mean((total ?? 0) / count)],
      };
    },
    none: "Nothing in this range.",
  };
}
