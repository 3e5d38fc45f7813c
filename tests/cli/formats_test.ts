import { assertEquals } from "@std/assert";
import { toJson, toNdjson, toTable } from "../../src/cli/formats.ts";
import { toCsv } from "../../src/protocol/csv.ts";
import type { Answer } from "../../src/protocol/rows.ts";
import type { MetricResult, ResultBucket } from "../../src/engine/result.ts";
import { readSelector } from "../../src/engine/selector.ts";
import { widthOf } from "../../src/cli/draw/text.ts";
import { FakeTerminal } from "./_fake_terminal.ts";

const ADD: MetricResult = {
  type: "add",
  key: ["event", "geo"],
  location: "t:add:d:0:event~geo",
  counts: { "view~US": 1000, "view~DE": 20, "~other": 5000, "buy~US": 20 },
};
const ADV: MetricResult = {
  type: "adv",
  key: ["geo"],
  location: "t:adv:d:0:amount:geo",
  addKey: "amount",
  sums: { US: 1234.5, DE: -3 },
  sum: 1231.5,
  count: 4,
};
const BMP: MetricResult = { type: "bmp", key: ["ip"], location: "t:bmp:d:0:ip", count: 7 };

const bucket = (label: string, start: number, ...results: MetricResult[]): ResultBucket => ({
  label,
  start,
  results,
});

const DAYS = [
  bucket("1970-01-01", 0, BMP, ADD),
  bucket("1970-01-02", 86400),
  bucket("1970-01-03", 172800),
  bucket("1970-01-04", 259200, ADV),
];

const all = (buckets: ResultBucket[]): Answer => ({
  buckets,
  entries: buckets.flatMap((bucket) => bucket.results.map((result) => ({ bucket, result }))),
  find: undefined,
});

const found = (path: Parameters<typeof readSelector>[0], buckets: ResultBucket[]): Answer => {
  const find = readSelector(path);
  const { entries } = all(buckets);
  const isWanted = ({ type, key }: MetricResult) =>
    type === find.type && key.join("~") === find.pattern;
  return { buckets, entries: entries.filter(({ result }) => isWanted(result)), find };
};

const merged = (path: Parameters<typeof readSelector>[0], ...results: MetricResult[]): Answer => ({
  buckets: [],
  entries: results.map((result) => ({ bucket: undefined, result })),
  find: readSelector(path),
});

Deno.test("toTable() of everything names each day and metric once, ~other last, and what is empty", () => {
  assertEquals(
    toTable(all(DAYS), 0, new FakeTerminal()),
    `\
date        metric          field             value
1970-01-01  bmp/ip                                7
            add/event~geo   view ~ US          1000
                            buy ~ US             20
                            view ~ DE            20
                            ~other ~ ~other    5000
1970-01-04  adv/geo/amount  US               1234.5
                            DE                   -3

Nothing in 1970-01-02 to 1970-01-03
`,
  );
});

Deno.test("toTable() groups numbers and aligns their points on a terminal", () => {
  assertEquals(
    toTable(
      merged("adv/geo/amount", { ...ADV, location: "" }),
      0,
      new FakeTerminal({ columns: 80 }),
    ),
    `\
geo  sum of amount
US         1,234.5
DE            -3.0

amount: sum 1,231.5, over 4 values, mean 307.88
`,
  );
});

Deno.test("toTable() shows as many rows as the limit allows, and how many more there are", () => {
  assertEquals(
    toTable(found("add/event~geo", [DAYS[0]]), 2, new FakeTerminal()),
    `\
date        event     geo  count
1970-01-01  view      US    1000
            buy       US      20
            … 2 more
`,
  );
});

Deno.test("toTable() fits a narrow terminal", () => {
  for (const columns of [30, 40, 60]) {
    for (const line of toTable(all(DAYS), 0, new FakeTerminal({ columns })).split("\n")) {
      assertEquals(widthOf(line) <= columns, true, `${columns}: ${line}`);
      // A date is never cut.
      assertEquals(line.includes("1970-01-…"), false, line);
    }
  }
});

Deno.test("toTable() says when nothing was recorded", () => {
  assertEquals(
    toTable(all([DAYS[1]]), 0, new FakeTerminal()),
    "Nothing was recorded there.\n",
  );
});

Deno.test("toJson() has the shape of the library's results", () => {
  assertEquals(JSON.parse(toJson(all(DAYS.slice(0, 2)))), [
    { date: "1970-01-01", start: 0, results: [BMP, ADD] },
    { date: "1970-01-02", start: 86400, results: [] },
  ]);
  assertEquals(JSON.parse(toJson(found("bmp/ip", [DAYS[0]]))), [
    { date: "1970-01-01", start: 0, ...BMP },
  ]);
  assertEquals(JSON.parse(toJson(merged("bmp/ip", BMP))), [BMP]);
  assertEquals(toJson(merged("bmp/ip")), "[]\n");
});

Deno.test("toNdjson() has a row per value, with the same members whatever the metric", () => {
  const lines = [...toNdjson(all(DAYS))].map((line) => JSON.parse(line));
  assertEquals(lines[0], {
    date: "1970-01-01",
    start: 0,
    type: "bmp",
    key: ["ip"],
    field: [],
    value: 7,
  });
  assertEquals(lines[1], {
    date: "1970-01-01",
    start: 0,
    type: "add",
    key: ["event", "geo"],
    field: ["view", "US"],
    value: 1000,
  });
  assertEquals(lines.at(-1), {
    date: "1970-01-04",
    start: 259200,
    type: "adv",
    key: ["geo"],
    addKey: "amount",
    field: ["DE"],
    value: -3,
  });
  assertEquals(lines.length, 7);
});

Deno.test("toCsv() of one metric has a column for each property", () => {
  assertEquals(
    [...toCsv(found("add/event~geo", [DAYS[0]]), {})].slice(0, 2),
    ["date,event,geo,value\n", "1970-01-01,view,US,1000\n"],
  );
  assertEquals([...toCsv(merged("bmp/ip", BMP), {})], ["value\n", "7\n"]);
});

Deno.test("toCsv() of everything, or of several sums, names the metric", () => {
  assertEquals(
    [...toCsv(all([DAYS[3]]), {})],
    [
      "date,metric,field,value\n",
      "1970-01-04,adv/geo/amount,US,1234.5\n",
      "1970-01-04,adv/geo/amount,DE,-3\n",
    ],
  );
  assertEquals([...toCsv(merged("adv/geo", ADV), {})][0], "metric,field,value\n");
});

Deno.test("toCsv() has the same title line where nothing was recorded", () => {
  assertEquals([...toCsv(found("add/event~geo", [DAYS[1]]), {})], ["date,event,geo,value\n"]);
});

Deno.test("toCsv() renames a property that is called like a column", () => {
  const result: MetricResult = { type: "add", key: ["date", "value"], location: "", counts: {} };
  assertEquals(
    [...toCsv(found("add/date~value", [bucket("1970-01-01", 0, result)]), {})],
    ["date,date_,value_,value\n"],
  );
});
