/**
 * Where a connection stands between BEGIN and COMMIT. Nothing is written here, so a transaction is only
 * what clients expect of one: after an error it takes nothing more until it is rolled back. Each statement
 * sees the points that are there when it begins.
 *
 * @module
 */
import { CODE, PgError } from "../errors.ts";
import type { Status } from "../messages/writer.ts";

/** More savepoints are refused. */
const MAX_SAVEPOINTS = 1000;

/** The transaction of one connection. */
export class Transaction {
  #status: Status = "I";
  #savepoints: string[] = [];

  /** As it is told to the client. */
  get status(): Status {
    return this.#status;
  }

  /** @throws {PgError} in one that has failed */
  check(): void {
    if (this.#status !== "E") return;
    throw new PgError(
      CODE.failedTransaction,
      "Cannot do this: the transaction has failed; ROLLBACK ends it",
    );
  }

  /** Begins one; a notice if there was one. */
  begin(): string | undefined {
    this.check();
    if (this.#status === "T") return "There is a transaction already";
    this.#status = "T";
    return undefined;
  }

  /** Ends it; how, and a notice if there was none. */
  end(isCommit: boolean): { tag: "COMMIT" | "ROLLBACK"; notice?: string } {
    const was = this.#status;
    this.#status = "I";
    this.#savepoints = [];
    return {
      tag: isCommit && was !== "E" ? "COMMIT" : "ROLLBACK",
      ...was === "I" ? { notice: "There is no transaction" } : {},
    };
  }

  /** A statement has failed. */
  fail(): void {
    if (this.#status === "T") this.#status = "E";
  }

  /** Remembers a place to go back to. */
  savepoint(name: string): void {
    this.check();
    this.#within(`SAVEPOINT ${name}`);
    if (this.#savepoints.length >= MAX_SAVEPOINTS) {
      throw new PgError(CODE.tooMany, "Cannot SAVEPOINT: there are too many; RELEASE some");
    }
    this.#savepoints.push(name);
  }

  /** Forgets a place, and those after it. */
  release(name: string): void {
    this.check();
    this.#within(`RELEASE ${name}`);
    this.#savepoints.length = this.#find(name);
  }

  /** Goes back to a place: an error after it is forgotten. */
  rollbackTo(name: string): void {
    this.#within(`ROLLBACK TO ${name}`);
    this.#savepoints.length = this.#find(name) + 1;
    this.#status = "T";
  }

  /** @throws {PgError} outside a transaction */
  #within(what: string): void {
    if (this.#status !== "I") return;
    throw new PgError(CODE.noTransaction, `Cannot ${what}: there is no transaction; BEGIN one`);
  }

  #find(name: string): number {
    const at = this.#savepoints.lastIndexOf(name);
    if (at >= 0) return at;
    throw new PgError(CODE.noSavepoint, `Cannot find the savepoint ${name}: there is none`);
  }
}
