/** Parquet files as trails. */
import { assertEquals, assertRejects } from "@std/assert";
import { parquetWriteBuffer } from "hyparquet-writer";
import { TrailData, TrailProgram, TrailsError } from "../../../src/trails/mod.ts";

type Columns = Parameters<typeof parquetWriteBuffer>[0]["columnData"];

const ALL = `start ->
  receive
    * -> yield cookie,timestamp,text,big,yes,when,money to &all, repeat
`;

async function withFile(
  options: Parameters<typeof parquetWriteBuffer>[0],
  work: (path: string) => Promise<void>,
): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    const path = `${folder}/events.parquet`;
    await Deno.writeFile(path, new Uint8Array(parquetWriteBuffer(options)));
    await work(path);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

const columnData: Columns = [
  { name: "user", data: ["ada", "grace", "ada"], type: "STRING" },
  { name: "time", data: [30n, 20n, 10n], type: "INT64" },
  { name: "text", data: ["a,b", null, "ü"], type: "STRING", nullable: true },
  { name: "big", data: [2n ** 62n, -5n, 0n], type: "INT64" },
  { name: "yes", data: [true, false, true], type: "BOOLEAN" },
  {
    name: "when",
    data: [new Date(1.7e12), new Date(0), new Date(1.7e12 + 1)],
    type: "TIMESTAMP",
  },
  { name: "money", data: [1.15, 2.5, -3], type: "DOUBLE" },
];
const WANTED = [
  "ada,10,ü,0,true,2023-11-14T22:13:20.001Z,-3",
  'ada,30,"a,b",4611686018427387904,true,2023-11-14T22:13:20.000Z,1.15',
  "grace,20,,-5,false,1970-01-01T00:00:00.000Z,2.5",
];

Deno.test("TrailData.open() reads the columns of a Parquet file, in any number of groups of rows", async () => {
  for (const rowGroupSize of [1, 2, 1000]) {
    for (const codec of ["UNCOMPRESSED", "SNAPPY"] as const) {
      await withFile({ columnData, rowGroupSize, codec }, async (path) => {
        const data = await TrailData.open([path], { by: "user" });
        assertEquals([data.eventCount, data.trailCount, data.report.rejectedCount], [3, 2, 0]);
        const result = await TrailProgram.parse(ALL).run(data);
        assertEquals([...result.multiset("&all").keys()], WANTED);
      });
    }
  }
});

Deno.test("TrailData.open() takes a column of timestamps of a Parquet file as the time", async () => {
  await withFile({ columnData }, async (path) => {
    const data = await TrailData.open([path], { by: "user", time: "when" });
    const program = TrailProgram.parse(
      "start ->\n  receive\n    * -> yield timestamp to &at, repeat\n",
    );
    const result = await program.run(data);
    assertEquals([...result.multiset("&at")], [["0", 1], ["1700000000", 2]]);
  });
});

Deno.test("TrailData.open() reads decimals of a Parquet file exactly, or refuses them", async () => {
  const decimals = (precision: number): Parameters<typeof parquetWriteBuffer>[0] => ({
    columnData: [
      { name: "user", data: ["ada"] },
      { name: "time", data: [10] },
      { name: "price", data: [1.15] },
    ],
    schema: [
      { name: "root", num_children: 3 },
      { name: "user", type: "BYTE_ARRAY", converted_type: "UTF8", repetition_type: "REQUIRED" },
      { name: "time", type: "INT32", repetition_type: "REQUIRED" },
      {
        name: "price",
        type: "INT64",
        converted_type: "DECIMAL",
        precision,
        scale: 2,
        repetition_type: "REQUIRED",
      },
    ],
  });
  const program = TrailProgram.parse(
    "start ->\n  receive\n    * -> yield price to &prices, repeat\n",
  );
  await withFile(decimals(15), async (path) => {
    const result = await program.run(await TrailData.open([path], { by: "user" }));
    const [price] = result.multiset("&prices").keys();
    // The library itself reads 1.1500000000000001.
    assertEquals(price, "1.15");
  });
  await withFile(decimals(16), async (path) => {
    await assertRejects(
      () => TrailData.open([path], { by: "user" }),
      TrailsError,
      "Cannot read the column price: decimals of 16 digits would be rounded",
    );
  });
});

Deno.test("TrailData.open() tells what is wrong with a Parquet file", async () => {
  await withFile({ columnData }, async (path) => {
    await assertRejects(() => TrailData.open([path]), TrailsError, "which property is the user?");
    const data = await TrailData.open([path], { by: "text" });
    assertEquals([data.eventCount, data.report.rejectedCount], [2, 1]);
    const bytes = await Deno.readFile(path);
    await Deno.writeFile(path, bytes.subarray(0, bytes.length - 20));
    await assertRejects(
      () => TrailData.open([path], { by: "user" }),
      TrailsError,
      `Cannot read ${path}`,
    );
  });
});
