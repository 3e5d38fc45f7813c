/**
 * Where cells go that storage refuses for good, and what is said about errors that nobody waits for.
 *
 * @module
 */
import { EventError, messageOf, StorageError } from "../base/errors.ts";
import type { Cell } from "../storage/storage.ts";
import { plainCell } from "../transfer/cell_json.ts";
import { harmless } from "./draw/text.ts";
import { isKvFile } from "./files.ts";
import { flagOf, isGranted } from "./permissions.ts";
import type { Terminal } from "./terminal.ts";

/** The same message is not printed again within this time. */
const QUIET_MS = 60_000;
/** Different messages that are remembered for that. */
const MAX_REMEMBERED = 100;

/** Receives what `onError` is called with. */
export class DeadLetters {
  /** The file that refused cells are appended to. */
  readonly path: string;
  readonly #print: (message: string) => void;
  readonly #said = new Map<string, { atMs: number; more: number }>();
  #uncounted = 0;

  /**
   * @param kvPath the file lies beside it
   * @param path the file itself, where it has a place of its own
   * @param log says it in place of the terminal
   */
  constructor(
    kvPath: string | undefined,
    terminal: Terminal,
    path?: string,
    log?: (message: string) => void,
  ) {
    const beside = kvPath === undefined || !isKvFile(kvPath) ? "traqq" : kvPath;
    this.path = path ?? `${beside}.refused.ndjson`;
    this.#print = log ??
      ((message) => terminal.err(`${new Date().toISOString()} ${harmless(message)}\n`));
  }

  /** Events of the journal that could not be counted again. */
  get uncounted(): number {
    return this.#uncounted;
  }

  /** For `Traqq.open`. */
  readonly onError = (error: Error): void => {
    if (error instanceof EventError) {
      const number = /^Cannot count event (\d+) of the journal again/.exec(error.message)?.[1];
      // Whoever sent the event is told; of one in the journal he has been told that it was taken.
      if (number === undefined) return;
      this.#uncounted++;
      this.#say(error.message, error.message.replace(number, ""));
      return;
    }
    const cell = cellOf(error);
    this.#say(cell === undefined ? error.message : `${error.message}; ${this.#keep(cell, error)}`);
  };

  #keep(cell: Cell, error: Error): string {
    const line = `${
      JSON.stringify({ at: new Date().toISOString(), error: error.message, cell: plainCell(cell) })
    }\n`;
    const permission = { name: "write", path: this.path } as const;
    if (!isGranted(permission)) {
      return `it is lost, for Deno does not allow to write ${this.path} (${flagOf(permission)})`;
    }
    try {
      Deno.writeTextFileSync(this.path, line, { append: true });
      return `kept in ${this.path}`;
    } catch (failure) {
      return `it is lost, for ${this.path} cannot be written: ${messageOf(failure)}`;
    }
  }

  /** Prints a message, unless it, or one like it, stood there a moment ago. */
  #say(message: string, like = message): void {
    const now = Date.now();
    const said = this.#said.get(like);
    if (said !== undefined && now - said.atMs < QUIET_MS) {
      said.more++;
      return;
    }
    const again = said?.more ? ` (and ${said.more} more times since)` : "";
    if (this.#said.size >= MAX_REMEMBERED) this.#said.clear();
    this.#said.set(like, { atMs: now, more: 0 });
    this.#print(`${message.replace(/\s*\n\s*/g, " ")}${again}`);
  }
}

function cellOf(error: Error): Cell | undefined {
  if (!(error instanceof StorageError)) return undefined;
  return (error.cause as { cell?: Cell } | null | undefined)?.cell;
}
