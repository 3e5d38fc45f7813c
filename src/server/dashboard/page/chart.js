/**
 * Charts over buckets, by uPlot. The x axis counts buckets, not seconds: days of 23 and 25 hours are as
 * wide as others, and no zone is asked twice.
 *
 * @module
 */

/** @type {typeof import("uplot")} */
const uPlot = /** @type {any} */ (globalThis).uPlot;

/**
 * @typedef {object} ChartData
 * @property {number} length of all rows of numbers: as many as there are buckets
 * @property {(index: number, step: number) => string} nameOf a bucket on the axis, where every
 *   `step`th has a name
 * @property {(number | null)[]} [bars]
 * @property {{ line: number, values: (number | null)[] }[]} lines `line` is its colour, from 1
 * @property {(value: number) => string} formatAxis
 * @property {boolean} isWhole whether there are only whole numbers
 */

const FONT = "12px Inter, system-ui, sans-serif";
/** Steps of the x axis, in buckets: days, weeks, months; hours and days. */
const STEPS = [1, 2, 3, 6, 7, 12, 14, 24, 28, 48, 56, 96, 168, 336, 672, 1344, 2688, 5376, 10752];
/** Steps of a y axis for counts, which has no name for half of one. */
const WHOLE_STEPS = Array.from({ length: 16 }, (_, i) => [1, 2, 5].map((step) => step * 10 ** i))
  .flat();
/** Pixels between names on the x axis, at least. */
const NAME_SPACE = 76;
/** Buckets up to which a line has points. */
const MAX_POINTS = 40;

/**
 * The colour that a custom property has right now.
 *
 * @param {Element} where
 * @param {string} name
 */
function colour(where, name) {
  const probe = document.createElement("span");
  probe.style.color = `var(${name})`;
  where.append(probe);
  const found = getComputedStyle(probe).color;
  probe.remove();
  return found;
}

/** A chart in an element. What is pointed at is told to `onCursor`. */
export class Chart {
  #host;
  #onCursor;
  /** @type {import("uplot") | undefined} */
  #plot;
  /** @type {ChartData | undefined} */
  #data;
  #isDrawn = false;
  /** @type {number | null} */
  #pointed = null;

