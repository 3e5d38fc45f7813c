import { assertEquals, assertThrows } from "@std/assert";
import { durationMs } from "../../src/cli/duration.ts";
import { UsageError } from "../../src/cli/errors.ts";
import { type FlagGroup, oneOf, readFlags, wholeNumber } from "../../src/cli/flags.ts";

const GROUPS: FlagGroup[] = [{
  title: "Some",
  flags: [
    { name: "days", value: "N", help: "" },
    { name: "add", value: "PROPS", many: true, help: "" },
    { name: "idle-timeout", value: "TIME", help: "" },
    { name: "format", value: "FORMAT", help: "" },
    { name: "merge", help: "" },
  ],
}];

const read = (...args: string[]) => readFlags(GROUPS, args);

Deno.test("readFlags() reads values, switches, repeated flags and arguments", () => {
  const values = read("--days", "3", "--add=a", "file", "--merge", "--add", "b", "-", "--", "--x");
  assertEquals(values.get("days"), "3");
  assertEquals(values.all("add"), ["a", "b"]);
  assertEquals(values.has("merge"), true);
  assertEquals(values.has("format"), false);
  assertEquals(values.rest, ["file", "-", "--x"]);
});

Deno.test("readFlags() keeps text that looks like a number, and arguments that do", () => {
  const values = read("--add", "007", "1e3", "0x10");
  assertEquals(values.all("add"), ["007"]);
  assertEquals(values.rest, ["1e3", "0x10"]);
});

Deno.test("readFlags() refuses what it does not know, with the nearest that it does", () => {
  const bad = (args: string[], message: string) =>
    assertThrows(() => read(...args), UsageError, message);
  bad(["--dyas", "3"], "Unknown flag --dyas; did you mean --days?");
  bad(["--dyas=3"], "Unknown flag --dyas; did you mean --days?");
  bad(["--no-merge"], "Unknown flag --no-merge");
  bad(["-x"], "Unknown flag -x");
  bad(["--__proto__=1"], "Unknown flag --__proto__");
  bad(["--constructor"], "Unknown flag --constructor");
  bad(["--days", "-3"], 'A value that begins with "-" is given as --flag=-3');
  bad(["--allow-net"], "--allow-net is for Deno, not for traqq: put it before the program");
  bad(["--days"], "--days needs a value: --days N");
  bad(["--days", "--merge"], "--days needs a value");
  bad(["--days="], "--days needs a value");
  bad(["--days", "1", "--days", "2"], "--days is given 2 times; give it once");
});

Deno.test("wholeNumber() and oneOf() name the flag and what it wants", () => {
  assertEquals(wholeNumber(read("--days", "12"), "days", 1), 12);
  assertEquals(wholeNumber(read(), "days", 1), undefined);
  for (const text of ["0", "=-3", "1.5", "1e3", "0x10", "x", "99999999999999999"]) {
    const args = text.startsWith("=") ? [`--days${text}`] : ["--days", text];
    assertThrows(
      () => wholeNumber(read(...args), "days", 1),
      UsageError,
      "--days wants a whole number from 1",
    );
  }
  assertEquals(oneOf(read("--format", "csv"), "format", ["csv", "json"]), "csv");
  assertThrows(
    () => oneOf(read("--format", "jsn"), "format", ["csv", "json"]),
    UsageError,
    '--format wants csv or json, received "jsn"; did you mean json?',
  );
});

Deno.test("durationMs() takes units; a bare number is seconds", () => {
  const ok = (text: string, want: number) =>
    assertEquals(durationMs(read("--idle-timeout", text), "idle-timeout"), want);
  ok("90", 90_000);
  ok("90s", 90_000);
  ok("0", 0);
  ok("1.5s", 1500);
  ok("250ms", 250);
  ok("10m", 600_000);
  ok("2h", 7_200_000);
  ok("1d", 86_400_000);
  for (const text of ["", "5x", "1w", "25d", "1e9", "-1", "10 m"]) {
    assertThrows(
      () => durationMs(read(`--idle-timeout=${text}`), "idle-timeout"),
      UsageError,
      "--idle-timeout",
    );
  }
});
