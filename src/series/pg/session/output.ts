/**
 * What goes to a client: messages that are collected, and sent when there are enough or the client waits.
 * A client that reads slowly holds up the rows, not the memory.
 *
 * @module
 */
import type { PgError } from "../errors.ts";
import { MessageWriter } from "../messages/writer.ts";
import type { ByteStream } from "../stream.ts";
import { copyLine } from "./copy.ts";
import { RowEncoder } from "./encoder.ts";
import type { Answer } from "./executor.ts";

/** Bytes that are collected before they are sent. */
const ENOUGH_BYTES = 64 << 10;

/** See the top of this file. */
export class Output {
  readonly writer = new MessageWriter();
  readonly #stream: ByteStream;

  constructor(stream: ByteStream) {
    this.#stream = stream;
  }

  /** Sends what is collected. */
  async flush(): Promise<void> {
    if (this.writer.length > 0) await this.#stream.write(this.writer.take());
  }

  /**
   * Sends rows, and gives how many.
   *
   * @param most of them; the rest stay where they are
   */
  async rows(answer: Answer, encoder: RowEncoder, most = Infinity): Promise<number> {
    let count = 0;
    const { rows, copy } = answer;
    if (rows === undefined) return count;
    for await (const { batch, from, to } of rows.take(Math.min(most, answer.most ?? Infinity))) {
      for (let row = from; row < to; row++) {
        if (copy === undefined) encoder.row(this.writer, batch, row);
        else this.writer.copyData(copyLine(encoder.texts(batch, row), copy));
        if (this.writer.length >= ENOUGH_BYTES) await this.flush();
      }
      count += to - from;
      if (this.#stream.gone.aborted) break;
    }
    return count;
  }

  /** Sends a whole answer of COPY, but for what is said at the end. */
  async copy(answer: Answer): Promise<number> {
    const { rows, copy } = answer;
    const encoder = new RowEncoder(rows!.columns);
    this.writer.copyOut(rows!.columns.length);
    if (copy!.hasHeader) {
      this.writer.copyData(copyLine(rows!.columns.map(({ name }) => name), copy!));
    }
    const count = await this.rows(answer, encoder);
    this.writer.bare("c");
    return count;
  }

  /** @param text the client's own, in which the error's position lies */
  error(error: PgError, text = ""): void {
    const { position } = error;
    this.writer.error(
      error,
      // In characters, not in UTF-16 units.
      position === undefined ? undefined : [...text.slice(0, position)].length + 1,
    );
  }
}
