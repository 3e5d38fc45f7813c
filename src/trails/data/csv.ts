/**
 * CSV as in RFC 4180: rows of cells, quoted ones with commas, quotes and line ends in them.
 *
 * @module
 */
import { TrailsError } from "../errors.ts";
import { MAX_LINE_CHARS } from "./text_file.ts";

/** Where the reader is. */
type At = "start" | "plain" | "quoted" | "quote";

/** Reads text that comes in pieces. */
export class CsvReader {
  readonly #onRow: (cells: readonly string[]) => void;
  #at: At = "start";
  #cell = "";
  #cells: string[] = [];
  #rows = 0;
  #length = 0;

  /** @param onRow called for every row that is not blank */
  constructor(onRow: (cells: readonly string[]) => void) {
    this.#onRow = onRow;
  }

  /** Takes a piece. @throws {TrailsError} if a quote is not where it may be, or a row never ends */
  feed(text: string): void {
    for (const char of text) this.#take(char);
  }

  /** The text is at its end. @throws {TrailsError} within quotes */
  end(): void {
    if (this.#at === "quoted") this.#fail("the last quote is not closed");
    if (this.#at !== "start" || this.#cells.length > 0) this.#endRow();
  }

  #take(char: string): void {
    if (++this.#length > MAX_LINE_CHARS) {
      this.#fail(`it is longer than ${MAX_LINE_CHARS} characters`);
    }
    if (this.#at === "quoted") {
      if (char === '"') this.#at = "quote";
      else this.#cell += char;
    } else if (char === ",") {
      this.#endCell();
    } else if (char === "\n") {
      this.#endRow();
    } else if (char === '"') {
      if (this.#at === "plain") this.#fail("there is a quote within a cell; quote the whole cell");
      if (this.#at === "quote") this.#cell += char;
      this.#at = "quoted";
    } else if (char !== "\r") {
      if (this.#at === "quote") this.#fail("there is text behind a closing quote");
      this.#cell += char;
      this.#at = "plain";
    }
  }

  #endCell(): void {
    this.#cells.push(this.#cell);
    this.#cell = "";
    this.#at = "start";
  }

  #endRow(): void {
    const isBlank = this.#at === "start" && this.#cells.length === 0;
    this.#endCell();
    const cells = this.#cells;
    this.#cells = [];
    this.#length = 0;
    this.#rows++;
    if (!isBlank) this.#onRow(cells);
  }

  #fail(what: string): never {
    throw new TrailsError(`Cannot read row ${this.#rows + 1} of the CSV: ${what}`);
  }
}
