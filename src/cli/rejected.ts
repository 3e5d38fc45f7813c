/**
 * The lines that `record` could not record: the first on the terminal, all in the file of `--rejected`.
 *
 * @module
 */
import { formatNumber } from "./draw/number.ts";
import { harmless } from "./draw/text.ts";
import { CliError, UsageError } from "./errors.ts";
import type { Input, Line } from "./input.ts";
import { need } from "./permissions.ts";
import { reasonOf } from "./files.ts";
import type { Terminal } from "./terminal.ts";

/** Rejected lines that are printed. */
const MAX_SHOWN = 5;

/** What the input is called whose lines are events of the command line. */
export const EVENT_FLAG = "--event";

/** Keeps rejected lines: the first on the terminal, all in the file of `--rejected`. */
export class Rejected implements AsyncDisposable {
  readonly #terminal: Terminal;
  readonly #path: string | undefined;
  readonly #file: Deno.FsFile | undefined;
  readonly #manyInputs: boolean;
  #count = 0;
  #pending = "";

  private constructor(
    terminal: Terminal,
    path: string | undefined,
    file: Deno.FsFile | undefined,
    manyInputs: boolean,
  ) {
    this.#terminal = terminal;
    this.#path = path;
    this.#file = file;
    this.#manyInputs = manyInputs;
  }

  /** Makes the file, empty, before anything is recorded. */
  static async open(
    path: string | undefined,
    inputs: readonly Input[],
    terminal: Terminal,
  ): Promise<Rejected> {
    const many = inputs.length > 1;
    if (path === undefined) return new Rejected(terminal, path, undefined, many);
    need(`write ${path}`, { name: "write", path });
    const same = await sameFile(path, inputs);
    if (same !== undefined) {
      throw new UsageError(`--rejected ${path} is ${same}, which is read; name another file`);
    }
    try {
      const file = await Deno.open(path, { write: true, create: true, truncate: true });
      return new Rejected(terminal, path, file, many);
    } catch (error) {
      throw new CliError(`Cannot write ${path}: ${reasonOf(error)}`, { cause: error });
    }
  }

  add(input: Input, line: Line, reason: string): void {
    this.#count++;
    const place = input.name === EVENT_FLAG
      ? `${input.name} ${line.number}`
      : this.#manyInputs
      ? `${input.name} line ${line.number}`
      : `line ${line.number}`;
    if (this.#count <= MAX_SHOWN) {
      this.#terminal.err(`${harmless(`${place}: ${reason}`)}\n`);
    }
    if (this.#file === undefined) return;
    const entry = { file: input.name, line: line.number, reason, text: line.text };
    this.#pending += `${JSON.stringify(entry)}\n`;
    if (this.#pending.length > 1 << 16) this.#flush();
  }

  /** Says what was not shown. */
  summarize(): void {
    this.#flush();
    const more = this.#count - MAX_SHOWN;
    if (more > 0) {
      this.#terminal.err(
        `… and ${formatNumber(more, { grouped: true })} more${
          this.#path === undefined ? "; --rejected FILE keeps them all" : ""
        }\n`,
      );
    }
    if (this.#path !== undefined && this.#count > 0) {
      this.#terminal.err(`Rejected lines are in ${harmless(this.#path)}\n`);
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#flush();
    this.#file?.close();
    return Promise.resolve();
  }

  #flush(): void {
    let bytes = new TextEncoder().encode(this.#pending);
    this.#pending = "";
    while (bytes.length > 0) bytes = bytes.subarray(this.#file!.writeSync(bytes));
  }
}

/** The input that is the same file, if one is. */
async function sameFile(path: string, inputs: readonly Input[]): Promise<string | undefined> {
  for (const input of inputs) {
    if (input.name === path) return input.name;
    try {
      const [a, b] = await Promise.all([Deno.realPath(path), Deno.realPath(input.name)]);
      if (a === b) return input.name;
    } catch {
      // One of them does not exist, or may not be looked at: then it is not known to be the same.
    }
  }
}
