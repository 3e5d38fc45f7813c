import { assertEquals, assertRejects } from "@std/assert";
import { TrailData, TrailProgram, TrailsError } from "../../../src/trails/mod.ts";

const PROGRAM = "s ->\n  receive\n    * -> yield cookie,timestamp,x to &m, repeat\n";

/** What events there are, as text. */
async function seen(data: TrailData): Promise<[string, number][]> {
  return [...(await TrailProgram.parse(PROGRAM).run(data)).multiset("&m")];
}

async function withFile(
  name: string,
  content: string | Uint8Array,
  body: (path: string) => Promise<void>,
) {
  const folder = await Deno.makeTempDir();
  try {
    const bytes = typeof content === "string" ? new TextEncoder().encode(content) : content;
    await Deno.writeFile(`${folder}/${name}`, bytes);
    await body(`${folder}/${name}`);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("TrailData.fromEvents() takes text, numbers and booleans, and reports what is no event", async () => {
  const data = TrailData.fromEvents([
    { who: "a", at: 5, x: "1" },
    { who: 7, at: "1970-01-01T00:00:03Z", x: true },
    { who: "a", at: 4, x: null, y: {} },
    { who: "", at: 1 },
    { at: 1 },
    { who: "a" },
    { who: "a", at: 1e12 },
    [],
  ], { by: "who", time: "at" });
  assertEquals(await seen(data), [["7,3,true", 1], ["a,4,", 1], ["a,5,1", 1]]);
  assertEquals([data.eventCount, data.trailCount], [3, 2]);
  assertEquals(data.report.rejectedCount, 5);
  assertEquals(data.report.rejected.map(({ number }) => number), [4, 5, 6, 7, 8]);
  assertEquals(
    data.report.rejected[0].error.message,
    'Cannot use an event: who must name the user, received ""',
  );
});

Deno.test("TrailData.fromEvents(): events at the same second stay as they came", async () => {
  const data = TrailData.fromEvents(
    ["a", "b", "stop", "c"].map((x) => ({ user: "u", time: 1, x })),
    { by: "user" },
  );
  const program = TrailProgram.parse(
    's ->\n  receive\n    x = "stop" -> quit\n    * -> yield x to #s, repeat\n',
  );
  assertEquals((await program.run(data)).set("#s"), ["a", "b"]);
});

const NDJSON =
  '\ufeff{"u":"a","time":2,"x":"é"}\r\n\n{"u":"a","time":1}\nnot json\n{"u":"b","time":3,"x":"2"}';

Deno.test("TrailData.open() reads NDJSON, gzipped or not, and names bad lines by their number", async () => {
  const gzipped = new Uint8Array(
    await new Response(
      new Blob([NDJSON]).stream().pipeThrough(new CompressionStream("gzip")),
    ).arrayBuffer(),
  );
  for (const content of [NDJSON, gzipped]) {
    await withFile("e.ndjson", content, async (path) => {
      const data = await TrailData.open([path], { by: "u" });
      assertEquals(await seen(data), [["a,1,", 1], ["a,2,é", 1], ["b,3,2", 1]]);
      assertEquals(data.report.rejected.map(({ number }) => number), [4]);
    });
  }
});

Deno.test("TrailData.open() reads CSV, whose times are seconds or RFC 3339", async () => {
  const csv = 'time,u,x\n3,a,"p,q"\n1970-01-01T00:00:01Z,a,\n4,a\n5,b,z\n';
  await withFile("e.csv", csv, async (path) => {
    const data = await TrailData.open([path], { by: "u" });
    assertEquals(await seen(data), [["a,1,", 1], ['a,3,"p,q"', 1], ["b,5,z", 1]]);
    assertEquals(data.report.rejected.map(({ error }) => error.message), [
      "Cannot use a row: wanted 3 cells, received 2",
    ]);
  });
});

Deno.test("TrailData.open() says what is missing", async () => {
  await withFile("e.ndjson", NDJSON, async (path) => {
    await assertRejects(() => TrailData.open([path]), TrailsError, "which property is the user?");
    await assertRejects(
      () => TrailData.open([`${path}x`], { by: "u" }),
      TrailsError,
      `Cannot read ${path}x: there is no such file`,
    );
  });
  await withFile("e.csv", "a,a\n", async (path) => {
    await assertRejects(
      () => TrailData.open([path], { by: "u" }),
      TrailsError,
      'its first row names "a" twice',
    );
  });
});

Deno.test("TrailProgram.run() over several files has each user's events in one trail", async () => {
  const text = "s ->\n  receive\n    * -> t\nt ->\n  receive\n    * -> yield $twos, s\n";
  await withFile("a.ndjson", '{"u":"a","time":1}\n', async (a) => {
    await withFile("b.csv", "u,time\na,2\nb,2\n", async (b) => {
      const data = await TrailData.open([a, b], { by: "u" });
      assertEquals((await TrailProgram.parse(text).run(data)).number("$twos"), 1);
    });
  });
});
