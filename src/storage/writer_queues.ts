/**
 * Work of writers: that of one is done in the order in which it came, one piece after the other; that of
 * several side by side.
 *
 * @module
 */
import type { Chunk } from "./storage.ts";

/** Who a writer is. */
export type WriterName = Pick<Chunk, "prefix" | "writer">;

/** See the top of this file. */
export class WriterQueues {
  readonly #last = new Map<string, Promise<unknown>>();

  /** Runs `work` after all that came before it for the writer, whatever became of that. */
  run<T>({ prefix, writer }: WriterName, work: (id: string) => Promise<T>): Promise<T> {
    const id = JSON.stringify([prefix, writer]);
    const before = this.#last.get(id) ?? Promise.resolve();
    const run = before.then(() => work(id));
    const settled = run.catch(() => {}).then(() => {
      if (this.#last.get(id) === settled) this.#last.delete(id);
    });
    this.#last.set(id, settled);
    return run;
  }

  /** Resolves when nothing is under way. */
  async idle(): Promise<void> {
    await Promise.all(this.#last.values());
  }
}
