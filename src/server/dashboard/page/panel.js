/**
 * A panel: all metrics of one type, of which one is shown as figures, a chart and a table.
 *
 * @module
 */
import { ApiError, get, urlOf } from "./api.js";
import { Chart, indexAfter } from "./chart.js";
import { element, fillSelect, within } from "./dom.js";
import { figuresOf, readoutOf } from "./figures.js";
import { axisName, short } from "./format.js";
import { Lines } from "./lines.js";
import { canBeFound, globOf, nameOf, pathOf, rank, readSeries, valueOf } from "./series.js";
import { bucketTable, valueTable } from "./tables.js";
import { drawTable, focusBox, moveInTable, rowsShown } from "./table.js";

/**
 * @typedef {import("./series.js").Metric} Metric
 * @typedef {import("./series.js").Series} Series
 * @typedef {import("./series.js").MetricType} MetricType
 */

/**
 * What is asked for.
 *
 * @typedef {object} Frame
 * @property {Record<string, string>} range parameters of the server
 * @property {"d" | "h"} unit
 * @property {string} zone for hours
 */

/** @type {Record<MetricType, { title: string, about: string }>} */
const WORDS = {
  add: { title: "Counts", about: "How often each value came" },
  bmp: { title: "Uniques", about: "How many different values there were; standard error 0.81 %" },
  adv: { title: "Sums", about: "A number, added up by value" },
  top: { title: "Leaderboards", about: "The most frequent values, first 250" },
};

/** Lines that a leaderboard begins with. */
const FIRST_LINES = 3;

export class Panel {
  /** @type {MetricType} */
  type;
  #events;
  #section;
  #chart;
  /** @type {Metric[]} */
  #metrics = [];
  /** @type {Series | undefined} */
  #series;
  /** @type {Frame | undefined} */
  #frame;
  /** The frame of what is drawn, which is older while an answer is awaited. @type {Frame | undefined} */
  #drawn;
  #lines = new Lines();
  /** @type {"values" | "buckets"} */
  #view = "values";
  /** Whether the user has said which table to show. */
  #isViewChosen = false;
  #found = "";
  /** @type {number | null} */
  #pointed = null;
  /** @type {AbortController | undefined} */
  #asking;

  /**
   * @param {MetricType} type
   * @param {{ onChoose: () => void, onError: (error: unknown) => void }} events
   */
  constructor(type, events) {
    this.type = type;
    this.#events = events;
    const template = within(document, "#panel", HTMLTemplateElement);
    const copy = /** @type {DocumentFragment} */ (template.content.cloneNode(true));
    this.#section = within(copy, "section", HTMLElement);
    const title = within(copy, "h2", HTMLElement);
    title.textContent = WORDS[type].title;
    title.id = `panel-${type}`;
    this.#section.setAttribute("aria-labelledby", title.id);
    this.#section.dataset.type = type;
    this.#part("about", HTMLElement).textContent = WORDS[type].about;
    this.#chart = new Chart(this.#part("chart", HTMLElement), (index) => this.#point(index));
    this.#listen();
  }

  get element() {
    return this.#section;
  }

  /** What is shown, `add/event`; empty where there is none. */
  get path() {
    return this.#part("metric", HTMLSelectElement).value;
  }

