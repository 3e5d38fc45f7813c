import { assertEquals, assertStringIncludes } from "@std/assert";
import {
  ConfigError,
  EventError,
  JournalError,
  ProtocolError,
  StorageError,
} from "../../src/base/errors.ts";
import { CliError, explain, OutputClosed, UsageError } from "../../src/cli/errors.ts";
import { COMMANDS, main } from "../../src/cli/main.ts";
import { flagOf } from "../../src/cli/permissions.ts";
import { VERSION } from "../../src/cli/version.ts";
import { widthOf } from "../../src/cli/draw/text.ts";
import { FakeTerminal } from "./_fake_terminal.ts";

async function run(...args: string[]) {
  const terminal = new FakeTerminal();
  return { code: await main(args, terminal), out: terminal.outText, err: terminal.errText };
}

Deno.test("main() --version is that of deno.json", async () => {
  const manifest = JSON.parse(await Deno.readTextFile(new URL("../../deno.json", import.meta.url)));
  assertEquals(VERSION, manifest.version);
  assertEquals(await run("--version"), { code: 0, out: `traqq ${VERSION}\n`, err: "" });
  assertEquals((await run("-V")).out, `traqq ${VERSION}\n`);
});

Deno.test("main() --help lists every command", async () => {
  const { code, out } = await run("--help");
  assertEquals(code, 0);
  const width = Math.max(...COMMANDS.map(({ name }) => name.length));
  for (const { name, summary } of COMMANDS) {
    assertStringIncludes(out, `  ${name.padEnd(width)}  ${summary}`);
  }
  assertEquals((await run("help")).out, out);
  assertEquals((await run("-h")).out, out);
});

for (const command of COMMANDS) {
  Deno.test(`main() ${command.name} --help mentions every flag it takes`, async () => {
    const { code, out } = await run(command.name, "--help");
    assertEquals(code, 0);
    for (const { name, value } of command.groups.flatMap((group) => group.flags)) {
      const flag = value === undefined ? `  --${name} ` : `  --${name} ${value}`;
      assertStringIncludes(out, flag);
    }
    assertStringIncludes(out, "--help");
    assertEquals((await run("help", command.name)).out, out);
    // Also beside a flag that is wrong.
    assertEquals((await run(command.name, "--nonsense", "-h")).out, out);
  });

  Deno.test(`main() ${command.name} --help fits terminals from 40 columns`, async () => {
    for (const columns of [40, 60, 80, 120]) {
      const terminal = new FakeTerminal({ columns });
      await main([command.name, "--help"], terminal);
      const [text] = terminal.outText.split("\nExamples\n");
      for (const line of text.split("\n")) {
        // What cannot be broken: the name of a flag, a path in a permission.
        if (!line.trim().includes(" ") || line.startsWith("  --")) continue;
        assertEquals(widthOf(line) <= columns, true, `${columns}: ${line}`);
      }
    }
  });

  Deno.test(`main() ${command.name} refuses a flag that it does not have`, async () => {
    const { code, out, err } = await run(command.name, "--nonsense");
    assertEquals([code, out], [2, ""]);
    assertEquals(err, `traqq: Unknown flag --nonsense (see traqq ${command.name} --help)\n`);
  });
}

