/**
 * Waiting for work on several keys at once.
 *
 * @module
 */
import { StorageError } from "../../base/errors.ts";
import type { Attempts } from "./connection.ts";

/** Errors that say more than that something did not come through. */
const TELLING = ["closed", "foreign", "refused"];

/**
 * Waits for all, also when one fails. The error thrown says `unavailable` only if nothing was applied:
 * by any of them, or before, as `attempts` knows.
 */
export async function settleAll(work: readonly Promise<unknown>[], attempts?: Attempts) {
  const results = await Promise.allSettled(work);
  const errors = results.flatMap((it) => it.status === "rejected" ? [it.reason as unknown] : []);
  if (errors.length === 0) return;
  const failures = errors.filter((error) => error instanceof StorageError);
  if (failures.length < errors.length) {
    throw errors.find((error) => !(error instanceof StorageError));
  }
  const telling = failures.find(({ code }) => TELLING.includes(code));
  if (telling !== undefined) throw telling;
  const unknown = failures.find(({ code }) => code === "unknown");
  if (unknown !== undefined) throw unknown;
  const [first] = failures;
  if (!attempts?.applied && failures.length === work.length) throw first;
  throw new StorageError("unknown", `${first.message}; a part may have been applied`, {
    cause: first,
  });
}
