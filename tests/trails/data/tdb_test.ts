/** The reader of TrailDB files, on files that the real `tdb` made. */
import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { TrailData, TrailProgram, TrailsError } from "../../../src/trails/mod.ts";
import { combine } from "../../../src/trails/data/combine.ts";
import { readPackage, type TdbPackage } from "../../../src/trails/data/tdb_package.ts";
import { TdbSource } from "../../../src/trails/data/tdb.ts";
import {
  asVersion0,
  dumpTdb,
  eventsOf,
  makeTdb,
  openTdb,
  type TdbEvent,
  uuidOf,
  WITHOUT_TDB,
} from "./_tdb.ts";

/** A test with a folder of its own. */
function tdbTest(name: string, body: (folder: string) => Promise<void>): void {
  Deno.test({
    name,
    ignore: WITHOUT_TDB,
    async fn() {
      const folder = await Deno.makeTempDir();
      try {
        await body(folder);
      } finally {
        await Deno.remove(folder, { recursive: true });
      }
    },
  });
}

/** Events with values that are frequent, rare, empty and no ASCII; seeded. */
function manyEvents(users: number, perUser: number): TdbEvent[] {
  let seed = 12345;
  const random = (below: number) => {
    seed = Math.imul(seed, 1103515245) + 12345 >>> 0;
    return (seed >>> 8) % below;
  };
  return Array.from({ length: users * perUser }, (_, i) => ({
    uuid: uuidOf(random(users) * 0x1234567 + 1),
    time: 1_000_000_000 + random(10_000_000),
    type: ["view", "view", "view", "click", ""][random(5)],
    title: random(3) === 0 ? `title ${random(5000)} é,` : "Main",
    n: String(i % 7),
  }));
}

const FIELDS = ["type", "title", "n"];

for (const format of ["pkg", "dir"] as const) {
  tdbTest(`TdbSource reads what tdb dump says, ${format}`, async (folder) => {
    const path = await makeTdb(`${folder}/a`, FIELDS, manyEvents(300, 30), format);
    const source = await openTdb(path);
    const dumped = await dumpTdb(path);
    assertEquals([source.fields, source.eventCount], [FIELDS, dumped.length]);
    assertEquals(eventsOf(source), dumped);
    assertEquals(source.newest, Math.max(...dumped.map(({ time }) => Number(time))));
  });
}

tdbTest("readPackage() adds .tdb to a path", async (folder) => {
  await makeTdb(`${folder}/a`, ["x"], [{ uuid: uuidOf(1), time: 5, x: "v" }]);
  assertEquals(eventsOf(await openTdb(`${folder}/a`)), [{ uuid: uuidOf(1), time: "5", x: "v" }]);
  await assertRejects(
    () => openTdb(`${folder}/b`),
    TrailsError,
    `Cannot read ${folder}/b: there is no such file`,
  );
});

tdbTest(
  "TdbSource reads files with one event, without fields, and far apart in time",
  async (folder) => {
    const cases: [string[], TdbEvent[]][] = [
      [["x"], [{ uuid: uuidOf(1), time: 0, x: "" }]],
      [[], [{ uuid: uuidOf(1), time: 3 }, { uuid: uuidOf(1), time: 9 }]],
      [["x"], [
        { uuid: uuidOf(1), time: 1, x: "a" },
        { uuid: uuidOf(1), time: 2 ** 40, x: "b" },
        { uuid: uuidOf(2), time: 2 ** 45, x: "a" },
      ]],
      [Array.from({ length: 150 }, (_, i) => `f${i}`), [
        { uuid: uuidOf(1), time: 1, f0: "a", f149: "z" },
        { uuid: uuidOf(1), time: 1, f130: "q", f149: "z" },
      ]],
    ];
    for (const [i, [fields, events]] of cases.entries()) {
      const path = await makeTdb(`${folder}/${i}`, fields, events);
      assertEquals(eventsOf(await openTdb(path)), await dumpTdb(path), `case ${i}`);
    }
  },
);

tdbTest("TdbSource reads version 0, and refuses what comes after 1", async (folder) => {
  const path = await makeTdb(`${folder}/a`, FIELDS, manyEvents(50, 20));
  const files = await readPackage(path);
  const old = new TdbSource(asVersion0(files));
  assertEquals(eventsOf(old), await dumpTdb(path));
  const { offset } = files.members.get("version")!;
  files.bytes[offset] = "2".charCodeAt(0);
  assertThrows(() => new TdbSource(files), TrailsError, 'it has version "2');
});

