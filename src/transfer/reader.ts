/**
 * Reading the lines of an export, and telling whether they are as they were written.
 *
 * @module
 */
import { messageOf } from "../base/errors.ts";
import type { Cell } from "../storage/storage.ts";
import { cellOf } from "./cell_json.ts";
import { BATCH_CELLS, Checksum, footerOf, type Header, headerOf, isFooter } from "./format.ts";

/**
 * All of an export at once.
 *
 * @throws {SyntaxError} if a line is damaged or the last one is missing
 */
export async function readExport(
  lines: Iterable<string> | AsyncIterable<string>,
): Promise<{ header: Header; cells: Cell[] }> {
  const reader = new ExportReader(lines);
  const header = await reader.header();
  const cells: Cell[] = [];
  while (!reader.complete) {
    const batch = await reader.batch();
    if (batch.length === 0 && !reader.complete) {
      throw new SyntaxError("Cannot read all: the last line is missing; it was cut off");
    }
    for (const cell of batch) cells.push(cell);
  }
  await reader.expectEnd();
  return { header, cells };
}

/** Checks lines one after the other. */
export class ExportReader {
  readonly #lines: Iterator<string> | AsyncIterator<string>;
  readonly #checksum = new Checksum();
  #number = 0;
  #cells = 0;
  /** Whether the last line was read, and is right. */
  complete = false;

  constructor(lines: Iterable<string> | AsyncIterable<string>) {
    this.#lines = Symbol.asyncIterator in lines
      ? lines[Symbol.asyncIterator]()
      : lines[Symbol.iterator]();
  }

  async header(): Promise<Header> {
    const { value, done } = await this.#lines.next();
    this.#number = 1;
    if (done) throw new SyntaxError("Cannot import: wanted a traqq export, received nothing");
    return this.#reading(value, (json) => {
      this.#checksum.add(value);
      return headerOf(json);
    });
  }

  /** The next cells, at most a batch; fewer only at the end, complete or not. */
  async batch(): Promise<Cell[]> {
    const cells: Cell[] = [];
    while (cells.length < BATCH_CELLS && !this.complete) {
      const { value, done } = await this.#lines.next();
      if (done) break;
      this.#number++;
      this.#reading(value, (json) => {
        if (isFooter(json)) return this.#end(json);
        cells.push(cellOf(json));
        this.#checksum.add(value);
        this.#cells++;
      });
    }
    return cells;
  }

  /** @throws {SyntaxError} if something comes after the last line */
  async expectEnd(): Promise<void> {
    const { done } = await this.#lines.next();
    if (!done) {
      throw new SyntaxError(`Cannot read line ${this.#number + 1}: wanted nothing after the end`);
    }
  }

  async close(): Promise<void> {
    await this.#lines.return?.();
  }

  #end(json: unknown): void {
    const { cells, crc32 } = footerOf(json);
    if (cells !== this.#cells) {
      throw new TypeError(`wanted ${cells} cells before the end, received ${this.#cells}`);
    }
    if (crc32 !== this.#checksum.hex) {
      throw new TypeError(
        `wanted CRC-32 ${crc32} of the lines before, received ${this.#checksum.hex}: ` +
          `some of them are not as they were written`,
      );
    }
    this.complete = true;
  }

  #reading<T>(line: string, read: (json: unknown) => T): T {
    try {
      return read(JSON.parse(line));
    } catch (cause) {
      const why = cause instanceof SyntaxError ? "it is no JSON" : messageOf(cause);
      throw new SyntaxError(
        `Cannot read line ${this.#number}: ${why.replace(/^Cannot read a cell: /, "")}`,
        { cause },
      );
    }
  }
}
