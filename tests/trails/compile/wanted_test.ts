/** Trails that cannot match are passed over, and that changes nothing. */
import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { TdbSource } from "../../../src/trails/data/tdb.ts";
import { readPackage } from "../../../src/trails/data/tdb_package.ts";
import { wantedValues } from "../../../src/trails/compile/wanted.ts";
import { makePlan } from "../../../src/trails/compile/planner.ts";
import { parseProgram } from "../../../src/trails/language/check.ts";
import { ProgramError, TrailData, TrailProgram } from "../../../src/trails/mod.ts";
import { type Parameters, readRounds } from "../../../src/trails/run/parameters.ts";
import { randomEvents, randomProgram } from "../_random.ts";
import { makeTdb, uuidOf, WITHOUT_TDB } from "../data/_tdb.ts";

/** A file of many short trails with few values. */
async function manyTrails(folder: string): Promise<string> {
  const events = fc.sample(randomEvents, { numRuns: 150, seed: 11 }).flatMap((some, at) =>
    some.map(({ user, ...values }) => ({ ...values, uuid: uuidOf(4 * at + Number(user[1])) }))
  );
  return await makeTdb(`${folder}/many`, ["a", "b", "n"], events);
}

Deno.test({
  name: "TrailProgram.run() of random programs is the same whether trails are passed over or not",
  ignore: WITHOUT_TDB,
  async fn() {
    const folder = await Deno.makeTempDir();
    try {
      const data = await TrailData.open([await manyTrails(folder)]);
      const run = async (text: string, parameters: Parameters, options: object) =>
        JSON.stringify(
          await TrailProgram.parse(text).run(data, { parameters, workers: 1, ...options }),
        );
      let ran = 0;
      await fc.assert(
        fc.asyncProperty(
          randomProgram(false),
          fc.constantFrom({}, { filter: { clauses: [[{ field: "a", value: "y" }]] } }),
          async ({ text, parameters }, filter) => {
            try {
              TrailProgram.parse(text);
            } catch (error) {
              if (error instanceof ProgramError) return;
              throw error;
            }
            ran++;
            assertEquals(
              await run(text, parameters, filter),
              await run(text, parameters, { ...filter, skipTrails: false }),
              text,
            );
          },
        ),
        { numRuns: 200 },
      );
      if (ran < 80) throw new Error(`only ${ran} programs could be run`);
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
        const text = `${loop}${lines.map((line) => `${indent}${line}\n`).join("")}`;
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
