import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { ProgramError, TrailData, TrailProgram } from "../../../src/trails/mod.ts";
import { BUILT_IN } from "../../../src/trails/run/built_in.ts";

const { seconds_between, unit_of, units_between, units_since } = BUILT_IN;
const at = (time: string) => String(Date.parse(time) / 1000);

Deno.test("unit_of() gives the first date of a unit, in a zone, also before 1970", () => {
  const time = at("2026-03-01T03:30:00Z");
  assertEquals(unit_of(time, "day"), "2026-03-01");
  assertEquals(unit_of(time, "day", "America/New_York"), "2026-02-28");
  assertEquals(unit_of(time, "week"), "2026-02-23");
  assertEquals(unit_of(time, "week", "UTC", "sunday"), "2026-03-01");
  assertEquals(unit_of(time, "month", "America/New_York"), "2026-02-01");
  assertEquals(unit_of("-1", "month"), "1969-12-01");
  assertEquals(unit_of("-1", "week"), "1969-12-29");
});

Deno.test("units_between() counts units of the calendar, units_since() whole ones", () => {
  const [a, b] = [at("2026-10-24T23:30:00Z"), at("2026-10-25T23:00:00Z")];
  assertEquals(units_between(a, b, "day"), "1");
  assertEquals(units_between(a, b, "day", "Europe/Berlin"), "1");
  assertEquals(units_since(a, b, "day", "Europe/Berlin"), "0");
  assertEquals(units_between(b, a, "month"), "0");
  assertEquals(units_since(at("2026-01-31T00:00:00Z"), at("2026-03-30T23:59:59Z"), "month"), "1");
  assertEquals(units_since(at("2026-01-31T00:00:00Z"), at("2026-03-31T00:00:00Z"), "month"), "2");
  assertEquals(seconds_between("5", "12.5"), "7.5");
});

Deno.test("functions give the empty text for an empty time, and say what they wanted for others", () => {
  assertEquals(
    [unit_of("", "day"), units_between("", "1", "day"), units_since("1", "", "day")],
    ["", "", ""],
  );
  assertEquals([seconds_between("", "1"), seconds_between("1", "")], ["", ""]);
  const bad = (message: string, call: () => unknown) => assertThrows(call, Error, message);
  bad("Cannot run seconds_between(): wanted unix seconds", () => seconds_between("1", "x"));
  bad("Cannot run unit_of(): wanted day or week or month", () => unit_of("1", "year"));
  bad("Cannot begin weeks: wanted a day such as monday", () => unit_of("1", "week", "UTC", "x"));
  bad("Cannot use the time zone", () => units_between("1", "2", "day", "Moon/Base"));
});

Deno.test("a function of one's own wins over one that is built in", async () => {
  const program = TrailProgram.parse(`s ->\n  receive\n    * -> yield unit_of(a) to #s\n`);
  const data = TrailData.fromEvents([{ u: 1, time: 0, a: "x" }], { by: "u" });
  const result = await program.run(data, { functions: { unit_of: (a) => `own ${a}` } });
  assertEquals(result.set("#s"), ["own x"]);
  await assertRejects(() => program.run(data), Error, "Cannot run unit_of(): wanted");
});

Deno.test("what is built in runs on any number of workers, as do earlier events", async () => {
  const program = TrailProgram.parse(
    `s ->\n  receive\n    * -> yield previous(a),seconds_between(timestamp, 9) to &s\n`,
  );
  const events = Array.from({ length: 50 }, (_, i) => ({ u: i % 7, time: i % 5, a: i % 3 }));
  const data = TrailData.fromEvents(events, { by: "u" });
  const [one, two] = await Promise.all([1, 2].map((workers) => program.run(data, { workers })));
  assertEquals(two.multiset("&s"), one.multiset("&s"));
  assertEquals(program.fields, ["a"]);
});

Deno.test("foreach event and previous() name what is wrong with them", () => {
  const bad = (text: string, message: string) =>
    assertThrows(() => TrailProgram.parse(text), ProgramError, message);
  const body = "start ->\n    receive\n      * -> quit\n";
  bad(`foreach event\n  foreach %v\n    ${body}`, "wanted a block");
  bad(`foreach event in @list\n  ${body}`, "wanted the end of the line");
  bad(`foreach events\n  ${body}`, "wanted a variable such as %value or #values, or event");
  const term = (text: string) => `s ->\n  receive\n    * -> yield ${text} to #s\n`;
  bad(term("previous(timestamp)"), "previous wants a field and how many events ago");
  bad(term("previous(a, b)"), "previous goes back 1 to 999 events");
  bad(term("previous(a, 0)"), "previous goes back 1 to 999 events");
});
