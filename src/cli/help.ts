/**
 * The texts of `--help`, made from the tables of flags.
 *
 * @module
 */
import type { Command } from "./command.ts";
import { HELP } from "./flags.ts";
import { wrap } from "./draw/text.ts";
import type { Terminal } from "./terminal.ts";

const MAX_WIDTH = 100;
const NAME_WIDTH = 30;

/** `traqq --help`. */
export function programHelp(commands: readonly Command[], terminal: Terminal): string {
  const { style } = terminal;
  const names = commands.map((command) => [command.name, command.summary] as const);
  return [
    "Event analytics: counts, unique counts, sums and leaderboards per day and hour.",
    "",
    style.bold("Usage"),
    "  traqq COMMAND [FLAGS]",
    "",
    style.bold("Commands"),
    ...list(names, terminal),
    "",
    style.bold("Flags"),
    ...list(
      [
        ["--help, -h", "Show this, or the help of a command: traqq help serve"],
        ["--version, -V", "Show the version"],
      ],
      terminal,
    ),
    "",
    ...wrap(
      "Exit codes: 0 done, 1 it could not be done or not all of it, 2 wrong usage. Results go to " +
        "standard output, everything else to standard error. NO_COLOR switches colours off.",
      widthOf(terminal),
    ),
    "",
  ].join("\n");
}

/** `traqq COMMAND --help`. */
export function commandHelp(command: Command, terminal: Terminal): string {
  const { style } = terminal;
  const width = widthOf(terminal);
  const lines = [
    ...wrap(`${command.summary}.`, width),
    "",
    style.bold("Usage"),
    ...wrap(`traqq ${command.name} ${command.usage} [FLAGS]`, width, "  "),
  ];
  for (const paragraph of command.about) lines.push("", ...wrap(paragraph, width));
  const groups = [...command.groups, { title: "Other", flags: [HELP] }];
  for (const { title, flags } of groups) {
    const rows = flags.map(({ name, short, value, help }) =>
      [
        `--${name}${value === undefined ? "" : ` ${value}`}${
          short === undefined ? "" : `, -${short}`
        }`,
        help,
      ] as const
    );
    lines.push("", ...wrap(title, width).map(style.bold), ...list(rows, terminal));
  }
  lines.push(
    "",
    style.bold("Permissions"),
    ...wrap(`deno run PERMISSIONS jsr:@traqq/traqq/cli ${command.name} …`, width, "  "),
  );
  for (const { when, flags } of command.permissions) {
    lines.push(...wrap(`${when}:`, width, "  "), ...wrap(flags, width, "    "));
  }
  lines.push("", style.bold("Examples"));
  for (const { line, does } of command.examples) {
    lines.push(`  ${style.dim(`# ${does}`)}`, `  ${line}`);
  }
  return `${lines.join("\n")}\n`;
}

function widthOf({ columns }: Terminal): number {
  return Math.min(columns ?? 80, MAX_WIDTH);
}

/** Names and what they are, side by side, or one below the other where it is narrow. */
function list(rows: readonly (readonly [string, string])[], terminal: Terminal): string[] {
  const width = widthOf(terminal);
  const names = Math.min(NAME_WIDTH, Math.max(...rows.map(([name]) => name.length))) + 2;
  const beside = width - 2 - names >= 30;
  return rows.flatMap(([name, text]) => {
    const indent = " ".repeat(beside ? 2 + names : 6);
    const lines = wrap(text, width, indent);
    if (!beside || name.length > NAME_WIDTH) return [`  ${name}`, ...lines];
    return [`  ${name.padEnd(names)}${lines[0].trimStart()}`, ...lines.slice(1)];
  });
}
