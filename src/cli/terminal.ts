/**
 * Where a command writes: results to standard output, everything else to standard error. The only
 * file of the CLI that knows the process's own streams, so that tests can put others in their place.
 *
 * @module
 */
import { messageOf } from "../base/errors.ts";
import { COLOURS, PLAIN, type Style } from "./draw/style.ts";
import { CliError, OutputClosed } from "./errors.ts";

/** What a command writes to. */
export interface Terminal {
  /** Writes results. @throws {OutputClosed} if nobody reads them any more */
  out(text: string): void;
  /** Writes results that are no text. @throws {OutputClosed} if nobody reads them any more */
  outBytes(bytes: Uint8Array): void;
  /** Writes messages and progress; never throws. */
  err(text: string): void;
  /** Columns of standard output; undefined where it is not a terminal. */
  readonly columns: number | undefined;
  /** Columns of standard error; undefined where it is not a terminal. */
  readonly errColumns: number | undefined;
  /** Whether a person types what a command reads. */
  readonly inIsTerminal: boolean;
  /** Marks for standard output. */
  readonly style: Style;
  /** Marks for standard error. */
  readonly errStyle: Style;
}

const encoder = new TextEncoder();

/** The process's own streams. */
export function systemTerminal(): Terminal {
  const outIsTerminal = Deno.stdout.isTerminal();
  const errIsTerminal = Deno.stderr.isTerminal();
  return {
    out: (text) => write(Deno.stdout, encoder.encode(text)),
    outBytes: (bytes) => write(Deno.stdout, bytes),
    err: (text) => {
      try {
        write(Deno.stderr, encoder.encode(text));
      } catch {
        // Nobody reads messages: that is no reason to stop.
      }
    },
    // Asked each time: windows are resized.
    get columns() {
      return outIsTerminal ? consoleColumns() : undefined;
    },
    get errColumns() {
      return errIsTerminal ? consoleColumns() : undefined;
    },
    inIsTerminal: Deno.stdin.isTerminal(),
    style: outIsTerminal && !Deno.noColor ? COLOURS : PLAIN,
    errStyle: errIsTerminal && !Deno.noColor ? COLOURS : PLAIN,
  };
}

function consoleColumns(): number {
  try {
    // Some terminals, such as those of build servers, say 0.
    return Deno.consoleSize().columns || 80;
  } catch {
    return 80;
  }
}

function write(stream: { writeSync(bytes: Uint8Array): number }, all: Uint8Array): void {
  let bytes = all;
  while (bytes.length > 0) {
    try {
      bytes = bytes.subarray(stream.writeSync(bytes));
    } catch (error) {
      if (error instanceof Deno.errors.BrokenPipe) throw new OutputClosed();
      if (!(error instanceof Deno.errors.WouldBlock)) {
        throw new CliError(`Cannot write the output: ${messageOf(error)}; write it elsewhere`, {
          cause: error,
        });
      }
      // A parent made the pipe non-blocking: wait until its reader has caught up.
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5);
    }
  }
}
