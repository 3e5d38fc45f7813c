/**
 * One line that tells how far something is, for a terminal only. It is drawn again in place at most
 * ten times a second, and wiped at the end.
 *
 * @module
 */
import type { Terminal } from "../terminal.ts";
import { formatNumber } from "./number.ts";
import { cut, harmless, widthOf } from "./text.ts";

const REDRAW_MS = 100;
const CLEAR_LINE = "\r\x1b[K";
const MAX_BAR = 30;
const MIN_BAR = 8;

/** What is shown. */
export interface ProgressState {
  /** From 0 to 1; undefined where nobody knows the end. */
  share: number | undefined;
  events: number;
  rejected: number;
  /** What is counted, in the singular; default `event`. */
  noun?: string;
}

/** A progress line on standard error; does nothing where that is not a terminal. */
export class Progress {
  readonly #terminal: Terminal;
  readonly #title: string;
  readonly #startedMs = performance.now();
  #drawnMs = -Infinity;
  #drawn = false;

  constructor(terminal: Terminal, title: string) {
    this.#terminal = terminal;
    this.#title = harmless(title);
  }

  /** Draws the state, unless it was drawn a moment ago. */
  update(state: ProgressState): void {
    const columns = this.#terminal.errColumns;
    const now = performance.now();
    if (columns === undefined || now - this.#drawnMs < REDRAW_MS) return;
    this.#drawnMs = now;
    this.#drawn = true;
    const seconds = (now - this.#startedMs) / 1000;
    this.#terminal.err(CLEAR_LINE + progressLine(this.#title, state, seconds, columns - 1));
  }

  /** Wipes the line, so that a message can stand there; it is drawn again by the next update. */
  clear(): void {
    if (this.#drawn) this.#terminal.err(CLEAR_LINE);
    this.#drawn = false;
  }

  /** Wipes the line for good. */
  stop(): void {
    this.clear();
    this.#drawnMs = Infinity;
  }
}

/** The line, of at most `columns` columns: what matters least is left out first. */
export function progressLine(
  title: string,
  { share, events, rejected, noun = "event" }: ProgressState,
  seconds: number,
  columns: number,
): string {
  const number = (value: number) => formatNumber(value, { grouped: true });
  const count = `${number(events)} ${events === 1 ? noun : `${noun}s`}`;
  const refused = rejected > 0 ? `${number(rejected)} rejected` : "";
  const rate = seconds >= 0.2 ? `${number(Math.round(events / seconds))}/s` : "";
  const percent = share === undefined ? "" : `${Math.floor(Math.min(1, share) * 100)}%`.padStart(4);
  const join = (...parts: string[]) => parts.filter((part) => part !== "").join("  ");
  for (
    const text of [
      join(percent, count, refused, rate),
      join(percent, count, refused),
      join(percent, count),
    ]
  ) {
    const room = columns - widthOf(text) - 2;
    if (share !== undefined && room >= MIN_BAR) {
      const bar = barOf(share, Math.min(MAX_BAR, room));
      const titled = join(title, bar, text);
      return widthOf(titled) <= columns ? titled : join(bar, text);
    }
    if (room >= -2) {
      const titled = join(title, text);
      return widthOf(titled) <= columns ? titled : text;
    }
  }
  return cut(count, columns);
}

function barOf(share: number, columns: number): string {
  const filled = Math.floor(Math.min(1, Math.max(0, share)) * columns);
  return "█".repeat(filled) + "░".repeat(columns - filled);
}
