/**
 * One owner of a directory. DuckDB locks its file against other processes only: within one it would open it
 * twice, and break it.
 *
 * @module
 */
import { messageOf } from "../../../base/errors.ts";
import { EngineError } from "../errors.ts";

/** The file that the owner has locked. */
export const LOCK_NAME = "engine.lock";

/** Directories whose worker was ended while it wrote: only the end of this process frees them. */
const poisoned = new Set<string>();

/** A directory that nobody else can take. */
export class DirectoryLock {
  readonly #path: string;
  readonly #file: Deno.FsFile;

  private constructor(path: string, file: Deno.FsFile) {
    this.#path = path;
    this.#file = file;
  }

  /** Takes a directory. @throws {EngineError} `held` if another one has it */
  static async take(directory: string): Promise<DirectoryLock> {
    let file: Deno.FsFile | undefined;
    try {
      const path = await Deno.realPath(directory);
      if (poisoned.has(path)) {
        throw new EngineError(
          "held",
          `Cannot open the database in ${directory}: its worker was ended while it wrote, and may ` +
            "still be writing; start the program again",
        );
      }
      file = await Deno.open(`${path}/${LOCK_NAME}`, { create: true, write: true });
      if (await file.tryLock(true)) return new DirectoryLock(path, file);
    } catch (error) {
      file?.close();
      if (error instanceof EngineError) throw error;
      throw new EngineError(
        "failed",
        `Cannot lock the database in ${directory}: ${messageOf(error)}`,
        { cause: error },
      );
    }
    file.close();
    throw new EngineError(
      "held",
      `Cannot open the database in ${directory}: another one has it open; ` +
        "close that one, or name another directory",
    );
  }

  /** Gives the directory back. */
  free(): void {
    this.#file.close();
  }

  /** Gives it back to other processes only, and to those after the end of this one. */
  poison(): void {
    poisoned.add(this.#path);
  }
}
