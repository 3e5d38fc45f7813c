/**
 * How far an import is, in a file beside the one that is imported: an import that was stopped goes on
 * there. It only saves time. Without it, or where it is behind, rows are written again, and a point that
 * is there already stays one point; so nothing is there twice, whenever it was stopped.
 *
 * It is trusted only where the target still has the last point that it tells of.
 *
 * @module
 */
import { messageOf } from "../../base/errors.ts";
import type { Tag } from "../points/batch.ts";

/** The checkpoint's own file. */
export function pathBeside(file: string): string {
  return `${file}.traqq-import`;
}

/** A point that the target had. */
export interface LastPoint {
  readonly measurement: string;
  /** Unix nanoseconds. */
  readonly time: string;
  readonly tags: readonly Tag[];
}

/** Where an import is. */
export interface Progressed {
  /** Rows of a table, or bytes of lines, that are done. */
  readonly at: number;
  /** Lines that are done, of line protocol. */
  readonly line: number;
  readonly points: number;
  readonly rejected: number;
  readonly duplicates: number;
  /** Points that the measurement had before the import began. */
  readonly before?: number;
  /** Undefined: there was none in what is done. */
  readonly last?: LastPoint;
}

/** See the top of this file. */
export class Checkpoint {
  readonly path: string;
  readonly #identity: string;
  #failure: string | undefined;

  private constructor(path: string, identity: string) {
    this.path = path;
    this.#identity = identity;
  }

  /**
   * @param file the file that is imported
   * @param how everything on which its rows, and where they go, depend
   */
  static async of(file: string, how: object): Promise<Checkpoint> {
    const { size, mtime } = await Deno.stat(file);
    const identity = JSON.stringify({ version: 1, size, mtime, ...how });
    return new Checkpoint(pathBeside(file), identity);
  }

  /** Why it could not be written, if it could not. */
  get failure(): string | undefined {
    return this.#failure;
  }

  /** What another import of the same kind left; undefined if there is none. */
  async read(): Promise<Progressed | undefined> {
    try {
      const { identity, progressed } = JSON.parse(await Deno.readTextFile(this.path));
      return identity === this.#identity ? progressed as Progressed : undefined;
    } catch {
      return undefined;
    }
  }

  /** Notes how far it is. Never throws: an import without it is slower to resume, and as right. */
  async write(progressed: Progressed): Promise<void> {
    const text = JSON.stringify({ identity: this.#identity, progressed });
    try {
      // Half of it is none, and the import begins anew: what is written twice is there once.
      await Deno.writeTextFile(this.path, text);
    } catch (error) {
      this.#failure = messageOf(error);
    }
  }

  /** The import is done. */
  async remove(): Promise<void> {
    await Deno.remove(this.path).catch(() => {});
  }
}
