import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
// Loaded by nobody: it has the file.
import "vega-datasets";
import { Series } from "../../src/series/series.ts";
import { Folder, run, spawn } from "./_program.ts";

/** Three million flights in the US, January to June 2001. */
const FLIGHTS = createRequire(import.meta.url).resolve("vega-datasets")
  .replace(/build[\\/][^\\/]*$/, "data/flights-3m.parquet");
const SOURCES = fileURLToPath(new URL("../../", import.meta.url));

Deno.test("three million real flights are imported by a program that was killed in the middle, each once", async () => {
  await using folder = new Folder();
  await Deno.copyFile(FLIGHTS, `${folder.path}/flights.parquet`);
  const start = {
    cwd: folder.path,
    allow: [
      "--allow-ffi",
      `--allow-read=.,${SOURCES}`,
      "--allow-write=.",
    ],
    args: [
      ...["series", "import", "parquet", "flights.parquet", "-m", "flights", "-t", "date"],
      ...["--tags", "origin,destination", "--direct", "--series", "points"],
    ],
  };
  const first = spawn(start);
  const noted = `${folder.path}/flights.parquet.traqq-import`;
  for (const endMs = Date.now() + 30_000; Date.now() < endMs;) {
    if (await Deno.stat(noted).then(() => true, () => false)) break;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  try {
    first.process.kill("SIGKILL");
  } catch {
    // It was done already: the second import then finds all of it.
  }
  await Promise.all([first.process.status, first.out.ended, first.err.ended]);
  const { code, out, err } = await run(start);
  assertEquals(code, 0, err);
  assertMatch(out, /^Wrote 3,000,000 points, [\d,]+ points met another of the same tags and time/);
  assertStringIncludes(err, "name the columns that tell them apart by --tags");
  await using series = await Series.open({ directory: `${folder.path}/points` });
  const { rows } = await series.sql(
    "SELECT count(*)::BIGINT AS n, sum(delay)::BIGINT AS delay, sum(distance)::BIGINT AS miles FROM flights",
  );
  // As DuckDB counts the last of each date, origin and destination in the file itself.
  assertEquals(rows, [{ n: 2_992_108, delay: 19_917_281, miles: 2_189_242_753 }]);
});

Deno.test("series import says what is wrong with its command line", async () => {
  await using folder = new Folder();
  await Deno.writeTextFile(`${folder.path}/a.csv`, "timestamp,v\n2021-01-01,1\n");
  const says = async (args: string[], code: number, message: string) => {
    const ended = await run({
      cwd: folder.path,
      allow: ["--allow-read=.", "--allow-write=.", "--allow-ffi"],
      args: ["series", ...args],
    });
    assertEquals([ended.code, ended.err.includes(message)], [code, true], ended.err);
  };
  await says([], 2, "traqq series import");
  await says(["export"], 2, 'series cannot do "export"');
  await says(["import", "xml", "a.xml"], 2, "series import parquet|csv|ndjson|lp FILE");
  await says(["import", "csv", "a.csv", "--direct"], 2, "--series DIR");
  await says(["import", "csv", "a.csv", "--series", "x"], 2, "--series is for --direct");
  await says(["import", "lp", "a.csv", "-m", "x"], 2, "--measurement is for tables");
  await says(["import", "csv", "b.csv", "--dry-run"], 1, "there is no such file");
  await says(["import", "csv", "a.csv", "-s", "http://127.0.0.1:1"], 1, "--allow-net=127.0.0.1:1");
  await says(["import", "csv", "a.csv", "-b", "0"], 2, "--batch-size wants a whole number from 1");
});

Deno.test("series import prints what columns become, and reads without writing", async () => {
  await using folder = new Folder();
  await Deno.writeTextFile(`${folder.path}/a.csv`, "time,host,v\n2021-01-01,a,1\nx,a,2\n");
  const allow = ["--allow-read=.", "--allow-ffi"];
  const args = ["series", "import", "csv", "a.csv", "-t", "time", "--tags", "host"];
  const schema = await run({ cwd: folder.path, allow, args: [...args, "--schema-only"] });
  assertEquals(
    schema.out.trimEnd().split("\n").map((line) => line.trim().split(/\s+/)),
    [
      ["column", "type", "becomes"],
      ["time", "VARCHAR", "time"],
      ["host", "VARCHAR", "tag"],
      ["v", "BIGINT", "integer"],
    ],
  );
  const dry = await run({ cwd: folder.path, allow, args: [...args, "--dry-run"] });
  assertEquals(dry.code, 1);
  assertStringIncludes(dry.out, "Would write 1 point, refused 1 row");
  assertStringIncludes(dry.err, "row 2: it has no time");
  assertEquals([...Deno.readDirSync(folder.path)].map(({ name }) => name), ["a.csv"]);
});
