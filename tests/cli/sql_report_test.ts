import { assertEquals } from "@std/assert";
import { drawRows } from "../../src/cli/sql_report.ts";
import { FakeTerminal } from "./_fake_terminal.ts";

const COLUMNS = [
  { name: "time", type: "TIMESTAMP_NS" },
  { name: "host", type: "VARCHAR" },
  { name: "usage", type: "DOUBLE" },
];

Deno.test("drawRows() draws a table with numbers on the right, and says how many rows there are", () => {
  const rows = [["2021-01-01T00:00:00Z", "a", "64.5"], ["2021-01-01T00:00:01Z", "", "7"]];
  assertEquals(
    drawRows({ columns: COLUMNS, rows, isCut: false }, false, new FakeTerminal()),
    [
      "time                  host  usage",
      "2021-01-01T00:00:00Z  a      64.5",
      "2021-01-01T00:00:01Z            7",
      "",
      "2 rows\n",
    ].join("\n"),
  );
  const one = drawRows(
    { columns: COLUMNS, rows: [rows[0]], isCut: true },
    false,
    new FakeTerminal(),
  );
  assertEquals(one.split("\n").at(-2), "the first 1 rows; --limit 0 shows all");
});

Deno.test("drawRows() draws bars for the last column of numbers, none for what is no number", () => {
  const columns = [{ name: "host", type: "VARCHAR" }, { name: "n", type: "UBIGINT" }];
  const rows = [["a", "10"], ["b", "5"], ["c", ""], ["d", "-3"], ["e", "0"]];
  const text = drawRows({ columns, rows, isCut: false }, true, new FakeTerminal({ columns: 60 }));
  assertEquals(text.split("\n").slice(1, 6).map((line) => line.replace(/[^█]/g, "").length), [
    20,
    10,
    0,
    0,
    0,
  ]);
  const none = drawRows(
    { columns: [columns[0]], rows: [["a"]], isCut: false },
    true,
    new FakeTerminal(),
  );
  assertEquals(none, "host\na\n\n1 row\n");
});

Deno.test("drawRows() shows nothing of a value that could move the cursor", () => {
  const columns = [{ name: "\x1b[2J", type: "VARCHAR" }];
  const text = drawRows(
    { columns, rows: [["\x1b[31mred\r"]], isCut: false },
    false,
    new FakeTerminal(),
  );
  // deno-lint-ignore no-control-regex
  assertEquals(/[\x00-\x09\x0b-\x1f]/.test(text), false);
});
