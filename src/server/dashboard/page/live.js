/**
 * What is being recorded: the server's events, and what stands of them at the top of the page.
 *
 * @module
 */
import { get, urlOf } from "./api.js";
import { Sparkline } from "./chart.js";
import { byId, element, foreign } from "./dom.js";
import { clock, mean, number } from "./format.js";

/**
 * @typedef {{ count: number, leftOut: number, events: Record<string, string | number | boolean>[] }} Recorded
 * @typedef {"connecting" | "live" | "lost"} LiveState
 */

/** After the browser has given up by itself. */
const AGAIN_MS = 5000;
const SPARK_SECONDS = 120;
const RATE_SECONDS = 10;
const MAX_LATEST = 30;
/** Between two questions for the server's counters. */
const STATS_MS = 1000;

/** The connection to `/live`, which is made anew whenever it breaks. */
export class LiveFeed {
  #events;
  /** @type {EventSource | undefined} */
  #source;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;

  /** @param {{ onState: (state: LiveState) => void, onRecorded: (recorded: Recorded) => void }} events */
  constructor(events) {
    this.#events = events;
  }

  /** Connects, unless it has done so. */
  start() {
    if (this.#source !== undefined) return;
    this.#events.onState("connecting");
    this.#connect();
  }

  stop() {
    clearTimeout(this.#timer);
    this.#source?.close();
    this.#source = undefined;
  }

  #connect() {
    const source = this.#source = new EventSource(urlOf("live"));
    source.addEventListener("open", () => this.#events.onState("live"));
    source.addEventListener("recorded", ({ data }) => this.#events.onRecorded(JSON.parse(data)));
    source.addEventListener("error", () => {
      this.#events.onState("lost");
      // It tries again by itself, unless the server has answered with an error.
      if (source.readyState !== EventSource.CLOSED) return;
      this.#timer = setTimeout(() => {
        if (this.#source === source) this.#connect();
      }, AGAIN_MS);
    });
  }
}

/** Counter, rate, the last two minutes and the latest events. */
export class Now {
  #spark = new Sparkline(byId("spark", HTMLElement));
  /** Events of each of the last seconds, the current one last. @type {number[]} */
  #seconds = new Array(SPARK_SECONDS + 1).fill(0);
  #second = Math.floor(Date.now() / 1000);
  #isPaused = false;
  #statsAskedMs = -Infinity;
  #isStatsStale = false;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #statsTimer;
  #zone = "UTC";

  constructor() {
    setInterval(() => this.#tick(), 1000);
  }

  /** @param {string} zone in which times are shown */
  setZone(zone) {
    this.#zone = zone;
  }

  /** @param {boolean} isPaused nothing moves; what comes is counted all the same */
  setPaused(isPaused) {
    this.#isPaused = isPaused;
    if (isPaused) return;
    this.#draw();
    this.askStats();
  }

  recolour() {
    this.#spark.draw();
  }

  /** @param {Recorded} recorded */
  add({ count, events }) {
    this.#shift();
    this.#seconds[SPARK_SECONDS] += count;
    if (this.#isPaused) return;
    this.askStats();
    const list = byId("latest", HTMLElement);
    const time = clock(Date.now(), this.#zone);
    list.prepend(...events.slice(-MAX_LATEST).reverse().map((event) => latestOf(event, time)));
    while (list.childElementCount > MAX_LATEST) list.lastElementChild?.remove();
    byId("latest-none", HTMLElement).hidden = true;
  }

  /** Reads the server's counter, at most once a second. */
  askStats() {
    // An answer that is under way may be older than what has just come.
    this.#isStatsStale = true;
    if (this.#statsTimer !== undefined) return;
    const waitMs = Math.max(0, this.#statsAskedMs + STATS_MS - performance.now());
    this.#statsTimer = setTimeout(() => void this.#readStats(), waitMs);
  }

  async #readStats() {
    this.#statsAskedMs = performance.now();
    this.#isStatsStale = false;
    try {
      const { engine } = await get("stats");
      if (!this.#isPaused) byId("recorded", HTMLElement).textContent = number(engine.recorded);
    } catch {
      // What is wrong is told by the connection, and then all is read anew.
    }
    this.#statsTimer = undefined;
    if (this.#isStatsStale) this.askStats();
  }

  #tick() {
    this.#shift();
    if (!this.#isPaused && !document.hidden) this.#draw();
  }

  #shift() {
    const second = Math.floor(Date.now() / 1000);
    const passed = Math.min(Math.max(0, second - this.#second), this.#seconds.length);
    this.#second = second;
    this.#seconds.splice(0, passed);
    for (let i = 0; i < passed; i++) this.#seconds.push(0);
  }

  #draw() {
    this.#spark.draw([...this.#seconds]);
    const whole = this.#seconds.slice(-1 - RATE_SECONDS, -1);
    const rate = whole.reduce((sum, count) => sum + count, 0) / RATE_SECONDS;
    byId("rate", HTMLElement).textContent = mean(rate);
    const most = Math.max(...this.#seconds);
    byId("spark-most", HTMLElement).textContent = most === 0
      ? ""
      : `, at most ${number(most)} a second`;
  }
}

/**
 * @param {Recorded["events"][number]} event
 * @param {string} time
 */
function latestOf({ event, ...others }, time) {
  const properties = element("span");
  for (const [name, value] of Object.entries(others)) {
    if (properties.childNodes.length > 0) properties.append(", ");
    properties.append(foreign(name), " ", foreign(String(value)));
  }
  return element(
    "li",
    {},
    element("time", {}, time),
    element("b", {}, foreign(String(event))),
    properties,
  );
}
