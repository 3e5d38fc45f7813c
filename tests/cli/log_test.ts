import { assertEquals, assertMatch } from "@std/assert";
import { readFlags } from "../../src/cli/flags.ts";
import { type Log, LOG_FLAGS, openLog } from "../../src/cli/log.ts";
import { FakeTerminal } from "./_fake_terminal.ts";

/** What is written by a log that these flags open. */
function written(
  write: (log: Log) => void,
  flags: string[] = [],
  terminal = new FakeTerminal(),
): string {
  using log = openLog(readFlags([LOG_FLAGS], flags), terminal);
  write(log);
  return terminal.errText;
}

Deno.test("openLog() writes one line of JSON a message where nobody reads, text on a terminal", () => {
  const line = JSON.parse(written((log) => log.warning("watch out", { status: 503 })));
  assertEquals(
    [line.level, line.message, line.status, line.logger],
    ["WARN", "watch out", 503, "traqq"],
  );
  const seen = written((log) => log.error("oh"), [], new FakeTerminal({ errColumns: 80 }));
  assertMatch(seen, /^\d{4}-\d\d-\d\dT[\d:.]+Z ERROR oh\n$/);
});

Deno.test("openLog() takes a message as it is, on one line and harmless", () => {
  const messages = ['{"event":"a"} and {name}', "{{", "a\n  b\r\nc", "\x1b[2Jgone", "100 %s {}"];
  const text = written((log) => messages.forEach((message) => log.info(message)));
  assertEquals(text.trimEnd().split("\n").map((line) => JSON.parse(line).message), [
    '{"event":"a"} and {name}',
    "{{",
    "a b c",
    "\\x1b[2Jgone",
    "100 %s {}",
  ]);
});

Deno.test("openLog() leaves out what is below its level", () => {
  const all = (log: Log) => {
    for (const level of ["debug", "info", "warning", "error", "fatal"] as const) log[level](level);
  };
  const count = (...flags: string[]) => written(all, flags).split("\n").length - 1;
  assertEquals(count(), 4);
  assertEquals(count("--log-level", "debug"), 5);
  assertEquals(count("--log-level", "warning"), 3);
  assertEquals(count("--log-level", "error"), 2);
});

Deno.test("openLog() writes nothing once it is disposed of", () => {
  const terminal = new FakeTerminal();
  const log = openLog(readFlags([LOG_FLAGS], []), terminal);
  log[Symbol.dispose]();
  log.error("late");
  assertEquals(terminal.errText, "");
});