Deno.test("main() wrong usage exits with 2 and one line", async () => {
  const bad = async (args: string[], message: string) => {
    const { code, out, err } = await run(...args);
    assertEquals([code, out], [2, ""], err);
    assertStringIncludes(err, message);
    assertEquals(err.split("\n").length, 2, err);
  };
  await bad(["qurey"], 'Unknown command "qurey"; did you mean query?');
  await bad(
    ["xyz"],
    "there is serve, record, query, sql, stats, prune, export, import, journal, procession, series, simulate, trails, demo",
  );
  await bad(["--addr", "x"], "the command comes first");
  await bad(["query", "--days", "0"], "--days wants a whole number from 1");
  await bad(["query", "--days=-5"], "--days wants a whole number from 1");
  await bad(["query", "--days", "3", "--from", "2026-11-01"], "do not go together");
  await bad(["query", "--to", "2026-11-01"], "--to needs a --from");
  await bad(["query", "--merge"], "--merge needs a metric");
  await bad(["query", "--find", "foo/bar"], "--find: Cannot find a metric");
  await bad(["query", "--find", "add/a~a"], "--find: ");
  await bad(["query", "--find", "add/event", "--format", "xml"], "--format wants table or json");
  await bad(["query", "--limit", "3", "--format", "json"], "--limit is for --format table");
  await bad(["query", "--escape-formulas"], "--escape-formulas is for --format csv");
  await bad(["query", "--storage", "memory"], "--storage memory holds nothing");
  await bad(["query", "extra"], "query takes no arguments");
  await bad(["record", "--event", "{"], "--event: Cannot read the line as JSON");
  await bad(["record", "--event", "{}", "file"], "--event and files do not go together");
  await bad(["record", "-", "-"], "can be read only once");
  await bad(["record", "--at", "2026-11-01"], "--at wants a time such as 2026-11-01T12:00:00Z");
  await bad(["record", "--at", "noon"], "--at wants a time such as 2026-11-01T12:00:00Z, or unix");
  await bad(["record", "--kv-path", "x"], "--kv-path is for opening the storage here");
  await bad(["prune"], "prune needs --before TIME, such as --before 2026-01-01, or --writers");
  await bad(["prune", "--before", "x"], "--before wants a day");
  await bad(["serve", "--tls-cert", "c"], "--tls-cert and --tls-key go together");
  await bad(["serve", "--storage", "disk"], "--storage wants memory or kv or redis");
  await bad(["serve", "--redis-url", "redis://x"], "--redis-url is for --storage redis; add that");
  const redis = ["serve", "--storage", "redis"];
  await bad([...redis, "--kv-path", "x"], "--kv-path is for --storage kv");
  await bad([...redis, "--redis-master", "m"], "--redis-sentinel and --redis-master go together");
  await bad(
    [...redis, "--redis-master=m", "--redis-sentinel=h:1", "--redis-url=redis://x"],
    "--redis-sentinel stands for --redis-url",
  );
  await bad(["serve", "--addr", "nowhere"], "--addr wants HOST:PORT");
  await bad(["serve", "--storage", "memory", "--kv-path", "x"], "--kv-path is for --storage kv");
  await bad(["serve", "--storage", "memory", "--add", "a~a"], "stands in it twice");
  await bad(["serve", "--storage", "memory", "--timezone", "Mars/X"], "Cannot use the time zone");
  await bad(["serve", "--storage", "memory", "--add-value", "amount"], "--add-value wants");
  await bad(["serve", "--addr", "0.0.0.0:0", "--storage", "memory"], "--token-file");
  await bad(["demo", "x"], "demo takes no arguments");
  await bad(
    ["serve", "--durability", "none"],
    "--durability is about the journal, and there is none",
  );
  await bad(["serve", "--retain", "7d"], "--retain is about the journal, and there is none");
  await bad(
    ["serve", "--data-dir", "d", "--retain", "always"],
    "--retain wants a duration such as",
  );
  await bad(
    ["serve", "--data-dir", "d", "--durability", "every-write"],
    '--durability wants every_write or periodic or os_default or none, received "every-write"; ' +
      "did you mean every_write?",
  );
  await bad(["journal"], "journal needs a word that says what to do, such as traqq journal dump");
  await bad(["journal", "dmp"], 'journal cannot do "dmp"; did you mean dump?');
  await bad(["journal", "restore"], 'journal cannot do "restore": there is dump');
  await bad(["journal", "dump", "d"], 'journal dump takes no arguments, received "d"');
  await bad(["journal", "dump"], "journal dump needs --data-dir DIR");
  await bad(["journal", "dump", "--data-dir", "d", "--journal", "d"], "do not go together");
  await bad(["journal", "dump", "--until", "5", "--follow"], "do not go together");
  await bad(
    ["journal", "dump", "--data-dir", "d", "--until", "2026-11-01"],
    "--until wants a time such as 2026-11-01T12:00:00Z, received a day",
  );
});

Deno.test("main() without a command shows the help on standard error and exits with 2", async () => {
  const { code, out, err } = await run();
  assertEquals([code, out], [2, ""]);
  assertStringIncludes(err, "Usage");
});

Deno.test("explain() gives one line for what a user can mend, and the stack for a bug", () => {
  const ok = (error: unknown, code: number, text: string) =>
    assertEquals(explain(error), { code, text });
  ok(new UsageError("wrong"), 2, "wrong");
  ok(new ConfigError("wrong"), 2, "wrong");
  ok(new CliError("a\n  b"), 1, "a b");
  ok(new EventError("x"), 1, "x");
  ok(new StorageError("refused", "x"), 1, "x");
  ok(new ProtocolError("x"), 1, "x");
  ok(new JournalError("x", "file", 5), 1, "x");
  ok(new Deno.errors.NotCapable("x"), 1, "x");
  ok(
    new RangeError("Cannot list the days of a range: at most 5"),
    1,
    "Cannot list the days of a range: at most 5",
  );
  ok(new OutputClosed(), 0, "");
  for (
    const error of [
      new TypeError("Cannot read properties of undefined (reading 'x')"),
      new Error("BUG: impossible"),
      new Error("what?"),
    ]
  ) {
    const { code, text } = explain(error);
    assertEquals(code, 1);
    assertStringIncludes(text, "BUG: ");
    assertStringIncludes(text, "main_test.ts");
  }
  assertStringIncludes(
    explain(new ProtocolError("Cannot do this without the token: send …")).text,
    "--token-file",
  );
});

Deno.test("flagOf() is the exact flag, quoted for a shell", () => {
  assertEquals(flagOf({ name: "net", host: "[::1]:9876" }), "--allow-net=[::1]:9876");
  assertEquals(flagOf({ name: "read", path: "./a b.db" }), "--allow-read='./a b.db'");
  assertEquals(flagOf({ name: "env", variable: "TRAQQ_TOKEN" }), "--allow-env=TRAQQ_TOKEN");
  assertEquals(flagOf({ name: "read" }), "--allow-read");
});
