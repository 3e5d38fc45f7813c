/** Holds the README to the code: its tables, its conversation, its examples that cannot run by --doc. */
import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { COMMANDS } from "../../src/cli/main.ts";
import { readConfigFile } from "../../src/cli/options.ts";
import { Client } from "../../src/client/client.ts";
import { MAX_NAME_BYTES, MAX_PATTERN_BYTES, readConfig } from "../../src/engine/config.ts";
import { DURABILITIES } from "../../src/engine/journal_options.ts";
import { MAX_FIELD_BYTES } from "../../src/engine/field.ts";
import { MAX_RANKED } from "../../src/engine/result.ts";
import { MAX_GLOB_CHARACTERS } from "../../src/engine/glob.ts";
import { MAX_EVENTS_PER_LINE } from "../../src/protocol/commands.ts";
import { MAX_LINE_BYTES } from "../../src/protocol/lines.ts";
import { serveTcp } from "../../src/server/tcp.ts";
import { MemoryStorage } from "../../src/storage/memory.ts";
import { Traqq } from "../../src/traqq.ts";
import { Peer, startServer } from "../server/_peer.ts";
import { after, block, code, numberOf, read, table } from "./_pages.ts";
import { replay } from "./_transcript.ts";

const README = "README.md";
const options = await readConfigFile("traqq.json", block(README, "config"));

Deno.test("README.md: the conversation is the server's", async () => {
  await using traqq = await Traqq.open({ ...options, storage: new MemoryStorage() });
  await using server = serveTcp(traqq, { port: 0 });
  using peer = await Peer.connect(server);
  await replay(block(README, "transcript"), peer);
});

Deno.test("README.md: the conversation has every command", () => {
  const sent = block(README, "transcript");
  for (const cell of table(README, "commands").map(([cell]) => code(cell))) {
    assertStringIncludes(sent, `{"cmd":"${cell}"`);
  }
});

/** The keys that an object of the options may have, from the error for one that it has not. */
function keysOf(path: string): string[] {
  const wrong = path === "" ? { "?": 1 } : { [path]: { "?": 1 } };
  const error = assertThrows(() => readConfig(wrong));
  return /only (.*)$/.exec((error as Error).message)![1].split(", ");
}

Deno.test("README.md: the table of options has every option and its default", () => {
  const nested = ["mapping", "time", "limits", "flush", "journal", "retention"];
  const wanted = keysOf("").flatMap((key) => {
    if (!nested.includes(key)) return [key];
    return [...key === "mapping" ? [key] : [], ...keysOf(key).map((inner) => `${key}.${inner}`)];
  });
  const rows = table(README, "options");
  assertEquals(rows.map(([option]) => code(option)).sort(), wanted.sort());

  const defaults = readConfig({ journal: { directory: "." } });
  for (const [option, , value] of rows) {
    const [group, key] = code(option).split(".");
    const isNumber = /^[\d,]+$/.test(value);
    if (!isNumber || (group !== "limits" && group !== "flush" && group !== "journal")) continue;
    const real = (defaults[group] as unknown as Record<string, number>)[key];
    assertEquals(numberOf(value), real, option);
  }
  assertEquals(defaults.prefix, "traqq");
  assertEquals(defaults.mapping.add.map(({ text }) => text), ["event"]);
  assertEquals(defaults.time.hourly, false);
  for (
    const absent of [
      defaults.time.property,
      defaults.durability,
      defaults.retention.d,
      defaults.retention.h,
      defaults.writer,
    ]
  ) assertEquals(absent, undefined);
});

Deno.test("README.md: the fixed limits are those of the code", () => {
  const text = after(README, "fixed limits");
  const bytes = (limit: number) => `${limit.toLocaleString("en")} bytes`;
  assertStringIncludes(text, bytes(MAX_NAME_BYTES));
  assertStringIncludes(text, bytes(MAX_PATTERN_BYTES));
  assertStringIncludes(text, bytes(MAX_FIELD_BYTES));
  assertEquals(MAX_LINE_BYTES, 1 << 20);
  const limitOf = (what: string) =>
    table(README, "fixed limits").find(([name]) => name.startsWith(what))![1];
  assertEquals(numberOf(limitOf("members of `ranked`")), MAX_RANKED);
  assertEquals(numberOf(limitOf("events of a `record_many`")), MAX_EVENTS_PER_LINE);
  assertEquals(numberOf(limitOf("characters of all globs")), MAX_GLOB_CHARACTERS);
});

Deno.test("README.md: the table of flags has the flags of every command", () => {
  const wanted = COMMANDS.flatMap(({ name, groups }) =>
    groups.flatMap(({ flags }) => flags)
      .map((flag) => `${name} --${flag.name}${flag.value === undefined ? "" : ` ${flag.value}`}`)
  );
  const given = table(README, "flags")
    .flatMap(([flag, commands]) => commands.split(", ").map((name) => `${name} ${code(flag)}`));
  assertEquals(given.sort(), wanted.sort());
});

