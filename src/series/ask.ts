/**
 * How `Series` is asked: each question sees what was written before it, also by others, and goes to the
 * engine that is there.
 *
 * @module
 */
import { show } from "../base/show.ts";
import type { Keeper } from "./keeper.ts";
import { measurementOf, type QuestionSql, toSql } from "./sql/question.ts";
import type { SqlDescription, SqlResult, SqlRunOptions, SqlSession } from "./sql/session.ts";

/** A session over engines that come and go. */
export class SeriesSession implements SqlSession {
  readonly #keeper: Keeper;

  /** Made by `Series`. @ignore */
  constructor(keeper: Keeper) {
    this.#keeper = keeper;
  }

  async describe(
    sql: string,
    parameterTypes?: readonly (string | undefined)[],
  ): Promise<SqlDescription> {
    await this.#keeper.settled();
    return await this.#keeper.engine.session.describe(sql, parameterTypes);
  }

  async run(sql: string, options?: SqlRunOptions): Promise<SqlResult> {
    await this.#keeper.settled();
    return await this.#keeper.engine.session.run(sql, options);
  }

  /**
   * The SQL of a question in JSON, with names as the catalog has them now.
   *
   * @throws {TypeError | RangeError} it is none, or asks for what is not there
   */
  toSql(question: unknown): QuestionSql & { readonly measurement: string } {
    const measurement = measurementOf(question);
    const asked = this.#keeper.catalog.get(measurement);
    if (asked === undefined) {
      throw new RangeError(
        `Cannot read the question: there is no measurement ${
          show(measurement)
        }; SHOW TABLES lists them`,
      );
    }
    return { measurement, ...toSql(question, asked) };
  }
}
