/**
 * The program: finds the command, runs it, and turns what went wrong into one line and an exit code.
 *
 * @module
 */
import type { Command } from "./command.ts";
import { demo } from "./demo.ts";
import { suggestion } from "./did_you_mean.ts";
import { harmless } from "./draw/text.ts";
import { EXIT, explain, UsageError } from "./errors.ts";
import { quoted, readFlags } from "./flags.ts";
import { exportCommand } from "./export.ts";
import { commandHelp, programHelp } from "./help.ts";
import { importCommand } from "./import.ts";
import { journal } from "./journal.ts";
import { procession } from "./procession.ts";
import { prune } from "./prune.ts";
import { query } from "./query.ts";
import { record } from "./record.ts";
import { series } from "./series.ts";
import { serve } from "./serve.ts";
import { simulate } from "./simulate.ts";
import { sql } from "./sql.ts";
import { stats } from "./stats.ts";
import { systemTerminal, type Terminal } from "./terminal.ts";
import { trails } from "./trails.ts";
import { VERSION } from "./version.ts";

/** Every command, in the order of `--help`. */
export const COMMANDS: readonly Command[] = [
  serve,
  record,
  query,
  sql,
  stats,
  prune,
  exportCommand,
  importCommand,
  journal,
  procession,
  series,
  simulate,
  trails,
  demo,
];

/**
 * Runs the command line and gives the exit code: 0 done, 1 not or not all of it, 2 wrong usage. Never
 * throws.
 */
export async function main(
  args: readonly string[],
  terminal: Terminal = systemTerminal(),
): Promise<number> {
  let name = "";
  try {
    const [first, ...rest] = args;
    if (first === "--version" || first === "-V") {
      terminal.out(`traqq ${VERSION}\n`);
      return EXIT.ok;
    }
    if (first === "--help" || first === "-h") {
      terminal.out(programHelp(COMMANDS, terminal));
      return EXIT.ok;
    }
    if (first === undefined) {
      terminal.err(programHelp(COMMANDS, terminal));
      return EXIT.usage;
    }
    if (first === "help") {
      terminal.out(
        rest.length === 0
          ? programHelp(COMMANDS, terminal)
          : commandHelp(findCommand(rest[0]), terminal),
      );
      return EXIT.ok;
    }
    const command = findCommand(first);
    name = command.name;
    if (wantsHelp(rest)) {
      terminal.out(commandHelp(command, terminal));
      return EXIT.ok;
    }
    const values = readFlags(command.groups, rest);
    if (command.takesFiles !== true) checkWords(command, values.rest);
    return await command.run(values, terminal);
  } catch (error) {
    const { code, text } = explain(error);
    if (text !== "") {
      const shown = text.startsWith("BUG:") ? text : harmless(text);
      const help = error instanceof UsageError
        ? ` (see traqq ${name === "" ? "--help" : `${name} --help`})`
        : "";
      terminal.err(`${terminal.errStyle.red("traqq:")} ${shown}${help}\n`);
    }
    return code;
  }
}

/** Also beside a flag that is wrong, and before `--`. */
function wantsHelp(args: readonly string[]): boolean {
  const end = args.indexOf("--");
  return (end < 0 ? args : args.slice(0, end)).some((arg) => arg === "--help" || arg === "-h");
}

/** Exactly one of the command's words must be there; nothing where it has none. */
function checkWords({ name, words }: Command, given: readonly string[]): void {
  if (words === undefined) return refuseMore(name, given);
  const [word, ...more] = given;
  if (word === undefined) {
    throw new UsageError(
      `${name} needs a word that says what to do, such as traqq ${name} ${words[0]}`,
    );
  }
  if (!words.includes(word)) {
    throw new UsageError(
      `${name} cannot do ${quoted(word)}${
        suggestion(word, words) || `: there is ${words.join(", ")}`
      }`,
    );
  }
  refuseMore(`${name} ${word}`, more);
}

function refuseMore(what: string, given: readonly string[]): void {
  if (given.length === 0) return;
  throw new UsageError(`${what} takes no arguments, received ${quoted(given[0])}`);
}

function findCommand(name: string): Command {
  const command = COMMANDS.find((command) => command.name === name);
  if (command !== undefined) return command;
  if (name.startsWith("-")) {
    throw new UsageError(`Unknown flag ${quoted(name)}: the command comes first, then its flags`);
  }
  const names = COMMANDS.map((command) => command.name);
  throw new UsageError(
    `Unknown command ${quoted(name)}${suggestion(name, names) || `: there is ${names.join(", ")}`}`,
  );
}
