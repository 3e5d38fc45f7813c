/**
 * The page: what is shown when, and when it is asked for anew.
 *
 * @module
 */
import { ApiError, get, post } from "./api.js";
import { Controls } from "./controls.js";
import { byId, element } from "./dom.js";
import { clock } from "./format.js";
import { LiveFeed, Now } from "./live.js";
import { Panel } from "./panel.js";
import { fillSamples, listenToCopies } from "./samples.js";
import { keep, kept } from "./store.js";

/** @typedef {import("./controls.js").Overview} Overview */
/** @typedef {import("./live.js").LiveState} LiveState */

/** After events have come, until the numbers are read anew. */
const SOON_MS = 300;
/** From one reading to the next: at least this, and so many times what it took. */
const REFRESH_MS = 1500;
const REFRESH_RATIO = 4;
/** After the server did not answer. */
const AGAIN_MS = 5000;
/** That this browser has logged in: whether there is something to log out of. */
const SESSION = "traqq-session";

const TYPES = /** @type {const} */ (["add", "bmp", "adv", "top"]);

class Page {
  #now = new Now();
  #live = new LiveFeed({
    onState: (state) => this.#setState(state),
    onRecorded: (recorded) => {
      this.#now.add(recorded);
      this.#refreshSoon(SOON_MS);
    },
  });
  #controls = new Controls(() => this.#reload());
  #panels = TYPES.map((type) =>
    new Panel(type, {
      onChoose: () => this.#keep(),
      onError: (error) => {
        if (error instanceof ApiError && error.status === 401) this.#showLogin();
      },
    })
  );
  /** @type {LiveState | "none"} */
  #state = "none";
  #isPaused = false;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;
  /** When the next reading may begin, by `performance.now()`. */
  #nextMs = -Infinity;
  #isRefreshing = false;
  /** Something came while it could not be shown. */
  #isStale = false;

  start() {
    byId("panels", HTMLElement).append(...this.#panels.map((panel) => panel.element));
    listenToCopies();
    this.#listen();
    void this.#refresh();
  }

  /** Asks what there is, and then for the numbers. */
  async #refresh() {
    if (this.#isRefreshing) return;
    this.#isRefreshing = true;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#isStale = false;
    const begunMs = performance.now();
    try {
      const overview = /** @type {Overview} */ (await get("overview"));
      this.#show(overview.days === null ? "empty" : "numbers");
      this.#controls.set(overview);
      this.#now.setZone(this.#controls.zone);
      this.#offer(overview);
      this.#now.askStats();
      this.#live.start();
      if (overview.days !== null) {
        this.#keep();
        await this.#loadPanels();
      }
    } catch (error) {
      this.#fail(error);
    }
    const endedMs = performance.now();
    this.#nextMs = endedMs + Math.max(REFRESH_MS, REFRESH_RATIO * (endedMs - begunMs));
    this.#isRefreshing = false;
    if (this.#isStale) this.#refreshSoon(SOON_MS);
  }

  /** @param {number} waitMs */
  #refreshSoon(waitMs) {
    this.#isStale = true;
    if (this.#timer !== undefined || this.#isRefreshing || this.#isPaused || document.hidden) {
      return;
    }
    const leastMs = Math.max(waitMs, this.#nextMs - performance.now());
    this.#timer = setTimeout(() => void this.#refresh(), leastMs);
  }

  /** The same data by another choice. */
  #reload() {
    this.#now.setZone(this.#controls.zone);
    this.#keep();
    void this.#loadPanels();
  }

  /** What was asked before and is still under way is given up. */
  async #loadPanels() {
    const frame = this.#controls.frame();
    await Promise.all(
      this.#panels.filter((panel) => !panel.element.hidden).map((panel) => panel.load(frame)),
    );
  }

  /** @param {Overview} overview */
  #offer({ metrics }) {
    for (const panel of this.#panels) {
      const own = metrics.filter(({ type }) => type === panel.type);
      panel.element.hidden = own.length === 0;
      panel.setMetrics(own, panel.path || this.#controls.keptMetric(panel.type));
    }
  }

  #keep() {
    this.#controls.keep(this.#panels.map((panel) => [panel.type, panel.path]));
  }

  /** @param {"login" | "empty" | "numbers"} view */
  #show(view) {
    byId("failure", HTMLElement).hidden = true;
    if (view === "empty") fillSamples(kept(SESSION) !== null);
    byId("login", HTMLElement).hidden = view !== "login";
    byId("now", HTMLElement).hidden = view === "login";
    byId("empty", HTMLElement).hidden = view !== "empty";
    byId("numbers", HTMLElement).hidden = view !== "numbers";
    byId("pause", HTMLElement).hidden = view === "login";
    byId("logout", HTMLElement).hidden = view === "login" || kept(SESSION) === null;
  }

  /** @param {unknown} error */
  #fail(error) {
    if (error instanceof ApiError && error.status === 401) return this.#showLogin();
    if (error instanceof ApiError && error.status === 403 && kept(SESSION) !== null) {
      this.#showLogin();
      byId("login-error", HTMLElement).textContent = error.message;
      return;
    }
    const again = element("button", { type: "button" }, "Try again");
    again.addEventListener("click", () => void this.#refresh());
    const notice = byId("failure", HTMLElement);
    // What has not changed is not said again.
    const message = error instanceof Error ? error.message : String(error);
    if (notice.hidden || notice.firstChild?.textContent !== message) {
      notice.replaceChildren(message, again);
    }
    notice.hidden = false;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#refresh(), AGAIN_MS);
  }

  #showLogin() {
    this.#live.stop();
    this.#setState("none");
    keep(SESSION, null);
    this.#show("login");
    byId("token", HTMLInputElement).focus();
  }

  /** @param {LiveState | "none"} state */
  #setState(state) {
    const was = this.#state;
    this.#state = state;
    this.#showState();
    // What came while there was no connection is not in the numbers.
    if (state === "live" && was === "lost") this.#refreshSoon(0);
    // Whether the server is gone, or the session.
    if (state === "lost" && was === "live") this.#refreshSoon(SOON_MS);
  }

  #showState() {
    const line = byId("connection", HTMLElement);
    const time = clock(Date.now(), this.#controls.zone || "UTC");
    const words = {
      none: "",
      connecting: "Connecting",
      live: this.#isPaused ? "Paused" : "Live",
      lost: `Not connected since ${time}; trying again`,
    };
    // While it is lost, the time is that of the beginning.
    if (this.#state === "lost" && line.dataset.state === "lost") return;
    line.dataset.state = this.#isPaused && this.#state === "live" ? "paused" : this.#state;
    line.textContent = words[this.#state];
  }

  #listen() {
    byId("refresh", HTMLElement).addEventListener("click", () => void this.#refresh());
    byId("login-form", HTMLFormElement).addEventListener("submit", (event) => {
      event.preventDefault();
      void this.#login();
    });
    byId("logout", HTMLElement).addEventListener("click", () => void this.#logout());
    const pause = byId("pause", HTMLButtonElement);
    pause.addEventListener("click", () => {
      this.#isPaused = !this.#isPaused;
      pause.textContent = this.#isPaused ? "Resume" : "Pause";
      this.#now.setPaused(this.#isPaused);
      this.#showState();
      if (this.#isPaused) {
        clearTimeout(this.#timer);
        this.#timer = undefined;
      } else if (this.#isStale) this.#refreshSoon(0);
    });
    document.addEventListener("visibilitychange", () => {
      if (!document.hidden && this.#isStale) this.#refreshSoon(0);
    });
    this.#listenToTheme();
  }

  #listenToTheme() {
    const select = byId("theme", HTMLSelectElement);
    select.value = document.documentElement.dataset.theme ?? "";
    const recolour = () => {
      this.#now.recolour();
      for (const panel of this.#panels) panel.recolour();
    };
    select.addEventListener("change", () => {
      const theme = select.value;
      if (theme === "") delete document.documentElement.dataset.theme;
      else document.documentElement.dataset.theme = theme;
      keep("traqq-theme", theme === "" ? null : theme);
      recolour();
    });
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", recolour);
  }

  async #login() {
    const input = byId("token", HTMLInputElement);
    const error = byId("login-error", HTMLElement);
    error.textContent = "";
    try {
      await post("login", { token: input.value });
      input.value = "";
      keep(SESSION, "1");
      await this.#refresh();
      if (byId("login", HTMLElement).hidden) byId("main", HTMLElement).focus();
    } catch (cause) {
      error.textContent = cause instanceof Error ? cause.message : String(cause);
      input.select();
    }
  }

  async #logout() {
    try {
      await post("logout", {});
      this.#showLogin();
    } catch (error) {
      this.#fail(error);
    }
  }
}

new Page().start();
