/**
 * A process that writes points and is killed while it does: `deno run -A _killed.ts DIRECTORY MODE FIRST`.
 * It says `N` on a line once all that belongs to the number N is acknowledged.
 *
 * Each number is four points: one in `kill_a` with a series of its own for every ten, two that make one
 * row in `kill_union`, in two writes, and one that comes behind the others of its series in `kill_late`.
 */
import { Series } from "../../src/series/series.ts";

const [directory, mode, first] = Deno.args;
const series = await Series.open({
  directory,
  durability: mode as "periodic",
  applyIntervalMs: 5,
  onError: (error) => console.error(error.message),
});
// As many at a time as a server would have.
const workers = 4;
const encoder = new TextEncoder();
await Promise.all(Array.from({ length: workers }, async (_, worker) => {
  for (let n = Number(first) + worker;; n += workers) {
    const write = async (lines: string) => {
      const { rejected } = await series.write(lines);
      if (rejected.length > 0) throw new Error(rejected[0].error);
    };
    await write(`kill_a,s=${Math.floor(n / 10)} n=${n}i ${n}\nkill_union,s=a a=${n}i ${n}`);
    await write(`kill_union,s=a b=${n}i,f${n % 20}=true ${n}\nkill_late,s=a n=${n}i ${-n}`);
    Deno.stdout.writeSync(encoder.encode(`${n}\n`));
  }
}));
