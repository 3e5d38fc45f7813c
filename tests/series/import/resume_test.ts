import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { ask, direct, dying, Folder, importLines, importOf, served } from "./_import.ts";

const ROWS = 20;
/** Rows whose number is their value; two of them share series and time. */
const NUMBERS =
  `SELECT TIMESTAMP '2021-01-01' + INTERVAL (CASE WHEN n = 7 THEN 6 ELSE n END) SECOND AS timestamp,
  n AS v, n // 4 AS id FROM range(${ROWS}) AS r (n) ORDER BY n`;

Deno.test("an import that stops at any part goes on, and nothing is missing or twice", async () => {
  await using folder = new Folder();
  const path = await folder.parquet("numbers.parquet", NUMBERS);
  for (const parts of [0, 1, 3]) {
    for (const late of [false, true]) {
      for (const place of [await direct(folder, `p${parts}${late}`), await served()]) {
        await using it = place;
        const table = { format: "parquet" } as const;
        const options = { target: dying(it.target, parts, late), batchSize: 4 };
        await assertRejects(() => importOf(path, table, options), Error, "the test's failure");
        const report = await importOf(path, table, { target: it.target, batchSize: 4 });
        assertEquals([report.points, report.resumedAt], [ROWS, parts * 4]);
        // Without a checkpoint the first part was written again, and met itself.
        assertEquals(report.united, parts === 0 && late ? 5 : 1);
        const [row] = await ask(it.series, "SELECT count(*), sum(v) FROM m");
        // Of rows 6 and 7 the later one stays.
        assertEquals(row, [ROWS - 1, 190 - 6]);
        await assertRejects(() => Deno.stat(`${path}.traqq-import`), Deno.errors.NotFound);
      }
    }
  }
});

Deno.test("a signal stops an import between two parts, and it goes on there", async () => {
  await using folder = new Folder();
  const path = await folder.parquet("numbers.parquet", NUMBERS);
  await using place = await direct(folder);
  const stop = new AbortController();
  const table = { format: "parquet" } as const;
  const { target } = place;
  const first = await importOf(path, table, {
    ...{ target, batchSize: 4, signal: stop.signal, onProgress: () => stop.abort() },
  });
  assert(first.isStopped && first.points < ROWS);
  const { points, resumedAt } = await importOf(path, table, { target, batchSize: 4 });
  assertEquals([points, resumedAt], [ROWS, first.points]);
  assertEquals(await ask(place.series, "SELECT count(*) FROM m"), [[ROWS - 1]]);
});

Deno.test("a checkpoint is not trusted when the points, or the file, are others", async () => {
  await using folder = new Folder();
  const path = await folder.parquet("numbers.parquet", NUMBERS);
  const table = { format: "parquet" } as const;
  const stopAfterOne = async () => {
    await using place = await served();
    const options = { target: dying(place.target, 1, false), batchSize: 4 };
    await assertRejects(() => importOf(path, table, options));
    return place.target.name;
  };
  // Another server at the same address that has nothing.
  const name = await stopAfterOne();
  await using empty = await served();
  const target = { ...empty.target, name };
  assertStringIncludes(
    await Deno.readTextFile(`${path}.traqq-import`),
    name.replace("server ", ""),
  );
  const report = await importOf(path, table, { target, batchSize: 4 });
  assertEquals([report.resumedAt, report.points], [0, ROWS]);
  assertEquals(await ask(empty.series, "SELECT count(*) FROM m"), [[ROWS - 1]]);
  // The same target, but other rows in the file.
  await using other = await direct(folder);
  await assertRejects(() =>
    importOf(path, table, { target: dying(other.target, 1, false), batchSize: 4 })
  );
  await folder.parquet("numbers.parquet", NUMBERS.replace("20", "21"));
  assertEquals((await importOf(path, table, { target: other.target })).resumedAt, 0);
});

Deno.test("of a dedup column only values that are not there yet are imported, also after a stop", async () => {
  await using folder = new Folder();
  const path = await folder.parquet("numbers.parquet", NUMBERS);
  const table = { format: "parquet", dedupColumn: "id" } as const;
  for (const place of [await direct(folder), await served()]) {
    await using it = place;
    await it.series.write("m v=100i,id=3i 5");
    const options = { target: dying(it.target, 1, true), batchSize: 6 };
    await assertRejects(() => importOf(path, table, options));
    const report = await importOf(path, table, { target: it.target, batchSize: 6 });
    // The first row of each id but the one that was there; those of the second part came twice.
    assertEquals(await ask(it.series, "SELECT id, v FROM m ORDER BY id, v"), [
      [0, 0],
      [1, 4],
      [2, 8],
      [3, 100],
      [4, 16],
    ]);
    assertEquals(report.rejectedRows, 0);
  }
});

Deno.test("line protocol is read in parts of whole lines; bad lines keep their number and cost no other", async () => {
  await using folder = new Folder();
  const text = "x".repeat(400);
  const total = 8_000;
  let file = "";
  for (let n = 0, line = 1; n < total; n++) {
    // Texts with line feeds, so that a line may end in the next part.
    file += `big,host=h${n % 3} n=${n}i,s="${text}\n${text}" ${n + 1}\n`;
    line += 2;
    if (n === 5 || n === 7000) file += "no point at all\n";
    if (n === 100) file += "big n=1i\n";
  }
  const zipped = new Blob([file]).stream().pipeThrough(new CompressionStream("gzip"));
  const plain = folder.file("big.lp", file);
  const gzip = folder.file("big.lp.gz", new Uint8Array(await new Response(zipped).arrayBuffer()));
  const bad = [13, 204, 14_005];
  for (const [place, path] of [[await direct(folder), plain], [await served(), gzip]] as const) {
    await using it = place;
    await assertRejects(() => importLines(path, { target: dying(it.target, 1, true) }));
    const report = await importLines(path, { target: it.target });
    assert(report.resumedAt > 0);
    assertEquals([report.points, report.rejectedRows], [total, 3]);
    // Those of the part that was done before were told then.
    const lines = report.rejected.map(({ line }) => line);
    assertEquals(lines, bad.slice(bad.length - lines.length));
    assertEquals(
      await ask(it.series, "SELECT count(*), sum(n)::BIGINT, count(DISTINCT host) FROM big"),
      [
        [total, total * (total - 1) / 2, 3],
      ],
    );
  }
});

Deno.test("what a server refuses is named by the row of the file, also where texts break lines", async () => {
  await using folder = new Folder();
  await using place = await served();
  await place.series.write("m n=1i 1");
  const path = folder.file(
    "a.csv",
    'timestamp,n,s\n2021-01-01,1.5,"a\nb 12"\n2021-01-02,,"c\n"\n2021-01-03,2.5,d\n',
  );
  const report = await importOf(path, { format: "csv" }, { target: place.target });
  assertEquals(report.rejected.map(({ line }) => line), [1, 3]);
  assertStringIncludes(report.rejected[0].error, 'the field "n"');
  assertEquals([report.points, report.rejectedRows], [1, 2]);
});

Deno.test("a server that is not there, or wants a token, is an error that says what to do", async () => {
  await using folder = new Folder();
  const path = await folder.parquet("numbers.parquet", NUMBERS);
  await using place = await served("secret");
  const { serverTarget } = await import("../../../src/series/import/server_target.ts");
  const target = serverTarget({ url: place.target.name.replace("server ", "") });
  await assertRejects(
    () => importOf(path, { format: "parquet" }, { target }),
    Error,
    "TRAQQ_TOKEN",
  );
});
