/**
 * The files of a journal: everything that touches the disk, and what must be synced for it to last.
 *
 * @module
 */
import { messageOf, StorageError } from "../base/errors.ts";
import { LOCK_NAME, pathOf, UNFINISHED } from "./names.ts";

/** A file that is appended to. */
export interface SegmentFile {
  /** Writes some of the bytes, from the first; gives how many. */
  write(bytes: Uint8Array): number | Promise<number>;
  /** Resolves when all that was written is on the disk, and the file's name with it. */
  syncData(): Promise<void>;
  truncate(length: number): Promise<void>;
  close(): void;
}

/** A directory of files. */
export class Directory {
  readonly path: string;
  /** What lies in it, for messages. */
  readonly what: string;

  constructor(path: string, what = "journal") {
    this.path = path;
    this.what = what;
  }

  /** Makes the directory if there is none. @throws {StorageError} */
  async ensure(): Promise<void> {
    try {
      await Deno.mkdir(this.path, { recursive: true });
      // The new name lasts once the directory above is synced. Nobody may be allowed to open that.
      await syncDirectory(this.pathOf("..")).catch(() => {});
    } catch (error) {
      throw this.#failure("make the directory", error);
    }
  }

  /**
   * Takes the directory for this process alone, until the result is closed or the process ends.
   *
   * @throws {StorageError} `held` if another one has it
   */
  async lock(): Promise<Deno.FsFile> {
    const path = this.pathOf(LOCK_NAME);
    let file: Deno.FsFile;
    try {
      file = await Deno.open(path, { create: true, read: true, write: true });
    } catch (error) {
      throw this.#failure("open the lock", error);
    }
    try {
      if (await file.tryLock(true)) {
        await file.truncate(0);
        await file.write(new TextEncoder().encode(`${Deno.pid}\n`));
        return file;
      }
      const holder = (await Deno.readTextFile(path).catch(() => "")).trim();
      throw new StorageError(
        "held",
        `Cannot open the ${this.what} in ${this.path}: ${
          /^\d+$/.test(holder) ? `process ${holder}` : "another process"
        } has it open; close that one, or use another directory`,
      );
    } catch (error) {
      file.close();
      throw error instanceof StorageError ? error : this.#failure("lock", error);
    }
  }

  /** The names of all files. */
  async names(): Promise<string[]> {
    const names: string[] = [];
    for await (const { name } of Deno.readDir(this.path)) names.push(name);
    return names.sort();
  }

  /** The bytes of a file; undefined if there is none. */
  async read(name: string): Promise<Uint8Array | undefined> {
    try {
      return await Deno.readFile(this.pathOf(name));
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return undefined;
      throw this.#failure(`read ${name}`, error);
    }
  }

  /** Makes a new file; its name lasts once it is synced. */
  async create(name: string): Promise<SegmentFile> {
    const file = await Deno.open(this.pathOf(name), { createNew: true, write: true });
    let isNamed = false;
    // Writes are not left to another thread: one only copies to the page cache, 30 µs for 90 KB, and to
    // wake a thread for it costs twice as much (measured, also beside an fsync).
    return {
      write: (bytes) => file.writeSync(bytes),
      syncData: async () => {
        if (!isNamed) await this.sync();
        isNamed = true;
        await file.syncData();
      },
      truncate: (length) => file.truncate(length),
      close: () => file.close(),
    };
  }

  /** Cuts a file at the end. */
  async truncate(name: string, length: number): Promise<void> {
    await Deno.truncate(this.pathOf(name), length);
  }

  /** Replaces a file, at once and so that it lasts: whoever reads sees the old or the new one. */
  async replace(name: string, parts: AsyncIterable<string> | Iterable<string>): Promise<void> {
    const unfinished = this.pathOf(name + UNFINISHED);
    const file = await Deno.open(unfinished, { create: true, truncate: true, write: true });
    try {
      const encoder = new TextEncoder();
      for await (const part of parts) await writeAll(file, encoder.encode(part));
      await file.sync();
    } finally {
      file.close();
    }
    await Deno.rename(unfinished, this.pathOf(name));
    await this.sync();
  }

  /** Removes a file, if there is one. */
  async remove(name: string): Promise<void> {
    try {
      await Deno.remove(this.pathOf(name));
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  }

  /** Says that a file was last changed then, unix milliseconds. */
  async touch(name: string, atMs: number): Promise<void> {
    await Deno.utime(this.pathOf(name), new Date(atMs), new Date(atMs));
  }

  /** When a file was last changed, unix milliseconds; undefined if that is not known. */
  async changedMs(name: string): Promise<number | undefined> {
    return (await Deno.stat(this.pathOf(name))).mtime?.getTime();
  }

  /** Makes created, renamed and removed names last. Windows does so by itself. */
  async sync(): Promise<void> {
    await syncDirectory(this.path);
  }

  /** The path of a file. */
  pathOf(name: string): string {
    return pathOf(this.path, name);
  }

  #failure(doing: string, cause: unknown): StorageError {
    return new StorageError(
      "refused",
      `Cannot ${doing} of the ${this.what} in ${this.path}: ${messageOf(cause)}`,
      { cause },
    );
  }
}

async function syncDirectory(path: string): Promise<void> {
  if (Deno.build.os === "windows") return;
  using directory = await Deno.open(path);
  await directory.sync();
}

/** Writes all of the bytes. @throws what the system says, after any number of them was written */
export async function writeAll(
  file: Pick<SegmentFile, "write">,
  bytes: Uint8Array,
): Promise<void> {
  for (let at = 0; at < bytes.length;) {
    const written = file.write(bytes.subarray(at));
    const count = typeof written === "number" ? written : await written;
    if (count <= 0) throw new Error("nothing could be written");
    at += count;
  }
}
