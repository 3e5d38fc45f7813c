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
  readonly #terminal: Terminal;
  readonly #said = new Map<string, { atMs: number; more: number }>();

  /** @param kvPath the file lies beside it */
  constructor(kvPath: string | undefined, terminal: Terminal) {
    const beside = kvPath === undefined || !isKvFile(kvPath) ? "traqq" : kvPath;
    this.path = `${beside}.refused.ndjson`;
    this.#terminal = terminal;
  }

  /** For `Traqq.open`. */
  readonly onError = (error: Error): void => {
    // Whoever sent the event is told.
    if (error instanceof EventError) return;
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

  /** Prints a message, unless it stood there a moment ago. */
  #say(message: string): void {
    const now = Date.now();
    const said = this.#said.get(message);
    if (said !== undefined && now - said.atMs < QUIET_MS) {
      said.more++;
      return;
    }
    const again = said?.more ? ` (and ${said.more} more times since)` : "";
    if (this.#said.size >= MAX_REMEMBERED) this.#said.clear();
    this.#said.set(message, { atMs: now, more: 0 });
    this.#terminal.err(
      `${new Date(now).toISOString()} ${harmless(message.replace(/\s*\n\s*/g, " "))}${again}\n`,
    );
  }
}

function cellOf(error: Error): Cell | undefined {
  if (!(error instanceof StorageError)) return undefined;
  return (error.cause as { cell?: Cell } | null | undefined)?.cell;
}
