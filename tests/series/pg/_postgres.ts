/**
 * A PostgreSQL server on a real engine in memory, with two measurements, and clients to ask it: `cpu`
 * (three hosts in turn, ten points, a minute apart) and `big` (many rows).
 *
 * @module
 */
import { DuckDbEngine } from "../../../src/series/engine/duckdb/mod.ts";
import { type PgOptions, type PgServer, servePg } from "../../../src/series/pg/server.ts";
import { type TestPoint, Units } from "../engine/_engine.ts";

/** Unix nanoseconds of the first point of `cpu`: 2026-01-01. */
export const START_NS = 1_767_225_600_000_000_000n;
/** Rows of `big`. */
export const BIG_ROWS = 20_000;
/** What clients must know, unless a test says otherwise. */
export const TOKEN = "a token, for tests";

const MINUTE_NS = 60_000_000_000n;

/** What a test asks. */
export interface Postgres extends AsyncDisposable {
  readonly server: PgServer;
  readonly engine: DuckDbEngine;
  readonly port: number;
  /** Adds points. */
  add(points: readonly TestPoint[]): Promise<void>;
}

/** Starts one; it is gone with its scope. */
export async function openPostgres(options: Partial<PgOptions> = {}): Promise<Postgres> {
  const engine = await DuckDbEngine.open({ directory: undefined });
  const units = new Units();
  const add = (points: readonly TestPoint[]) => engine.apply(units.unit(points));
  await add([...cpuPoints(), ...bigPoints()]);
  const server = await servePg(engine.session, { port: 0, tokens: [TOKEN], ...options });
  return {
    server,
    engine,
    port: server.addr.port,
    add,
    [Symbol.asyncDispose]: async () => {
      await server.shutdown();
      await engine.close();
    },
  };
}

function* cpuPoints(): Generator<TestPoint> {
  for (let i = 0; i < 10; i++) {
    yield {
      measurement: "cpu",
      tags: { host: `h${i % 3}` },
      fields: { usage: i / 2, n: BigInt(i), ok: i % 2 === 0, u: 2n ** 64n - 1n - BigInt(i) },
      time: START_NS + BigInt(i) * MINUTE_NS,
    };
  }
}

function* bigPoints(): Generator<TestPoint> {
  for (let i = 0; i < BIG_ROWS; i++) {
    yield {
      measurement: "big",
      fields: { i: BigInt(i), note: `row ${i}` },
      time: START_NS + BigInt(i),
    };
  }
}
