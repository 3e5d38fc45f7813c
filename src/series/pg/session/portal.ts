/**
 * A statement with its values: what Bind makes, Describe tells of and Execute carries out, at once or in
 * pieces.
 *
 * @module
 */
import type { Bound } from "../types/parameters.ts";
import { RowEncoder } from "./encoder.ts";
import type { Answer, Executor } from "./executor.ts";
import type { Output } from "./output.ts";
import type { Prepared } from "./prepared.ts";

/** See the top of this file. */
export class Portal {
  readonly prepared: Prepared;
  readonly #parameters: readonly Bound[];
  readonly #formats: readonly number[];
  #answer: Answer | undefined;
  #encoder: RowEncoder | undefined;
  /** It has given all it has. */
  #isOver = false;

  constructor(prepared: Prepared, parameters: readonly Bound[], formats: readonly number[]) {
    this.prepared = prepared;
    this.#parameters = parameters;
    this.#formats = formats;
  }

  /** Tells the client what its rows have. For that it begins, since it is carried out next. */
  async describe(executor: Executor, output: Output): Promise<void> {
    const { command } = this.prepared;
    // Of the others nothing happens before Execute.
    const hasRows = command !== undefined && /^(query|show|fetch)$/.test(command.kind);
    if (!hasRows) return output.writer.bare("n");
    await this.#begin(executor);
    output.writer.rowDescription(this.#encoder!.fields);
  }

  /** @param most rows; 0: all */
  async execute(executor: Executor, output: Output, most: number): Promise<void> {
    const { writer } = output;
    if (this.prepared.command === undefined) return writer.bare("I");
    if (this.#isOver) return writer.commandComplete(this.#answer!.tag(0));
    const answer = await this.#begin(executor);
    const { rows } = answer;
    if (answer.copy !== undefined) return await this.#end(output, await output.copy(answer));
    if (rows === undefined) return await this.#end(output, 0);
    const count = await output.rows(answer, this.#encoder!, most > 0 ? most : Infinity);
    // A cursor of SQL says itself how many rows there are.
    if (most > 0 && count >= most && answer.isBorrowed !== true && await rows.hasMore()) {
      return writer.bare("s");
    }
    await this.#end(output, count);
  }

  /** Ends the statement, if it is under way. Never rejects. */
  async close(): Promise<void> {
    if (this.#answer?.isBorrowed !== true) await this.#answer?.rows?.close();
  }

  async #begin(executor: Executor): Promise<Answer> {
    if (this.#answer !== undefined) return this.#answer;
    const answer = this.#answer = await executor.run(this.prepared.command!, this.#parameters);
    if (answer.rows !== undefined && answer.copy === undefined) {
      this.prepared.checkColumns(answer.rows.columns);
      this.#encoder = new RowEncoder(answer.rows.columns, this.#formats);
    }
    return answer;
  }

  async #end(output: Output, count: number): Promise<void> {
    this.#isOver = true;
    await this.close();
    output.writer.commandComplete(this.#answer!.tag(count));
  }
}
