/**
 * The simple protocol: a text with any number of statements, their answers as text, one after the other.
 * An error ends the text.
 *
 * @module
 */
import { pgError } from "../errors.ts";
import { type Statement, statementsOf } from "../sql/statements.ts";
import { commandOf } from "./commands.ts";
import { RowEncoder } from "./encoder.ts";
import type { Answer, Executor } from "./executor.ts";
import type { Output } from "./output.ts";

/** Answers a text; the caller says that the server is ready. */
export async function answerQuery(
  text: string,
  executor: Executor,
  output: Output,
): Promise<void> {
  try {
    const statements = statementsOf(text);
    if (statements.length === 0) output.writer.bare("I");
    for (const statement of statements) await answer(statement, executor, output);
  } catch (error) {
    executor.transaction.fail();
    output.error(pgError(error), text);
  }
}

async function answer(statement: Statement, executor: Executor, output: Output): Promise<void> {
  const answer: Answer = await executor.run(commandOf(statement));
  const { rows } = answer;
  let count = 0;
  try {
    if (answer.copy !== undefined) count = await output.copy(answer);
    else if (rows !== undefined) {
      const encoder = new RowEncoder(rows.columns);
      output.writer.rowDescription(encoder.fields);
      count = await output.rows(answer, encoder);
    }
  } finally {
    if (answer.isBorrowed !== true) await rows?.close();
  }
  output.writer.commandComplete(answer.tag(count));
}
