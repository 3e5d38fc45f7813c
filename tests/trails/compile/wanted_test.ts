/** Trails that cannot match are passed over, and that changes nothing. */
import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { TdbSource } from "../../../src/trails/data/tdb.ts";
import { readPackage } from "../../../src/trails/data/tdb_package.ts";
import { wantedValues } from "../../../src/trails/compile/wanted.ts";
import { makePlan } from "../../../src/trails/compile/planner.ts";
import { parseProgram } from "../../../src/trails/language/check.ts";
import type { Program } from "../../../src/trails/language/program.ts";
import {
  funnel,
  paths,
  ProgramError,
  retention,
  sessions,
  TrailData,
  TrailProgram,
} from "../../../src/trails/mod.ts";
import { type Parameters, readRounds } from "../../../src/trails/run/parameters.ts";
import { choosyProgram, randomEvents, randomProgram } from "../_random.ts";
import { makeTdb, uuidOf, WITHOUT_TDB } from "../data/_tdb.ts";

/** A file of many short trails with few values. */
async function manyTrails(folder: string): Promise<string> {
  const events = fc.sample(randomEvents, { numRuns: 150, seed: 11 }).flatMap((some, at) =>
    some.map(({ user, ...values }) => ({ ...values, uuid: uuidOf(4 * at + Number(user[1])) }))
  );
  return await makeTdb(`${folder}/many`, ["a", "b", "n"], events);
}

/** The program, unless it cannot be one. */
function parsed(text: string): Program | undefined {
  try {
    return parseProgram(text);
  } catch (error) {
    if (error instanceof ProgramError) return undefined;
    throw error;
  }
}

/** Whether trails of a source may be passed over; what looks back is read whole. */
function passesOver(program: Program, source: TdbSource, parameters: Parameters): boolean {
  if (program.lags.length > 0) return false;
  const texts = (field: string) => [
    ...source.dictionaries[source.fields.indexOf(field)].texts(),
  ];
  const rounds = readRounds(program, parameters, texts, new Set());
  if (rounds.length === 0) return false;
  const sizes = source.dictionaries.map(({ size }) => size);
  return wantedValues(makePlan(program, source, rounds), sizes, program.fromEveryEvent) !==
    undefined;
}

