/**
 * A program for `full_disk_test.ts`: applies units to the engine in the folder of its first argument until
 * one is refused, and says in one line of JSON what happened. It runs where files cannot grow far.
 */
import { EngineError, openDuckDb } from "../../../../src/series/engine/duckdb/mod.ts";
import { Units } from "../_engine.ts";

/** Rows of a unit. */
export const ROWS = 20_000;

if (import.meta.main) {
  const engine = await openDuckDb({ directory: Deno.args[0], threads: 1 });
  const units = new Units(engine.state);
  let applied = 0;
  for (let unit = 0; unit < 200; unit++) {
    const points = Array.from({ length: ROWS }, (_, at) => ({
      measurement: "cpu",
      tags: { host: `h${at % 10}` },
      fields: { noise: Math.random() },
      time: BigInt(unit * ROWS + at),
    }));
    try {
      await engine.apply(units.unit(points));
      applied++;
    } catch (error) {
      const code = error instanceof EngineError ? error.code : "none";
      console.log(JSON.stringify({ applied, code, message: (error as Error).message }));
      break;
    }
  }
  await engine.close();
}
