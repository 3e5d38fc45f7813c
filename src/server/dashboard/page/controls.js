/**
 * What is shown: range, unit, zone. It stands behind the `#` of the page's address, so that it can be
 * kept as a bookmark, and the server does not see it.
 *
 * @module
 */
import { byId, fillSelect } from "./dom.js";
import { day } from "./format.js";

/**
 * @typedef {object} Overview what the server says of all its data
 * @property {string} timezone
 * @property {{ first: string, last: string } | null} days
 * @property {boolean} hourly
 * @property {import("./series.js").Metric[]} metrics
 * @typedef {import("./panel.js").Frame} Frame
 */

/** Days of the ranges, by what stands in the address. */
const RANGES = [
  { value: "1", label: "Today" },
  { value: "7", label: "Last 7 days" },
  { value: "30", label: "Last 30 days" },
  { value: "90", label: "Last 90 days" },
  { value: "365", label: "Last 365 days" },
];
const DEFAULT_DAYS = 30;
const DAY_MS = 86_400_000;

export class Controls {
  #range = byId("range", HTMLSelectElement);
  #from = byId("from", HTMLInputElement);
  #to = byId("to", HTMLInputElement);
  #zone = byId("zone", HTMLSelectElement);
  #units;
  #timezone = "UTC";
  /** @type {Overview["days"]} */
  #days = null;
  #isHourly = false;
  #isFirst = true;

  /** @param {() => void} onChange */
  constructor(onChange) {
    const form = byId("controls", HTMLFormElement);
    this.#units = [...form.querySelectorAll("input")].filter(({ name }) => name === "unit");
    form.addEventListener("submit", (event) => event.preventDefault());
    form.addEventListener("change", () => {
      this.#adapt();
      if (this.#isValid()) onChange();
    });
  }

  /**
   * Offers what there is.
   *
   * @param {Overview} overview
   */
  set({ timezone, days, hourly }) {
    this.#timezone = timezone;
    this.#days = days;
    this.#isHourly = hourly;
    const kept = readAddress();
    const all = days === null
      ? []
      : [{ value: "all", label: `All, ${day(days.first, "plain")} – ${day(days.last, "plain")}` }];
    const ranges = [...RANGES, ...all, { value: "custom", label: "From – to" }];
    fillSelect(
      this.#range,
      ranges,
      this.#isFirst ? kept.get("range") ?? this.#firstRange() : this.#range.value,
    );
    const local = Intl.DateTimeFormat().resolvedOptions().timeZone;
    const zones = new Map([[usable(timezone), `Of the data: ${timezone}`]]);
    if (!zones.has(local)) zones.set(local, `Of this browser: ${local}`);
    if (!zones.has("UTC")) zones.set("UTC", "UTC");
    fillSelect(
      this.#zone,
      [...zones].map(([value, label]) => ({ value, label })),
      this.#isFirst ? kept.get("zone") ?? "" : this.#zone.value,
    );
    for (const input of this.#units) {
      if (input.value === "h") input.disabled = !hourly;
      if (this.#isFirst) input.checked = input.value === (hourly ? kept.get("unit") ?? "d" : "d");
      else if (!hourly) input.checked = input.value === "d";
    }
    if (this.#isFirst) {
      this.#from.value = kept.get("from") ?? days?.first ?? this.#today();
      this.#to.value = kept.get("to") ?? days?.last ?? this.#today();
      this.#isFirst = false;
    }
    this.#adapt();
  }

  /** @returns {"d" | "h"} */
  get unit() {
    return this.#units.some(({ value, checked }) => value === "h" && checked) ? "h" : "d";
  }

  /** The zone that times are shown in. */
  get zone() {
    return this.#zone.value;
  }

  /** @returns {Frame} */
  frame() {
    const range = this.#range.value;
    const days = this.#days;
    return {
      range: range === "custom"
        ? { from: this.#from.value, to: this.#to.value }
        : range === "all" && days !== null
        ? { from: days.first, to: days.last }
        : { days: range === "all" ? String(DEFAULT_DAYS) : range },
      unit: this.unit,
      zone: this.zone,
    };
  }

  /**
   * Writes the choice into the address.
   *
   * @param {readonly (readonly [name: string, path: string])[]} metrics those shown, by type
   */
  keep(metrics) {
    const kept = new URLSearchParams({ range: this.#range.value, unit: this.unit });
    if (this.#range.value === "custom") {
      kept.set("from", this.#from.value);
      kept.set("to", this.#to.value);
    }
    kept.set("zone", this.zone);
    for (const [name, path] of metrics) if (path !== "") kept.set(name, path);
    history.replaceState(null, "", `#${kept}`);
  }

  /** The metric of a type that the address names. @param {string} type */
  keptMetric(type) {
    return readAddress().get(type) ?? "";
  }

  /** The last 30 days, or everything where there is nothing in them. */
  #firstRange() {
    const begin = Date.parse(this.#today()) - (DEFAULT_DAYS - 1) * DAY_MS;
    const isRecent = this.#days === null || !(Date.parse(this.#days.last) < begin);
    return isRecent ? String(DEFAULT_DAYS) : "all";
  }

  /** The date of today in the data's zone. */
  #today() {
    // Sweden writes dates as ISO 8601 does.
    return new Intl.DateTimeFormat("sv-SE", { timeZone: usable(this.#timezone) }).format();
  }

  /** What is of no use with what was chosen is switched off. */
  #adapt() {
    const isCustom = this.#range.value === "custom";
    for (const input of [this.#from, this.#to]) {
      const label = input.closest("label");
      if (label !== null) label.hidden = !isCustom;
      input.disabled = !isCustom;
    }
    this.#zone.disabled = this.unit === "d";
    byId("frame-note", HTMLElement).textContent = !this.#isHourly
      ? `Days of ${this.#timezone}; hours are not kept (time.hourly)`
      : this.unit === "d"
      ? `Days of ${this.#timezone}, as they are kept`
      : "";
  }

  /** Says what is wrong with dates that cannot be asked for. */
  #isValid() {
    const isTurned = this.#range.value === "custom" && this.#from.value > this.#to.value;
    this.#to.setCustomValidity(isTurned ? "The range ends before it starts" : "");
    return byId("controls", HTMLFormElement).reportValidity();
  }
}

function readAddress() {
  return new URLSearchParams(location.hash.slice(1));
}

/**
 * The zone, or UTC where this browser does not know it.
 *
 * @param {string} zone
 */
function usable(zone) {
  try {
    new Intl.DateTimeFormat(undefined, { timeZone: zone });
    return zone;
  } catch {
    return "UTC";
  }
}