tdbTest(
  "TrailProgram.run() over a TrailDB merges equal neighbours, on any number of workers",
  async (folder) => {
    const events = manyEvents(200, 20);
    const path = await makeTdb(`${folder}/a`, FIELDS, [...events, ...events]);
    const data = await TrailData.open([path]);
    const program = TrailProgram.parse(`
    start ->
      receive
        type = "click" -> yield $clicks, yield title to &titles, repeat
        * -> yield n to #ns, repeat
  `);
    const distinct = new Set(events.map((event) => JSON.stringify(event)));
    const clicks = [...distinct].filter((event) => JSON.parse(event).type === "click").length;
    for (const workers of [1, 2]) {
      const result = await program.run(data, { workers });
      assertEquals(result.number("$clicks"), clicks);
      assertEquals(result.set("#ns"), ["0", "1", "2", "3", "4", "5", "6"]);
    }
  },
);

tdbTest("combine() puts a user's events of several files in order of time", async (folder) => {
  const a = await makeTdb(`${folder}/a`, ["x"], [
    { uuid: uuidOf(1), time: 10, x: "a1" },
    { uuid: uuidOf(1), time: 30, x: "a2" },
  ]);
  const b = await makeTdb(`${folder}/b`, ["y", "x"], [
    { uuid: uuidOf(1), time: 20, x: "b1", y: "q" },
    { uuid: uuidOf(1), time: 30, x: "b2", y: "" },
    { uuid: uuidOf(2), time: 5, x: "b3", y: "q" },
  ]);
  const sources = [await openTdb(a), await openTdb(b)];
  const text = "s ->\n  receive\n    * -> yield cookie,timestamp,x,y to &m, repeat\n";
  const of = async (compat?: "trck") => {
    const data = await TrailData.open([a, b]);
    const result = await TrailProgram.parse(text, { compat }).run(data);
    return [...result.multiset("&m").keys()].map((key) => key.slice(31));
  };
  assertEquals(combine(sources, undefined, undefined).eventCount, 5);
  assertEquals(await of(), ["1,10,a1,", "1,20,b1,q", "1,30,a2,", "1,30,b2,", "2,5,b3,q"]);
  // The original drops what is older than the newest event of the file before.
  assertEquals(await of("trck"), ["1,10,a1,", "1,30,a2,", "1,30,b2,"]);
});

tdbTest(
  "TdbSource: a damaged file is an error or other events, never a crash or a hang",
  async (folder) => {
    const path = await makeTdb(`${folder}/a`, FIELDS, manyEvents(20, 10));
    const whole = await readPackage(path);
    let refused = 0;
    let seed = 99;
    for (let round = 0; round < 300; round++) {
      const bytes = new Uint8Array(new SharedArrayBuffer(whole.bytes.length));
      bytes.set(whole.bytes);
      // Not in the codebook, which is most of the file and mostly unused.
      const names = [...whole.members.keys()].filter((name) => name !== "trails.codebook");
      seed = Math.imul(seed, 1103515245) + 12345 >>> 0;
      const { offset, size } = whole.members.get(names[(seed >>> 8) % names.length])!;
      seed = Math.imul(seed, 1103515245) + 12345 >>> 0;
      bytes[offset + (seed >>> 8) % Math.max(1, size)] ^= 1 << (seed & 7);
      const damaged: TdbPackage = { ...whole, bytes };
      try {
        eventsOf(new TdbSource(damaged));
      } catch (error) {
        if (!(error instanceof TrailsError)) throw error;
        refused++;
      }
    }
    if (refused < 50) throw new Error(`only ${refused} of 300 were refused`);
  },
);

tdbTest("TdbSource refuses a trail that ends within an item", async (folder) => {
  const path = await makeTdb(`${folder}/a`, FIELDS, manyEvents(20, 10));
  const files = await readPackage(path);
  const { offset } = files.members.get("trails.data")!;
  const unused = files.bytes[offset] & 7;
  // The first trail seems to end one bit earlier or later than it does.
  for (const other of [unused + 1, unused - 1].filter((bits) => bits >= 0 && bits < 8)) {
    files.bytes[offset] = files.bytes[offset] & ~7 | other;
    assertThrows(() => eventsOf(new TdbSource(files)), TrailsError, "trail 0 makes no sense");
  }
});

tdbTest("readPackage() refuses what is cut off or something else", async (folder) => {
  const path = await makeTdb(`${folder}/a`, ["x"], [{ uuid: uuidOf(1), time: 1, x: "v" }]);
  const bytes = await Deno.readFile(path);
  await Deno.writeFile(`${folder}/cut`, bytes.subarray(0, bytes.length - 4096 - 512));
  await assertRejects(() => openTdb(`${folder}/cut`), TrailsError, "damaged or cut off");
  await Deno.writeTextFile(`${folder}/text`, '{"a":1}\n');
  await assertRejects(() => openTdb(`${folder}/text`), TrailsError, "it is no TrailDB, or damaged");
});
