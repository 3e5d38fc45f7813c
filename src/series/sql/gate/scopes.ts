/**
 * What names mean at a place of a statement: the CTEs that are seen there, and the column aliases.
 *
 * @module
 */
import { lower } from "./lower.ts";

interface Scope {
  readonly ctes: Map<string, number>;
  readonly aliases: Map<string, number>;
}

/** A stack of them; the innermost wins. DuckDB's names do not know small and capital letters apart. */
export class Scopes {
  readonly #stack: Scope[] = [];

  /** Goes into a query. */
  enter(): void {
    this.#stack.push({ ctes: new Map(), aliases: new Map() });
  }

  /** Leaves it. */
  leave(): void {
    this.#stack.pop();
  }

  /** `size`: how many tables it joins. */
  addCte(name: string, size: number): void {
    this.#top.ctes.set(lower(name), size);
  }

  /** How many tables the CTE joins; undefined if none has that name here. */
  cteSize(name: string): number | undefined {
    for (let i = this.#stack.length - 1; i >= 0; i--) {
      const size = this.#stack[i].ctes.get(lower(name));
      if (size !== undefined) return size;
    }
    return undefined;
  }

  /** `size`: how many expressions it stands for. */
  addAlias(name: string, size: number): void {
    this.#top.aliases.set(lower(name), size);
  }

  /** How many expressions the name stands for, 0 if it is no alias. Columns of that name count too. */
  aliasSize(name: string): number {
    let size = 0;
    for (const { aliases } of this.#stack) size += aliases.get(lower(name)) ?? 0;
    return size;
  }

  get #top(): Scope {
    return this.#stack[this.#stack.length - 1];
  }
}
