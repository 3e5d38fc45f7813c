/**
 * A program for `full_disk_test.ts`: applies units to the engine in the folder of its first argument until
 * one is refused, and says in one line of JSON what happened. It runs where files cannot grow far.
 */
import { EngineError, openDuckDb } from "../../../../src/series/engine/duckdb/mod.ts";
import { Units } from "../_engine.ts";

const engine = await openDuckDb({ directory: Deno.args[0], threads: 1 });
const units = new Units(engine.state);
let applied = 0;
for (let unit = 0; unit < 1000; unit++) {
  const points = Array.from({ length: 2000 }, (_, at) => ({
    measurement: "cpu",
    tags: { host: `h${at % 10}` },
    fields: { noise: Math.random() },
    time: BigInt(unit * 2000 + at),
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