  /**
   * @param {HTMLElement} host its size is that of the chart
   * @param {(index: number | null) => void} onCursor
   */
  constructor(host, onCursor) {
    this.#host = host;
    this.#onCursor = onCursor;
    new ResizeObserver(() => this.#resize()).observe(host);
  }

  /**
   * Draws anew, also where only the colours have changed.
   *
   * @param {ChartData} [data] default what was drawn last
   */
  draw(data = this.#data) {
    if (data === undefined) return;
    this.#data = data;
    this.#isDrawn = false;
    this.#plot?.destroy();
    const { length, bars, lines } = data;
    const columns = [
      Array.from({ length }, (_, i) => i),
      ...bars ? [bars] : [],
      ...lines.map(({ values }) => values),
    ];
    const options = optionsOf(this.#host, data, (index) => {
      // uPlot tells of a cursor while it is made, too.
      if (!this.#isDrawn) return;
      this.#pointed = index;
      this.#onCursor(index);
    });
    const plot = this.#plot = new uPlot(options, /** @type {any} */ (columns), this.#host);
    // uPlot ends what it begins here in a microtask of its own, which comes first.
    queueMicrotask(() => {
      if (this.#plot !== plot) return;
      this.#isDrawn = true;
      if (this.#pointed !== null && this.#pointed < length) this.point(this.#pointed);
    });
  }

  /** @param {number} index of a bucket to point at */
  point(index) {
    const left = this.#plot?.valToPos(index, "x");
    if (left !== undefined) this.#plot?.setCursor({ left, top: 0 });
  }

  #resize() {
    const { clientWidth: width, clientHeight: height } = this.#host;
    if (this.#plot !== undefined && width > 0) this.#plot.setSize({ width, height });
  }
}

/**
 * @param {HTMLElement} host
 * @param {ChartData} data
 * @param {(index: number | null) => void} onCursor
 * @returns {import("uplot").Options}
 */
function optionsOf(host, { length, nameOf, bars, lines, formatAxis, isWhole }, onCursor) {
  const quiet = colour(host, "--quiet"), grid = colour(host, "--line");
  const axis = { stroke: quiet, font: FONT, ticks: { show: false } };
  const fill = colour(host, "--bar");
  return {
    width: Math.max(host.clientWidth, 100),
    height: Math.max(host.clientHeight, 40),
    padding: [10, 12, 0, 0],
    legend: { show: false },
    cursor: { y: false, points: { show: false }, drag: { x: false, y: false } },
    scales: {
      x: { time: false, range: () => [-0.5, length - 0.5] },
      // Zero is always there: a bar that begins elsewhere lies.
      y: { range: (_, min, max) => rangeOf(min, max) },
    },
    axes: [
      {
        ...axis,
        grid: { show: false },
        space: NAME_SPACE,
        incrs: STEPS,
        size: 28,
        values: (_, splits, __, ___, step) =>
          splits.map((at) => at >= 0 && at < length ? nameOf(at, step) : ""),
      },
      {
        ...axis,
        grid: { stroke: grid, width: 1 },
        border: { show: false },
        space: 44,
        ...isWhole ? { incrs: WHOLE_STEPS } : {},
        size: (_, values) => 14 + 7 * Math.max(2, ...(values ?? []).map((text) => text.length)),
        values: (_, splits) => splits.map(formatAxis),
      },
    ],
    series: [
      {},
      ...bars === undefined ? [] : [{
        fill,
        stroke: fill,
        width: 0,
        points: { show: false },
        paths: uPlot.paths.bars?.({ size: [0.78, 56], radius: 0.12 }),
      }],
      ...lines.map(({ line }) => ({
        stroke: colour(host, `--line-${line}`),
        width: 1.75,
        points: { show: length <= MAX_POINTS, size: 4, fill: colour(host, `--line-${line}`) },
      })),
    ],
    hooks: { setCursor: [(plot) => onCursor(plot.cursor.idx ?? null)] },
  };
}

/**
 * From zero, or from below it, to a round number above.
 *
 * @param {number | null} min
 * @param {number | null} max
 * @returns {[number, number]}
 */
function rangeOf(min, max) {
  const low = Math.min(0, min ?? 0), high = Math.max(0, max ?? 0);
  if (low === 0 && high === 0) return [0, 1];
  const room = (high - low) * 0.06;
  return [low === 0 ? 0 : low - room, high === 0 ? 0 : high + room];
}

/**
 * The bucket that a key leads to; undefined if the key means nothing here.
 *
 * @param {string} key
 * @param {number | null} index of the bucket that is pointed at
 * @param {number} last bucket
 */
export function indexAfter(key, index, last) {
  const now = index ?? (key === "ArrowLeft" ? last + 1 : -1);
  const to = new Map([
    ["ArrowLeft", now - 1],
    ["ArrowDown", now - 1],
    ["ArrowRight", now + 1],
    ["ArrowUp", now + 1],
    ["PageUp", now + 7],
    ["PageDown", now - 7],
    ["Home", 0],
    ["End", last],
  ]).get(key);
  return to === undefined ? undefined : Math.min(last, Math.max(0, to));
}

/** A small one without axes: the last seconds. */
export class Sparkline {
  #host;
  /** @type {import("uplot") | undefined} */
  #plot;
  /** @type {number[]} */
  #values = [];

  /** @param {HTMLElement} host */
  constructor(host) {
    this.#host = host;
    new ResizeObserver(() => this.draw()).observe(host);
  }

  /** @param {number[]} [values] one a second, the latest last; default those drawn last */
  draw(values = this.#values) {
    this.#values = values;
    if (this.#host.clientWidth === 0) return;
    this.#plot?.destroy();
    const fill = colour(this.#host, "--bar");
    this.#plot = new uPlot(
      {
        width: this.#host.clientWidth,
        height: this.#host.clientHeight,
        padding: [2, 0, 0, 0],
        legend: { show: false },
        cursor: { show: false },
        scales: {
          x: { time: false, range: () => [-0.5, values.length - 0.5] },
          y: { range: (_, __, max) => [0, Math.max(max ?? 0, 1)] },
        },
        axes: [{ show: false }, { show: false }],
        series: [{}, {
          fill,
          width: 0,
          points: { show: false },
          paths: uPlot.paths.bars?.({ size: [0.8] }),
        }],
      },
      [values.map((_, i) => i), values],
      this.#host,
    );
  }
}