Deno.test("README.md: the tables of commands and permissions are those of --help", () => {
  assertEquals(
    table(README, "cli commands").map(([name]) => code(name)),
    COMMANDS.map(({ name }) => name),
  );
  const wanted = COMMANDS.flatMap(({ name, permissions }) =>
    permissions.filter(({ when }) => !when.startsWith("the token"))
      .map(({ when, flags }) => [name, when, flags])
  );
  const given = table(README, "permissions")
    .map(([name, when, flags]) => [code(name), code(when).replaceAll("`", ""), code(flags)]);
  assertEquals(given, wanted);
});

Deno.test("README.md: the commands for a shell have the permissions of --help", () => {
  const lines = read(README).replaceAll("\\\n", "").split("\n")
    .filter((line) => /^deno run .*traqq\/cli (serve|record|query)/.test(line))
    .map((line) => line.replaceAll(/ +/g, " "));
  assertEquals(lines.length, 6);
  for (const line of lines) {
    const [, flags, name] = /^deno run (.*) jsr:@traqq\/traqq\/cli (\w+)/.exec(line)!;
    const command = COMMANDS.find((command) => command.name === name)!;
    const isFolder = line.includes("--data-dir data");
    const wanted = command.permissions
      .find(({ when }) => !isFolder || when === "--data-dir")!.flags.replaceAll("=DIR", "=data");
    const withConfig = wanted.replace("--allow-read=traqq.db", "--allow-read=traqq.db,traqq.json");
    assertEquals(flags, line.includes("--config") ? withConfig : wanted, line);
    // Every flag that stands there is one.
    for (const [, flag] of line.slice(line.indexOf(name)).matchAll(/ --([a-z-]+)/g)) {
      assert(command.groups.some(({ flags }) => flags.some((one) => one.name === flag)), flag);
    }
  }
});

Deno.test("README.md: the commands in a pipeline have the flags that are given", () => {
  const commands = read(README).replaceAll("|\n", "| ").split("\n")
    .filter((line) => line.startsWith("traqq ") && line.includes(" | "))
    .flatMap((line) => line.split(" | "));
  assertEquals(commands.length, 2);
  for (const line of commands) {
    const [, name] = /^ *traqq (\w+)/.exec(line)!;
    const { groups } = COMMANDS.find((command) => command.name === name)!;
    for (const [, flag] of line.matchAll(/ --([a-z-]+)/g)) {
      assert(groups.some(({ flags }) => flags.some((one) => one.name === flag)), flag);
    }
  }
});

Deno.test("README.md: the counters of the journal, and its modes, are all there", async () => {
  const directory = await Deno.makeTempDir();
  try {
    await using traqq = await Traqq.open({ storage: new MemoryStorage(), journal: { directory } });
    const line = after(README, "journal stats").split("\n\n")[0];
    const named = [...line.matchAll(/`(\w+)`/g)].map(([, name]) => name);
    assertEquals(
      named.filter((name) => name !== "journal").sort(),
      Object.keys(traqq.stats().journal!).sort(),
    );
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
  const list = after(README, "durability").split("\n\n")[0];
  assertEquals([...list.matchAll(/^- `(\w+)`/gm)].map(([, mode]) => mode), [...DURABILITIES]);
});

Deno.test("README.md: the table of stats has every counter", async () => {
  await using it = await startServer();
  const { server, ...own } = { ...it.traqq.stats(), server: it.server.stats() };
  assertEquals(table(README, "stats").map(([name]) => code(name)).sort(), Object.keys(own).sort());
  const line = after(README, "server stats").split("\n\n")[0];
  const named = [...line.matchAll(/`(\w+)`/g)].map(([, name]) => name);
  assertEquals(named.filter((name) => name !== "server").sort(), Object.keys(server).sort());
});

Deno.test("README.md: the table of packages has every package", () => {
  const { imports } = JSON.parse(read("deno.json"));
  const named = table(README, "packages").map(([name]) => code(name));
  assertEquals(named.sort(), Object.keys(imports).sort());
});

Deno.test("README.md: the table of errors has every code and reason", () => {
  const text = after(README, "errors");
  const source = read("src/base/errors.ts");
  const words = [...source.matchAll(/^ {2}\| "(\w+)"/gm)].map(([, word]) => word);
  assertEquals(words.length, 11);
  for (const word of words) assertStringIncludes(text, `\`${word}\``);
});

Deno.test("README.md: the client's example runs", async () => {
  await using traqq = await Traqq.open({ ...options, storage: new MemoryStorage() });
  await using server = serveTcp(traqq, { port: 0 });
  const body = block(README, "client")
    .replace(/^import .*$/m, "")
    .replace('"127.0.0.1:9876"', JSON.stringify(`127.0.0.1:${server.addr.port}`));
  const printed: unknown[][] = [];
  const AsyncFunction = (async () => {}).constructor as new (
    ...args: string[]
  ) => (client: typeof Client, console: unknown) => Promise<void>;
  await new AsyncFunction("Client", "console", body)(Client, {
    log: (...args: unknown[]) => printed.push(args),
  });
  assertEquals(printed[0][0], 1);
  assertStringIncludes(`${printed[0][1]}`, "Cannot record an event");
  assertEquals(printed[1].length, 2);
  assertEquals(traqq.stats().recorded, 2);
});