  /**
   * @param {Metric[]} metrics all of this panel's type
   * @param {string} path the one to show, if it is there
   */
  setMetrics(metrics, path) {
    // What is simplest is shown first.
    this.#metrics = metrics.toSorted((a, b) => a.key.length - b.key.length);
    const options = this.#metrics.map((metric) => ({
      value: pathOf(metric),
      label: nameOf(metric),
    }));
    fillSelect(this.#part("metric", HTMLSelectElement), options, path);
  }

  /**
   * Asks the server and draws what it says. What was asked before and is not answered is given up.
   *
   * @param {Frame} [frame] default as before
   */
  async load(frame = this.#frame) {
    const metric = this.#metrics.find((metric) => pathOf(metric) === this.path);
    if (frame === undefined || metric === undefined) return;
    this.#frame = frame;
    this.#asking?.abort();
    const { signal } = this.#asking = new AbortController();
    const range = { ...frame.range, unit: frame.unit };
    this.#section.setAttribute("aria-busy", "true");
    try {
      const [buckets, merged] = await Promise.all([
        get("query", { ...range, accept: globOf(metric) }, signal),
        metric.type === "add" || !canBeFound(metric)
          ? undefined
          : get("find", { ...range, q: pathOf(metric), merge: "true" }, signal),
      ]);
      this.#show(readSeries(metric, buckets, merged), frame);
    } catch (error) {
      if (signal.aborted) return;
      this.#fail(error);
    }
    this.#section.removeAttribute("aria-busy");
  }

  /** Draws the chart anew: its colours have changed. */
  recolour() {
    this.#chart.draw();
  }

  /**
   * @param {Series} series
   * @param {Frame} frame
   */
  #show(series, frame) {
    const isOther = this.#series === undefined ||
      pathOf(this.#series.metric) !== pathOf(series.metric);
    const isOtherRange = isOther || this.#drawn?.unit !== frame.unit ||
      this.#series?.points.length !== series.points.length ||
      this.#series?.points[0]?.start !== series.points[0]?.start;
    this.#series = series;
    this.#drawn = frame;
    if (isOther) {
      const first = rank(series.merged.values).slice(0, FIRST_LINES).map(([field]) => field);
      this.#lines = new Lines(this.type === "top" ? first : []);
      // One value alone says nothing that the figures do not.
      if (!this.#isViewChosen) this.#view = series.merged.values.size === 1 ? "buckets" : "values";
      if (this.type === "bmp") this.#view = "buckets";
      this.#found = within(this.#part("find", HTMLElement), "input", HTMLInputElement).value = "";
    }
    if (isOtherRange) {
      this.#pointed = null;
      this.#part("table", HTMLElement).scrollTop = 0;
      delete this.#part("table", HTMLElement).dataset.shown;
    }
    this.#part("error", HTMLElement).hidden = true;
    this.#part("body", HTMLElement).hidden = false;
    this.#draw();
  }

  /** @param {unknown} error */
  #fail(error) {
    if (error instanceof ApiError && error.status === 401) return this.#events.onError(error);
    const again = element("button", { type: "button" }, "Try again");
    again.addEventListener("click", () => void this.load());
    const notice = this.#part("error", HTMLElement);
    notice.replaceChildren(error instanceof Error ? error.message : String(error), again);
    notice.hidden = false;
    // Numbers of another question must not stand below this.
    this.#part("body", HTMLElement).hidden = true;
    this.#series = undefined;
    this.#events.onError(error);
  }

  #draw() {
    const series = this.#series, frame = this.#drawn;
    if (series === undefined || frame === undefined) return;
    this.#part("figures", HTMLElement).replaceChildren(
      ...figuresOf(series, frame).map(({ name, value, more }) =>
        element(
          "div",
          {},
          element("dt", {}, name),
          element("dd", { title: more }, value),
        )
      ),
    );
    this.#drawChart(series, frame);
    this.#drawViews(frame);
    this.#drawTable();
    const question = { ...frame.range, unit: frame.unit, q: pathOf(series.metric), format: "csv" };
    const link = this.#part("csv", HTMLAnchorElement);
    link.href = urlOf(
      "find",
      this.#view === "values" ? { ...question, merge: "true" } : question,
    );
    link.setAttribute("aria-label", `CSV of ${WORDS[this.type].title}: ${nameOf(series.metric)}`);
  }

  /**
   * @param {Series} series
   * @param {Frame} frame
   */
  #drawChart(series, { unit, zone }) {
    const { points } = series;
    const lines = this.#lines.all().map(({ line, field }) => ({
      line,
      values: points.map((point) => valueOf(point, field)),
    }));
    this.#chart.draw({
      length: points.length,
      nameOf: (index, step) => axisName(points[index], unit, zone, step),
      // Beside the total of all, single values would lie flat on the ground.
      bars: lines.length > 0 ? undefined : points.map(({ total }) => total),
      lines,
      formatAxis: short,
      isWhole: this.type !== "adv",
    });
    const hasGaps = lines.some(({ values }) => values.includes(null));
    this.#part("chart-note", HTMLElement).textContent = hasGaps
      ? "A gap: the value is not among the first 250 of that time, so how often it came is not known."
      : "";
    const host = this.#part("chart", HTMLElement);
    host.setAttribute("aria-valuemax", String(Math.max(0, points.length - 1)));
    const per = unit === "d" ? "day" : "hour";
    host.setAttribute(
      "aria-label",
      `${WORDS[this.type].title} of ${nameOf(series.metric)} per ${per}; arrow keys move`,
    );
    this.#point(this.#pointed);
  }

  /** @param {Frame} frame */
  #drawViews({ unit }) {
    const views = this.#part("views", HTMLElement);
    views.hidden = this.type === "bmp";
    const segments = within(views, ".segments", HTMLElement);
    const perBucket = unit === "d" ? "Days" : "Hours";
    if (segments.childElementCount === 0) {
      for (const [view, title] of [["values", "Values"], ["buckets", perBucket]]) {
        const input = element("input", { type: "radio", name: `view-${this.type}`, value: view });
        segments.append(element("label", {}, input, element("span", {}, title)));
      }
    }
    for (const input of segments.querySelectorAll("input")) {
      input.checked = input.value === this.#view;
    }
    within(segments, "label:last-child span", HTMLElement).textContent = perBucket;
  }

  #drawTable() {
    const series = this.#series, frame = this.#drawn;
    if (series === undefined || frame === undefined) return;
    const isValues = this.#view === "values";
    const find = this.#part("find", HTMLElement);
    find.hidden = !isValues || series.merged.values.size <= 10;
    const host = this.#part("table", HTMLElement);
    const data = isValues
      ? valueTable(series, this.#lines, find.hidden ? "" : this.#found)
      : bucketTable(series, frame);
    host.setAttribute("aria-label", data.caption);
    const { scrollTop } = host;
    const focused = host.contains(document.activeElement)
      ? /** @type {HTMLElement} */ (document.activeElement).dataset.field
      : undefined;
    drawTable(host, data, rowsShown(host));
    host.scrollTop = scrollTop;
    if (focused === undefined) return;
    for (const box of host.querySelectorAll("input")) {
      if (box.dataset.field === focused) focusBox(box);
    }
  }

  /** @param {number | null} index */
  #point(index) {
    const series = this.#series, frame = this.#drawn;
    if (series === undefined || frame === undefined) return;
    this.#pointed = index;
    const point = index === null ? undefined : series.points[index];
    const said = readoutOf(series, frame, point, this.#lines);
    this.#part("readout", HTMLElement).replaceChildren(...said.nodes);
    const host = this.#part("chart", HTMLElement);
    host.setAttribute("aria-valuenow", String(index ?? 0));
    host.setAttribute("aria-valuetext", said.text);
  }

  #listen() {
    this.#part("metric", HTMLSelectElement).addEventListener("change", () => {
      this.#events.onChoose();
      void this.load();
    });
    this.#part("chart", HTMLElement).addEventListener("keydown", (event) => this.#key(event));
    this.#part("views", HTMLElement).addEventListener("change", (event) => {
      const { value } = /** @type {HTMLInputElement} */ (event.target);
      this.#view = value === "buckets" ? "buckets" : "values";
      this.#isViewChosen = true;
      const host = this.#part("table", HTMLElement);
      delete host.dataset.shown;
      host.scrollTop = 0;
      this.#draw();
    });
    this.#part("find", HTMLElement).addEventListener("input", (event) => {
      this.#found = /** @type {HTMLInputElement} */ (event.target).value;
      delete this.#part("table", HTMLElement).dataset.shown;
      this.#drawTable();
    });
    this.#part("table", HTMLElement).addEventListener("keydown", moveInTable);
    this.#part("table", HTMLElement).addEventListener("change", (event) => {
      const { field } = /** @type {HTMLElement} */ (event.target).dataset;
      if (field === undefined || this.#series === undefined || this.#drawn === undefined) return;
      this.#lines.toggle(field);
      this.#drawChart(this.#series, this.#drawn);
      this.#drawTable();
    });
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    const last = (this.#series?.points.length ?? 0) - 1;
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const to = indexAfter(event.key, this.#pointed, last);
    if (to === undefined) return;
    event.preventDefault();
    if (last >= 0) this.#chart.point(to);
  }

  /**
   * @template {HTMLElement} T
   * @param {string} name
   * @param {new () => T} kind
   */
  #part(name, kind) {
    return within(this.#section, `[data-part="${name}"]`, kind);
  }
}
