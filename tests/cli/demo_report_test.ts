import { assertEquals, assertStringIncludes } from "@std/assert";
import { type Day, dayCharts, monthName, originTable } from "../../src/cli/demo_report.ts";
import { PLAIN } from "../../src/cli/draw/style.ts";
import { widthOf } from "../../src/cli/draw/text.ts";

const DAYS: Day[] = Array.from({ length: 59 }, (_, i) => ({
  date: new Date(Date.UTC(2001, 0, i + 1)).toISOString().slice(0, 10),
  count: i === 3 ? 0 : 100 + (i % 7) * 20,
}));

const look = (width: number) => ({ width, grouped: true, style: PLAIN });

Deno.test("dayCharts() fit every width, and the days stand above their numbers", () => {
  for (let width = 24; width <= 120; width++) {
    for (const line of dayCharts(DAYS, look(width))) {
      // The title of a month may be wider: it is text.
      if (line.includes("flights")) continue;
      assertEquals(widthOf(line) <= width, true, `${width}: ${line}`);
    }
  }
  const lines = dayCharts(DAYS, look(40));
  assertEquals(lines[0], "January 2001  4,680 flights, 151 a day");
  // The fourth day had none.
  assertEquals(lines[6], "    │███ ███████████████████████████");
  assertEquals(lines.slice(7, 9), [
    "  0 └───────────────────────────────",
    "     1      8      15     22     29",
  ]);
  assertEquals(lines.at(-1), "     1      8      15     22");
});

Deno.test("dayCharts() become a list where a month does not fit side by side", () => {
  assertStringIncludes(dayCharts(DAYS, look(30)).join("\n"), "\n02 █");
});

Deno.test("monthName() does not depend on the machine's zone", () => {
  assertEquals(monthName("2001-01-01"), "January 2001");
  assertEquals(monthName("2001-12-31"), "December 2001");
});

Deno.test("originTable() has a bar for the ranked ones only, where there is room", () => {
  const origins = [
    { title: "DFW", flights: 100, delaySum: 1000 },
    { title: "2 others", flights: 300, delaySum: -30 },
    { title: "all", flights: 400, delaySum: 970 },
  ];
  assertEquals(originTable(origins, look(80), 1), [
    "origin    flights  delay sum   mean",
    `DFW           100      1,000  10.00  ${"█".repeat(30)}`,
    "2 others      300        -30  -0.10",
    "all           400        970   2.43",
  ]);
  assertEquals(originTable(origins, look(40), 1)[1], "DFW           100      1,000  10.00");
});
