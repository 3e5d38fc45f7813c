/**
 * The flags of `traqq trails`, and what each word takes of them.
 *
 * @module
 */
import { UsageError } from "./errors.ts";
import type { FlagGroup, Values } from "./flags.ts";
import { DEFAULT_LIMIT, FORMATS } from "./trails_output.ts";

/** What `traqq trails` can do. */
export const WORDS = [
  "run",
  "test",
  "check",
  "draw",
  "funnel",
  "sessions",
  "retention",
  "paths",
] as const;
/** One of these. */
export type Word = typeof WORDS[number];

const ANY_EVENT = 'a name (event = NAME) or a condition such as page = "/cart", n > 3';

/** The flags. */
export const GROUPS: readonly FlagGroup[] = [
  {
    title: "Data",
    flags: [
      { name: "data", value: "PATH", many: true, help: "The same as DATA; repeatable" },
      { name: "by", value: "NAME", help: "The property with the user, for all but TrailDB" },
      { name: "time", value: "NAME", help: "The property with the time; default time" },
      {
        name: "filter",
        value: "JSON",
        help:
          'Only events like this: {"clauses": [[{"field": "type", "value": "x"}]]}, any of an ' +
          "inner list, all of the outer",
      },
      {
        name: "window-file",
        value: "FILE",
        help:
          "Only users and times in it: lines of user,start,end with unix seconds, end not in it",
      },
      { name: "exclude-file", value: "FILE", help: "Not the users in it, one a line" },
    ],
  },
  {
    title: "Run",
    flags: [
      { name: "params", value: "FILE", help: 'Parameters as JSON: {"%a": "x", "@list": [["y"]]}' },
      {
        name: "compat",
        value: "trck",
        help: "The answers of the original trck, also where they are wrong",
      },
      { name: "workers", value: "N", help: "Default as many as there are cores, for large data" },
    ],
  },
  {
    title: "Questions",
    flags: [
      {
        name: "step",
        value: "EVENT",
        many: true,
        help: `funnel: a step, ${ANY_EVENT}; repeatable, in their order`,
      },
      {
        name: "within",
        value: "TIME",
        help: "funnel: all steps in less than this: 30m, 7d; default however long it takes",
      },
      {
        name: "order",
        value: "ordered|strict|any",
        help: "funnel: with other events between (default), with none, or in any order",
      },
      {
        name: "exclude",
        value: "EVENT",
        many: true,
        help: "funnel: events that may not lie between steps; repeatable",
      },
      {
        name: "per",
        value: "NAME",
        help: "funnel, sessions: a row for each value of this field where they begin",
      },
      {
        name: "gap",
        value: "TIME",
        help: "sessions, paths: a pause that ends one; default 30m, for paths none",
      },
      { name: "start", value: "EVENT", help: "retention: how users begin; default any event" },
      { name: "return", value: "EVENT", help: "retention: how they return; default any event" },
      {
        name: "mode",
        value: "calendar|rolling",
        help: "retention: units of the calendar (default), or from when the user began",
      },
      {
        name: "unit",
        value: "day|week|month",
        help: "retention: default day; sessions: count them by their start",
      },
      { name: "week-start", value: "DAY", help: "The first day of a week; default monday" },
      { name: "timezone", value: "ZONE", help: "An IANA zone such as Europe/Berlin; default UTC" },
      { name: "length", value: "N", help: "paths: at most so many events; default 4" },
      { name: "from", value: "EVENT", help: "paths: they begin here; default where a user begins" },
      {
        name: "field",
        value: "NAME",
        help: "paths: the field they are made of; else what a name is compared with; default event",
      },
      { name: "print", help: "Print the program that the question stands for, and run nothing" },
    ],
  },
  {
    title: "Output",
    flags: [
      {
        name: "format",
        value: "FORMAT",
        help:
          `${FORMATS.join(", ")}: for people (default), as one object, a row per value, a row ` +
          "per value, as one object; draw: svg (default), mermaid",
      },
      {
        name: "limit",
        value: "N",
        help: `Rows of a set, multiset or of paths in a table, 0 for all; default ${DEFAULT_LIMIT}`,
      },
      {
        name: "escape-formulas",
        help: "In CSV, put ' before text that a spreadsheet would run as a formula",
      },
    ],
  },
];

const ASKED = ["funnel", "sessions", "retention", "paths"] as const;
const ON_DATA = ["run", ...ASKED] as const;

/** Which words take a flag; those of the data and the output are for whatever runs. */
const ONLY: Readonly<Record<string, readonly Word[]>> = {
  compat: ["run", "test", "check", "draw"],
  step: ["funnel"],
  within: ["funnel"],
  order: ["funnel"],
  exclude: ["funnel"],
  per: ["funnel", "sessions"],
  gap: ["sessions", "paths"],
  start: ["retention"],
  return: ["retention"],
  mode: ["retention"],
  unit: ["retention", "sessions"],
  "week-start": ["retention", "sessions"],
  timezone: ["retention", "sessions"],
  length: ["paths"],
  from: ["paths"],
  field: ["funnel", "retention", "paths"],
  print: ASKED,
  format: [...ON_DATA, "draw"],
};

/** @throws {UsageError} for a flag that a word does not take */
export function checkFlags(word: Word, values: Values): void {
  for (const name of values.given.keys()) {
    const words = ONLY[name] ?? ON_DATA;
    if (words.includes(word)) continue;
    throw new UsageError(`--${name} is for trails ${words.join(", ")}`);
  }
}
