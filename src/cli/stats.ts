/**
 * `traqq stats`: the counters of a server.
 *
 * @module
 */
import type { Command } from "./command.ts";
import { connect } from "./connect.ts";
import { formatNumber } from "./draw/number.ts";
import { drawTable } from "./draw/table.ts";
import { EXIT } from "./errors.ts";
import { oneOf, type Values } from "./flags.ts";
import { CONNECT_FLAGS } from "./shared_flags.ts";
import type { Terminal } from "./terminal.ts";

/** The command. */
export const stats: Command = {
  name: "stats",
  summary: "Show a server's counters: recorded, rejected, late, pending",
  usage: "[--format table|json]",
  about: ["What a server has counted since it started, and what it holds right now."],
  groups: [
    {
      title: "Output",
      flags: [{ name: "format", value: "table|json", help: "Default table" }],
    },
    CONNECT_FLAGS,
  ],
  permissions: [
    { when: "always", flags: "--allow-net=127.0.0.1:9876" },
    { when: "the token from the environment", flags: "--allow-env=TRAQQ_TOKEN" },
  ],
  examples: [{ line: "traqq stats --addr 127.0.0.1:9876", does: "is it keeping up?" }],
  run,
};

async function run(values: Values, terminal: Terminal): Promise<number> {
  const format = oneOf(values, "format", ["table", "json"]) ?? "table";
  await using client = await connect(values);
  const stats = await client.stats();
  if (format === "json") {
    terminal.out(`${JSON.stringify(stats)}\n`);
    return EXIT.ok;
  }
  const rows = flat(stats);
  const grouped = terminal.columns !== undefined;
  const table = drawTable(
    [{ title: "counter" }, { title: "value", align: "right" }],
    rows.map(([name, value]) => [
      name,
      typeof value === "number" ? formatNumber(value, { grouped }) : String(value),
    ]),
    { width: terminal.columns, style: terminal.style },
  );
  terminal.out(`${table.join("\n")}\n`);
  return EXIT.ok;
}

/** Counters within counters by their path: `server.accepted`. */
function flat(stats: object, path = ""): (readonly [string, unknown])[] {
  return Object.entries(stats).flatMap(([name, value]) =>
    typeof value === "object" && value !== null
      ? flat(value, `${path}${name}.`)
      : [[`${path}${name}`, value] as const]
  );
}
