import { assertEquals } from "@std/assert";
import { type Column, drawTable } from "../../../src/cli/draw/table.ts";
import { widthOf } from "../../../src/cli/draw/text.ts";

const COLUMNS: Column[] = [{ title: "geo" }, { title: "source" }, {
  title: "count",
  align: "right",
}];
const ROWS = [
  ["US", "google", "1,000"],
  ["日本", "a newsletter with a long name", "7"],
];

Deno.test("drawTable() aligns wide characters, and numbers on the right", () => {
  assertEquals(drawTable(COLUMNS, ROWS), [
    "geo   source                         count",
    "US    google                         1,000",
    "日本  a newsletter with a long name      7",
  ]);
});

Deno.test("drawTable() cuts text to fit, never numbers", () => {
  assertEquals(
    drawTable(COLUMNS, ROWS, { width: 30 }),
    [
      "geo   source             count",
      "US    google             1,000",
      "日本  a newsletter wit…      7",
    ],
  );
});

Deno.test("drawTable() fits every width down to the narrowest", () => {
  for (let width = 22; width < 60; width++) {
    for (const line of drawTable(COLUMNS, ROWS, { width })) {
      assertEquals(widthOf(line) <= width, true, `${width}: ${line}`);
      if (line.startsWith("US")) assertEquals(line.includes("1,000"), true, line);
    }
  }
});

Deno.test("drawTable() becomes a list where not even cut text fits, with whole numbers", () => {
  assertEquals(drawTable(COLUMNS, [["US", "google", "1,000,000"]], { width: 12 }), [
    "geo     US",
    "source",
    "google",
    "count",
    "1,000,000",
  ]);
});

Deno.test("drawTable() makes control characters harmless, in titles too", () => {
  assertEquals(drawTable([{ title: "a\x1bb" }], [["c\nd"]]), ["a\\x1bb", "c\\nd"]);
});

Deno.test("drawTable() draws only the titles where there are no rows", () => {
  assertEquals(drawTable(COLUMNS, []), ["geo  source  count"]);
});
