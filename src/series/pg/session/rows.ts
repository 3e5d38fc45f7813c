/**
 * The rows of an answer, which may be taken in pieces: a client may want ten now and ten later.
 *
 * @module
 */
import type { SqlBatch, SqlColumn } from "../../sql/values.ts";

/** Some rows of a batch: those from `from` to before `to`. */
export interface Slice {
  readonly batch: SqlBatch;
  readonly from: number;
  readonly to: number;
}

/** See the top of this file. */
export class RowSource {
  /** What a row has. */
  readonly columns: readonly SqlColumn[];
  readonly #batches: AsyncIterator<SqlBatch>;
  readonly #abort: AbortController | undefined;
  #batch: SqlBatch | undefined;
  #at = 0;
  #ended = false;

  /** @param abort ends the statement that gives the rows */
  constructor(
    columns: readonly SqlColumn[],
    batches: AsyncIterable<SqlBatch>,
    abort?: AbortController,
  ) {
    this.columns = columns;
    this.#batches = batches[Symbol.asyncIterator]();
    this.#abort = abort;
  }

  /** Rows of texts that are there already. */
  static of(names: readonly string[], rows: readonly (readonly (string | null)[])[]): RowSource {
    const columns = names.map((name) => ({ name, type: "VARCHAR" }));
    const batch: SqlBatch = {
      length: rows.length,
      columns: names.map((_, i) => ({
        values: rows.map((row) => row[i]),
        nulls: Uint8Array.from(rows, (row) => row[i] === null ? 1 : 0),
      })),
    };
    return new RowSource(columns, all(rows.length === 0 ? [] : [batch]));
  }

  /** Whether a row is left. Waits for the engine. */
  async hasMore(): Promise<boolean> {
    while (!this.#ended && (this.#batch === undefined || this.#at >= this.#batch.length)) {
      const { value, done } = await this.#batches.next();
      this.#at = 0;
      this.#batch = done === true ? undefined : value;
      if (done === true) this.#ended = true;
    }
    return !this.#ended;
  }

  /** The next rows, at most so many. */
  async *take(most: number): AsyncGenerator<Slice> {
    let left = most;
    while (left > 0 && await this.hasMore()) {
      const batch = this.#batch!, from = this.#at;
      const to = Math.min(batch.length, from + left);
      this.#at = to;
      left -= to - from;
      yield { batch, from, to };
    }
  }

  /** Ends the statement; what was not taken is lost. Never rejects. */
  async close(): Promise<void> {
    const isOver = this.#ended;
    this.#ended = true;
    this.#batch = undefined;
    if (isOver) return;
    this.#abort?.abort();
    try {
      await this.#batches.return?.();
    } catch {
      // It has failed, and whoever asked was told.
    }
  }
}

async function* all(batches: readonly SqlBatch[]): AsyncGenerator<SqlBatch> {
  for (const batch of batches) yield await Promise.resolve(batch);
}
