/**
 * A directory whose disk fails on demand: real files underneath.
 *
 * @module
 */
import { Directory, type SegmentFile } from "../../src/journal/directory.ts";

/** What can fail. */
export type Operation = "create" | "write" | "syncData" | "truncate" | "remove" | "cut";

/** What happens: it fails, a write is short and the rest fails, or it waits and then does as it says. */
export type Fault =
  | "ok"
  | "fail"
  | "short"
  | { readonly until: Promise<void>; readonly then: "ok" | "fail" };

/** See the top of this file. */
export class FaultyDirectory extends Directory {
  /** What happens to the next calls, in order; afterwards all is well. */
  readonly faults: Partial<Record<Operation, Fault[]>> = {};
  /** These fail for as long as they are in it. */
  readonly down = new Set<Operation>();
  /** Calls so far. */
  readonly calls = new Map<Operation, number>();
  #waiting: { operation: Operation; count: number; resolve: () => void }[] = [];

  /** Resolves when an operation has begun so many times. */
  called(operation: Operation, count: number): Promise<void> {
    if ((this.calls.get(operation) ?? 0) >= count) return Promise.resolve();
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#waiting.push({ operation, count, resolve });
    return promise;
  }

  override async create(name: string): Promise<SegmentFile> {
    await this.#before("create");
    const file = await Deno.open(this.pathOf(name), { createNew: true, write: true });
    return {
      write: async (bytes) => {
        const isShort = await this.#before("write") === "short";
        if (isShort) this.faults.write?.unshift("fail");
        return file.write(isShort ? bytes.subarray(0, Math.ceil(bytes.length / 2)) : bytes);
      },
      syncData: async () => {
        await this.#before("syncData");
        await file.syncData();
      },
      truncate: async (length) => {
        await this.#before("truncate");
        await file.truncate(length);
      },
      close: () => file.close(),
    };
  }

  override async truncate(name: string, length: number): Promise<void> {
    await this.#before("cut");
    await super.truncate(name, length);
  }

  override async remove(name: string): Promise<void> {
    await this.#before("remove");
    await super.remove(name);
  }

  async #before(operation: Operation): Promise<Fault> {
    const count = (this.calls.get(operation) ?? 0) + 1;
    this.calls.set(operation, count);
    for (const one of this.#waiting) {
      if (one.operation === operation && one.count <= count) one.resolve();
    }
    const fault = this.faults[operation]?.shift() ?? "ok";
    if (typeof fault === "object") await fault.until;
    const end = typeof fault === "object" ? fault.then : fault;
    if (end === "fail" || this.down.has(operation)) throw new Error(`told to fail: ${operation}`);
    return fault;
  }
}

/** A folder of its own, removed in the end. */
export class TempFolder implements Disposable {
  readonly path: string = Deno.makeTempDirSync();

  [Symbol.dispose](): void {
    Deno.removeSync(this.path, { recursive: true });
  }
}
