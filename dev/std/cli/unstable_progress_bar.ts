/**
 * Stand-in for `@std/cli/unstable-progress-bar` (see dev/std/README.md), the API of the newest 1.x: `formatter` (it was
 * `fmt` until June 2025). `styledData` is left out: a method until April 2026, a getter since.
 *
 * @module
 */

/** What a formatter is given. */
export interface ProgressBarFormatter {
  /** The time since the start as `mm:ss`. */
  styledTime: string;
  /** The bar: `###-------`. */
  progressBar: string;
  /** Milliseconds since the start. */
  time: number;
  /** {@linkcode time} of the last drawing. */
  previousTime: number;
  /** Where the bar is. */
  value: number;
  /** {@linkcode value} of the last drawing. */
  previousValue: number;
  /** Where the bar ends. */
  max: number;
}

/** How a {@linkcode ProgressBar} looks, and where it is drawn. */
export interface ProgressBarOptions {
  /** Where to draw; standard error by default. */
  writable?: WritableStream<Uint8Array>;
  /** Where to start; 0 by default. */
  value?: number;
  /** Where the bar ends. */
  max: number;
  /** Columns of the bar itself; 50 by default. */
  barLength?: number;
  /** `#` by default. */
  fillChar?: string;
  /** `-` by default. */
  emptyChar?: string;
  /** Wipe the line at the end; false by default. */
  clear?: boolean;
  /** Draws the line. */
  formatter?: (formatter: ProgressBarFormatter) => string;
  /** Leave {@linkcode writable} open at the end; true by default. */
  keepOpen?: boolean;
  /** Milliseconds between two drawings; 1000 by default. */
  refreshMilliseconds?: number;
}

const CLEAR_LINE = "\r\x1b[K";

/** A bar in the terminal: set `value`, and `await bar.stop()` at the end. */
export class ProgressBar {
  /** Where the bar is; free to change. */
  value: number;
  /** Where the bar ends; free to change. */
  max: number;

  #options: Required<
    Omit<ProgressBarOptions, "value" | "max" | "writable" | "refreshMilliseconds">
  >;
  #writer: WritableStreamDefaultWriter<Uint8Array>;
  #timer: ReturnType<typeof setInterval>;
  #startedAt = Date.now();
  #previousTime = 0;
  #previousValue: number;

  /** Draws the bar for the first time. */
  constructor(options: ProgressBarOptions) {
    const { writable = Deno.stderr.writable, refreshMilliseconds = 1000 } = options;
    this.value = options.value ?? 0;
    this.max = options.max;
    this.#previousValue = this.value;
    this.#options = {
      barLength: options.barLength ?? 50,
      fillChar: options.fillChar ?? "#",
      emptyChar: options.emptyChar ?? "-",
      clear: options.clear ?? false,
      formatter: options.formatter ??
        ((bar) => `[${bar.styledTime}] [${bar.progressBar}] [${bar.value}/${bar.max}]`),
      keepOpen: options.keepOpen ?? true,
    };
    this.#writer = writable.getWriter();
    this.#timer = setInterval(() => this.#draw(), refreshMilliseconds);
    this.#draw();
  }

  /** Draws the bar for the last time and lets go of the stream. */
  async stop(): Promise<void> {
    clearInterval(this.#timer);
    if (this.#options.clear) await this.#write(CLEAR_LINE);
    else {
      await this.#draw();
      await this.#write("\n");
    }
    try {
      if (this.#options.keepOpen) this.#writer.releaseLock();
      else await this.#writer.close();
    } catch {
      // the reader has gone: not the program's failure
    }
  }

  async #draw(): Promise<void> {
    const { barLength, fillChar, emptyChar, formatter } = this.#options;
    const time = Date.now() - this.#startedAt;
    const share = Math.min(Math.max(this.value / this.max, 0), 1);
    const filled = Math.trunc(share * barLength);
    const minutes = String(Math.trunc(time / 60_000)).padStart(2, "0");
    const seconds = String(Math.trunc(time / 1000) % 60).padStart(2, "0");
    const line = formatter({
      styledTime: `${minutes}:${seconds}`,
      progressBar: fillChar.repeat(filled) + emptyChar.repeat(barLength - filled),
      time,
      previousTime: this.#previousTime,
      value: this.value,
      previousValue: this.#previousValue,
      max: this.max,
    });
    this.#previousTime = time;
    this.#previousValue = this.value;
    await this.#write(CLEAR_LINE + line);
  }

  async #write(text: string): Promise<void> {
    try {
      await this.#writer.write(new TextEncoder().encode(text));
    } catch {
      clearInterval(this.#timer); // the reader has gone: not the program's failure
    }
  }
}
