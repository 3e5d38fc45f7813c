import { assertEquals, assertGreater } from "@std/assert";
import { DuckDBInstance } from "@duckdb/node-api";
import { TextLineStream } from "./_lines.ts";
import { Series } from "../../src/series/series.ts";

/** More by the environment. */
const KILLS = Number(Deno.env.get("TRAQQ_KILLS") ?? 25);
const MODES = ["every_write", "periodic", "os_default"] as const;

/** Lets a process write until it is killed at some moment; gives the numbers that it has acknowledged. */
async function killed(directory: string, mode: string, first: number): Promise<number[]> {
  const script = new URL("_killed.ts", import.meta.url).pathname;
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "--allow-all", "--no-check", script, directory, mode, String(first)],
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const errors = new Response(child.stderr).text();
  const done: number[] = [];
  // In the middle of its work, whatever it is then at.
  const kill = () => setTimeout(() => child.kill("SIGKILL"), Math.random() * 300);
  let timer: ReturnType<typeof setTimeout> | undefined;
  for await (const line of child.stdout.pipeThrough(new TextLineStream())) {
    timer ??= kill();
    done.push(Number(line));
  }
  const { signal } = await child.status;
  clearTimeout(timer);
  assertEquals([signal, await errors], ["SIGKILL", ""]);
  return done;
}

/** The numbers in the database; each must be there once, and whole. */
async function found(directory: string): Promise<{ a: number[]; union: number[]; late: number[] }> {
  const instance = await DuckDBInstance.create(`${directory}/points.duckdb`);
  try {
    const connection = await instance.connect();
    const column = async (sql: string) => {
      const rows = (await connection.runAndReadAll(sql)).getRows();
      return rows.map(([n]) => Number(n));
    };
    const whole = "s = 'a' AND a = b AND a = epoch_ns(time)";
    const result = {
      a: await column("SELECT n FROM kill_a WHERE s = (n // 10)::VARCHAR ORDER BY n"),
      union: await column(`SELECT a FROM kill_union WHERE ${whole} ORDER BY a`),
      late: await column("SELECT n FROM kill_late WHERE n = -epoch_ns(time) ORDER BY n"),
    };
    const counts = await column(
      "FROM (SELECT count(*) FROM kill_a) UNION ALL SELECT count(*) FROM kill_late",
    );
    assertEquals(counts, [result.a.length, result.late.length]);
    // What was not acknowledged may be there in half, but in one row.
    const double = await column("SELECT count(*) - count(DISTINCT time) FROM kill_union");
    assertEquals(double, [0]);
    connection.closeSync();
    return result;
  } finally {
    instance.closeSync();
  }
}

Deno.test("a process that is killed while it writes loses nothing that it acknowledged, and has nothing twice", async () => {
  const directories = new Map<string, string>();
  const acknowledged = new Map<string, Set<number>>(MODES.map((mode) => [mode, new Set()]));
  const next = new Map<string, number>(MODES.map((mode) => [mode, 1]));
  let replayed = 0;
  try {
    for (let round = 0; round < KILLS; round++) {
      const mode = MODES[round % MODES.length];
      const directory = directories.get(mode) ?? await Deno.makeTempDir({ prefix: "traqq-kill-" });
      directories.set(mode, directory);
      const all = acknowledged.get(mode)!;
      const done = await killed(directory, mode, next.get(mode)!);
      for (const n of done) all.add(n);
      // Of those that were not acknowledged some may be there: their numbers are not used again.
      next.set(mode, Math.max(next.get(mode)!, ...done) + 100);
      const series = await Series.open({ directory, durability: mode });
      replayed += series.stats().engine.rows;
      await series.close();
      const { a, union, late } = await found(directory);
      for (const [name, numbers] of Object.entries({ a, union, late })) {
        const there = new Set(numbers);
        assertEquals(there.size, numbers.length, `${mode}: something stands twice in ${name}`);
        const lost = [...all].filter((n) => !there.has(n));
        assertEquals(lost, [], `${mode}, round ${round}: acknowledged and not in ${name}`);
      }
    }
    const total = [...acknowledged.values()].reduce((sum, { size }) => sum + size, 0);
    console.log(`${KILLS} kills, ${total} numbers acknowledged, ${replayed} points from the log`);
    assertGreater(total, KILLS);
    // Or no kill met anything that mattered.
    assertGreater(replayed, 0);
  } finally {
    for (const directory of directories.values()) await Deno.remove(directory, { recursive: true });
  }
});