Deno.test({
  name: "TrailProgram.run() of random programs is the same whether trails are passed over or not",
  ignore: WITHOUT_TDB,
  async fn() {
    const folder = await Deno.makeTempDir();
    try {
      const file = await manyTrails(folder);
      const data = await TrailData.open([file]);
      const source = new TdbSource(await readPackage(file));
      const run = async (text: string, parameters: Parameters, options: object) =>
        JSON.stringify(
          await TrailProgram.parse(text).run(data, { parameters, workers: 1, ...options }),
        );
      const ran = { all: 0, lags: 0, calls: 0, skips: 0, skipsFromEvery: 0, skipsCalls: 0 };
      const some = fc.oneof(
        { weight: 4, arbitrary: choosyProgram },
        { weight: 1, arbitrary: randomProgram(false) },
      );
      await fc.assert(
        fc.asyncProperty(
          some,
          fc.constantFrom({}, { filter: { clauses: [[{ field: "a", value: "y" }]] } }),
          async ({ text, parameters }, filter) => {
            const program = parsed(text);
            if (program === undefined) return;
            const { lags, functions, fromEveryEvent } = program;
            const skips = passesOver(program, source, parameters);
            ran.all++;
            if (lags.length > 0) ran.lags++;
            if (functions.length > 0) ran.calls++;
            if (skips) ran.skips++;
            if (skips && fromEveryEvent) ran.skipsFromEvery++;
            if (skips && functions.length > 0) ran.skipsCalls++;
            assertEquals(
              await run(text, parameters, filter),
              await run(text, parameters, { ...filter, skipTrails: false }),
              text,
            );
          },
        ),
        { numRuns: 300 },
      );
      // About 290, 85, 90, 80, 55 and 25.
      const least = { all: 150, lags: 15, calls: 15, skips: 15, skipsFromEvery: 10, skipsCalls: 4 };
      for (const [what, count] of Object.entries(least)) {
        assert(ran[what as keyof typeof ran] >= count, `${what}: ${JSON.stringify(ran)}`);
      }
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
});

Deno.test({
  name: "ready questions are answered the same whether trails are passed over or not",
  ignore: WITHOUT_TDB,
  async fn() {
    const folder = await Deno.makeTempDir();
    try {
      const data = await TrailData.open([await manyTrails(folder)]);
      const inA = { field: "a" };
      const questions = [
        funnel(["x", "y"], { ...inA, within: "20s", exclude: ["p,q"] }),
        funnel(["p,q", 'b = "z"'], { ...inA, order: "strict", by: "b" }),
        funnel(["x", "y", "p,q"], { ...inA, order: "any" }),
        retention({ start: 'a = "x"', return: 'b = "z"' }),
        paths({ ...inA, from: "x", length: 3 }),
        sessions({ gap: "5s", by: "b" }),
      ];
      for (const question of questions) {
        const answer = await question.run(data, { workers: 1 });
        assertEquals(answer, await question.run(data, { workers: 1, skipTrails: false }));
        // Something was found, so that something could have been lost.
        assert(/[1-9]/.test(JSON.stringify(answer)), question.program);
      }
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
});

Deno.test({
  name: "wantedValues() are those that a trail must have, and a reader passes over trails without",
  ignore: WITHOUT_TDB,
  async fn() {
    const folder = await Deno.makeTempDir();
    try {
      const source = new TdbSource(await readPackage(await manyTrails(folder)));
      const [a] = [source.fields.indexOf("a")];
      const [x, y] = source.dictionaries[a].find(["x", "y"]);
      /** The trails that are read, of those that have events. */
      const read = (
        clause: string,
        parameters: Parameters = {},
        loop = "",
      ): number[] | undefined => {
        const indent = loop === "" ? "" : "  ";
        const lines = ["start ->", "  receive", `    ${clause}`, "    * -> repeat"];
        return readBy(`${loop}${lines.map((line) => `${indent}${line}\n`).join("")}`, parameters);
      };
      const readBy = (text: string, parameters: Parameters): number[] | undefined => {
        const program = parseProgram(text);
        const rounds = readRounds(program, parameters, () => [], new Set());
        const plan = makePlan(program, source, rounds);
        const wanted = wantedValues(
          plan,
          source.dictionaries.map(({ size }) => size),
          program.fromEveryEvent,
        );
        return wanted && trailsRead(wanted);
      };
      const trailsRead = (wanted: ReadonlyMap<number, Uint32Array>): number[] => {
        const reader = source.reader({ wanted });
        return Array.from({ length: source.trailCount }, (_, trail) => trail).filter((trail) => {
          reader.read(trail);
          return reader.end > 0;
        });
      };
      const having = (...ids: number[]): number[] => {
        const reader = source.reader();
        return Array.from({ length: source.trailCount }, (_, trail) => trail).filter((trail) => {
          reader.read(trail);
          return reader.columns[a].subarray(0, reader.end).some((id) => ids.includes(id));
        });
      };
      assertEquals(having(x).length < source.trailCount, true);
      assertEquals(read('a = "x" -> yield $n, repeat'), having(x));
      assertEquals(read('a = "x", n > 0 or a = "y" -> yield $n, repeat'), having(x, y));
      assertEquals(read("a in #s -> quit", { "#s": ["x", "y", "none"] }), having(x, y));
      const list = { "@list": [["x"], ["none"]] };
      assertEquals(read("a = %v -> yield $n, repeat", list, "foreach %v in @list\n"), having(x));
      assertEquals(read('a = "none" -> yield $n, repeat'), []);
      assertEquals(read('a = "x" -> repeat'), []);
      // Where every event has a machine of its own, one that quits at once says nothing.
      assertEquals(read('a = "x" -> quit'), having(x));
      assertEquals(read('a = "x" -> quit', {}, "foreach event\n"), []);
      assertEquals(read('a = "x" -> yield $n, quit', {}, "foreach event\n"), having(x));
      assertEquals(read("* -> quit", {}, "foreach event\n"), []);
      const { program } = funnel(["x", "y"], { field: "a" });
      assertEquals(readBy(program, {}), having(x));
      for (
        const any of [
          "* -> yield $n, repeat",
          'a = "" -> yield $n, repeat',
          'a != "x" -> yield $n, repeat',
          "timestamp > 5 -> yield $n, repeat",
          'a = "x" or b = "" -> yield $n, repeat',
          'missing = "" -> yield $n, repeat',
          "a not in #s -> yield $n, repeat",
        ]
      ) assertEquals(read(any, { "#s": ["x"] }), undefined, any);
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
});
