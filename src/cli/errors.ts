/**
 * How a command fails: by wrong usage, by a failure, or because nobody reads its output any more.
 *
 * @module
 */
import {
  ConfigError,
  EventError,
  JournalError,
  messageOf,
  ProtocolError,
  StorageError,
} from "../base/errors.ts";

/** Exit codes of every command. */
export const EXIT = {
  ok: 0,
  /** It could not be done, or not all of it. */
  failure: 1,
  /** The command line or the config file is wrong: nothing was begun. */
  usage: 2,
  /** Interrupted by Ctrl-C (128 + SIGINT). */
  interrupted: 130,
  /** Terminated (128 + SIGTERM). */
  terminated: 143,
} as const;

/** The command line is wrong. */
export class UsageError extends Error {
  override name = "UsageError";
}

/** The command could not do what was asked; the message says what to do. */
export class CliError extends Error {
  override name = "CliError";
}

/** Standard output was closed by its reader (`traqq query | head -1`): no failure, but the end. */
export class OutputClosed extends Error {
  override name = "OutputClosed";
}

const NO_TOKEN = "The server wants a token: put it in a file and give --token-file, or set " +
  "TRAQQ_TOKEN (and let Deno read it by --allow-env=TRAQQ_TOKEN)";

/** The exit code for an error, and what to print: one line, for bugs with the stack. */
export function explain(error: unknown): { code: number; text: string } {
  if (error instanceof OutputClosed) return { code: EXIT.ok, text: "" };
  const message = messageOf(error);
  if (error instanceof UsageError || error instanceof ConfigError) {
    return { code: EXIT.usage, text: oneLine(message) };
  }
  // The server's text is for whoever writes the protocol by hand.
  if (/^Cannot do this without the token/.test(message)) {
    return { code: EXIT.failure, text: NO_TOKEN };
  }
  if (isExpected(error, message)) return { code: EXIT.failure, text: oneLine(message) };
  const stack = error instanceof Error ? error.stack ?? message : message;
  const bug = message.startsWith("BUG:") ? stack : `BUG: ${stack}`;
  return { code: EXIT.failure, text: `${bug}\nPlease report this.` };
}

/** Whether an error tells the user something, rather than that traqq is broken. */
function isExpected(error: unknown, message: string): boolean {
  if (message.startsWith("BUG:")) return false;
  if (
    error instanceof CliError || error instanceof EventError || error instanceof StorageError ||
    error instanceof ProtocolError || error instanceof JournalError
  ) return true;
  if (Object.values(Deno.errors).some((type) => error instanceof type)) return true;
  // The engine's own TypeErrors and RangeErrors say what they wanted; V8's never do.
  return /^Cannot .*: /s.test(message) && !/^Cannot (read|set) propert/.test(message);
}

function oneLine(text: string): string {
  return text.replace(/\s*[\r\n]+\s*/g, " ");
}
