/**
 * Why a file is not imported.
 *
 * @module
 */

/** A file cannot be imported, or not as it was asked for; the message says what to do. */
export class ImportError extends Error {
  /** The name of the class. */
  override name = "ImportError";
}
