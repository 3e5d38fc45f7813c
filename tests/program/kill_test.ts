import { assertGreaterOrEqual } from "@std/assert";
import { killAgainAndAgain } from "./_kills.ts";
import { Folder } from "./_program.ts";

/** More by `deno task test:kills`. */
const KILLS = Number(Deno.env.get("TRAQQ_KILLS") ?? 60);
const SEED = Number(Deno.env.get("TRAQQ_SEED") ?? crypto.getRandomValues(new Uint32Array(1))[0]);

Deno.test("traqq serve with a journal counts every acknowledged event once, however often it is killed", async () => {
  await using folder = new Folder();
  const started = performance.now();
  const report = await killAgainAndAgain(folder, {
    seed: SEED,
    kills: KILLS,
    onProgress: (line) => console.log(line),
  });
  console.log(
    JSON.stringify({ seed: SEED, seconds: (performance.now() - started) / 1000, ...report }),
  );
  assertGreaterOrEqual(report.kills, KILLS);
  const underLoad = report.kills - report.killsAtStart;
  // A third of all, and of those under load alone.
  assertGreaterOrEqual(3 * report.inFlush, report.kills);
  assertGreaterOrEqual(3 * (report.inFlush - report.inFlushAtStart), underLoad);
  if (KILLS < 60) return;
  for (const what of ["betweenChunks", "inRecovery", "stops"] as const) {
    assertGreaterOrEqual(report[what], 1, what);
  }
});
