import { assert, assertEquals, assertLess, assertThrows } from "@std/assert";
import fc from "fast-check";
import { HyperLogLog } from "../../src/sketch/hyperloglog.ts";
import { valueFor } from "./_reference.ts";
import { EVERY_RANK, RUNS, STORED, USERS, users } from "./_redis_vectors.ts";

const STANDARD_ERROR = 1.04 / Math.sqrt(16_384);
const encoder = new TextEncoder();

function sketchOf(values: Iterable<string | Uint8Array>): HyperLogLog {
  const sketch = new HyperLogLog();
  for (const value of values) {
    if (typeof value === "string") sketch.add(value);
    else sketch.addBytes(value);
  }
  return sketch;
}

/** Equal registers, because equal registers have equal bytes. */
function assertSame(actual: HyperLogLog, expected: HyperLogLog): void {
  assertEquals(actual.toBytes(), expected.toBytes());
  assertEquals(actual.count(), expected.count());
}

async function sha256(bytes: Uint8Array): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", new Uint8Array(bytes));
  return new Uint8Array(digest).toHex();
}

async function gunzip(bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array> {
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

Deno.test("HyperLogLog stores the bytes of redis 7.0.15 and reads them", () => {
  for (const { values, count, base64 } of STORED) {
    const stored = Uint8Array.fromBase64(base64);
    assertEquals(sketchOf(values).toBytes(), stored);
    assertSame(HyperLogLog.fromBytes(stored), sketchOf(values));
    assertEquals(sketchOf(values).count(), count);
  }
});

Deno.test("HyperLogLog stores the dense bytes of redis 7.0.15 and reads them", async () => {
  const stored = await gunzip(Uint8Array.fromBase64(EVERY_RANK.gzipBase64));
  assertEquals(sketchOf(EVERY_RANK.values).toBytes(), stored);
  assertSame(HyperLogLog.fromBytes(stored), sketchOf(EVERY_RANK.values));
  assertEquals(HyperLogLog.fromBytes(stored).count(), EVERY_RANK.count);
});

Deno.test("HyperLogLog equals PFCOUNT and the bytes of redis 7.0.15 up to a million", async () => {
  for (const { size, count, bytes, sha256: expected } of USERS) {
    const sketch = sketchOf(users(size));
    assertEquals(sketch.count(), count);
    assertEquals(sketch.toBytes().length, bytes);
    assertEquals(await sha256(sketch.toBytes()), expected);
  }
});

Deno.test("HyperLogLog.fromBytes() reads runs however redis 7.0.15 cut them", () => {
  const ascending = Uint8Array.fromBase64(RUNS.ascending);
  const descending = Uint8Array.fromBase64(RUNS.descending);
  assertEquals(sketchOf(RUNS.values).toBytes(), ascending);
  assertEquals(sketchOf(RUNS.values.toReversed()).toBytes(), ascending);
  assertEquals(HyperLogLog.fromBytes(descending).toBytes(), ascending);
});

Deno.test("HyperLogLog.count() is within three standard errors of 10 to 1,000,000", () => {
  const sketch = new HyperLogLog();
  let added = 0;
  for (const size of [0, 1, 10, 100, 1_000, 10_000, 100_000, 1_000_000]) {
    while (added < size) sketch.add(`visitor-${added++}`);
    const error = Math.abs(sketch.count() - size);
    // A whole number is off by up to a half.
    assert(error <= Math.max(0.5, 3 * STANDARD_ERROR * size), `${sketch.count()} of ${size}`);
  }
});

Deno.test("HyperLogLog.count() is unbiased and as precise as stated over many sets", () => {
  const [sets, size] = [100, 20_000];
  let [sum, sumOfSquares] = [0, 0];
  for (let set = 0; set < sets; set++) {
    const sketch = new HyperLogLog();
    for (let i = 0; i < size; i++) sketch.add(`${set}/${i}`);
    const error = sketch.count() / size - 1;
    sum += error;
    sumOfSquares += error ** 2;
  }
  // Over 100 sets the mean scatters by a tenth of the standard error, its square by 14 %.
  assertLess(Math.abs(sum / sets), 3 * STANDARD_ERROR / Math.sqrt(sets));
  assertLess(Math.sqrt(sumOfSquares / sets), 1.2 * STANDARD_ERROR);
});

Deno.test("HyperLogLog.add() is true exactly where it raised a register", () => {
  const sketch = new HyperLogLog();
  assertEquals(sketch.add("a"), true);
  assertEquals(sketch.add("a"), false);
  const answers = new Set<boolean>();
  for (let i = 0; i < 20_000; i++) {
    if (i % 500 > 2) {
      sketch.add(`v${i}`);
      continue;
    }
    const before = sketch.toBytes().toHex();
    const raised = sketch.add(`v${i}`);
    assertEquals(raised, sketch.toBytes().toHex() !== before, `v${i}`);
    assertEquals(sketch.add(`v${i}`), false);
    answers.add(raised);
  }
  assertEquals(answers.size, 2);
});

Deno.test("HyperLogLog.addBytes() adds what add() adds", () => {
  for (const text of ["", "a", "user:12345678", "Zürich", "東京😀"]) {
    const bytes = encoder.encode(text);
    assertSame(sketchOf([bytes]), sketchOf([text]));
    const longer = Uint8Array.from([...bytes, 1, 2, 3]);
    const sketch = new HyperLogLog();
    assertEquals(sketch.addBytes(longer, bytes.length), true);
    assertEquals(sketch.add(text), false);
    assertSame(sketch, sketchOf([text]));
  }
  assertThrows(() => new HyperLogLog().addBytes(new Uint8Array(1), 2), RangeError);
});

Deno.test("HyperLogLog.addHashed() adds what a value with that hash adds, for every rank", () => {
  for (let rank = 1; rank <= 51; rank++) {
    for (const index of [0, 1, 9_999, 16_383]) {
      const sketch = new HyperLogLog();
      assertEquals(sketch.addHashed(index, rank), true);
      assertEquals(sketch.addHashed(index, rank), false);
      assertSame(sketch, sketchOf([valueFor(index, rank)]));
    }
  }
});

Deno.test("HyperLogLog.addHashed() refuses an index or a rank out of range", () => {
  function bad(index: number, rank: number, message: string): void {
    const sketch = new HyperLogLog();
    assertThrows(() => sketch.addHashed(index, rank), RangeError, message);
    assertSame(sketch, new HyperLogLog());
  }
  for (const index of [-1, 16_384, 0.5, NaN, 2 ** 32]) {
    bad(index, 1, `Cannot add to a sketch: index must be from 0 to 16383, received ${index}`);
  }
  for (const rank of [0, 52, -1, 1.5, NaN]) {
    bad(0, rank, `Cannot add to a sketch: rank must be from 1 to 51, received ${rank}`);
  }
});

/** Each shape that a sketch can have in memory and in bytes. */
const SHAPES: Record<string, () => HyperLogLog> = {
  "empty": () => new HyperLogLog(),
  "one value": () => sketchOf(["user:3"]),
  "sparse": () => sketchOf(users(200)),
  "sparse, read": () => HyperLogLog.fromBytes(sketchOf(users(1_000)).toBytes()),
  "sparse, full": () => upTo(1_536),
  "dense in memory, sparse in bytes": () => upTo(1_537),
  "sparse in memory, dense in bytes": () => sketchOf([valueFor(77, 40), ...users(20)]),
  "dense": () => sketchOf(users(30_000)),
  "dense, read": () => HyperLogLog.fromBytes(sketchOf(users(20_000).slice(9_000)).toBytes()),
};

function upTo(registers: number): HyperLogLog {
  const sketch = new HyperLogLog();
  for (let i = 0; i < registers; i++) sketch.addHashed(i, 1 + i % 9);
  return sketch;
}

/** Rank by index, taken from the dense or sparse bytes without the code under test. */
function ranksIn(bytes: Uint8Array): number[] {
  const ranks: number[] = [];
  if (bytes[4] === 0) {
    const bits = Array.from(bytes.subarray(16), (byte) => byte.toString(2).padStart(8, "0"))
      .reverse().join("");
    for (let end = bits.length; end > 0; end -= 6) {
      ranks.push(parseInt(bits.slice(end - 6, end), 2));
    }
    return ranks;
  }
  for (let i = 16; i < bytes.length; i++) {
    const [byte, kind] = [bytes[i], bytes[i] >> 6];
    const run = kind === 0 ? byte : kind === 1 ? (byte - 64) * 256 + bytes[++i] : byte % 4;
    for (let j = 0; j <= run; j++) ranks.push(kind < 2 ? 0 : (byte - 128 >> 2) + 1);
  }
  return ranks;
}

Deno.test("HyperLogLog.merge() makes the sketch of both and leaves its argument, in all shapes", () => {
  for (const [one, makeOne] of Object.entries(SHAPES)) {
    for (const [two, makeTwo] of Object.entries(SHAPES)) {
      const [a, b] = [makeOne(), makeTwo()];
      const [ranksA, ranksB] = [ranksIn(a.toBytes()), ranksIn(b.toBytes())];
      assertEquals(ranksA.length, 16_384);
      assert(a.merge(b) === a);
      assertEquals(
        ranksIn(a.toBytes()),
        ranksA.map((rank, i) => Math.max(rank, ranksB[i])),
        `${one} + ${two}`,
      );
      assertSame(b, makeTwo());

      const reverse = makeTwo().merge(makeOne());
      assertSame(reverse, a);
      assertEquals(reverse.byteLength, a.byteLength);

      const before = b.toBytes();
      for (let i = 0; i < 16_384; i++) a.addHashed(i, 51);
      assertEquals(b.toBytes(), before, `${one} + ${two} must not share memory`);
    }
  }
});

Deno.test("HyperLogLog.merge() equals adding everything to one", () => {
  const all = users(50_000);
  for (const size of [2, 20, 500, 2_000, 3_000, 50_000]) {
    const [half, whole] = [size / 2, sketchOf(all.slice(0, size))];
    const merged = sketchOf(all.slice(0, half)).merge(sketchOf(all.slice(half - 1, size)));
    assertSame(merged, whole);
  }
});

Deno.test("HyperLogLog.merge() with itself or with an empty sketch changes nothing", () => {
  for (const make of Object.values(SHAPES)) {
    const sketch = make();
    assertSame(sketch.merge(sketch).merge(new HyperLogLog()), make());
  }
});

Deno.test("HyperLogLog.clone() goes its own way, in all shapes", () => {
  for (const make of Object.values(SHAPES)) {
    const sketch = make();
    const copy = sketch.clone();
    assertSame(copy, sketch);
    copy.addHashed(5, 51);
    assertSame(sketch, make());
    sketch.addHashed(6, 51);
    assertSame(copy, make().merge(sketchOf([valueFor(5, 51)])));
  }
});

Deno.test("HyperLogLog.fromBytes() gives back every shape", () => {
  for (const make of Object.values(SHAPES)) {
    assertSame(HyperLogLog.fromBytes(make().toBytes()), make());
    assertEquals(HyperLogLog.fromBytes(make().toBytes()).byteLength, make().byteLength);
  }
});

Deno.test("HyperLogLog.fromBytes() goes on counting where the bytes ended", () => {
  for (const size of [0, 10, 1_500, 10_000]) {
    const resumed = HyperLogLog.fromBytes(sketchOf(users(size)).toBytes());
    for (const user of users(2 * size + 10)) resumed.add(user);
    assertSame(resumed, sketchOf(users(2 * size + 10)));
  }
});

Deno.test("HyperLogLog.fromBytes() refuses damaged bytes", () => {
  const message = "Cannot read a sketch: ";
  assertThrows(() => HyperLogLog.fromBytes(new Uint8Array()), RangeError, message);
  assertThrows(() => HyperLogLog.fromBytes(encoder.encode("HYLL")), RangeError, message);
  assertThrows(() => HyperLogLog.fromBytes("HYLL" as never), TypeError, message);
});

Deno.test("HyperLogLog.toBytes() does not depend on order, repetition or how it was merged", () => {
  // Registers close together, so that runs of equal ranks meet in every way.
  const value = fc.tuple(fc.nat(40), fc.integer({ min: 1, max: 3 }));
  const values = fc.array(value, { maxLength: 60 });
  fc.assert(fc.property(values, fc.infiniteStream(fc.nat()), (values, random) => {
    const shuffled = values.map((value) => ({ value, key: random.next().value! }))
      .sort((a, b) => a.key - b.key).map(({ value }) => value);
    const [straight, other, left, right] = Array.from({ length: 4 }, () => new HyperLogLog());
    for (const [index, rank] of values) straight.addHashed(index, rank);
    for (const [index, rank] of [...shuffled, ...shuffled]) other.addHashed(index, rank);
    shuffled.forEach(([index, rank], i) => (i % 2 ? left : right).addHashed(index, rank));
    assertEquals(other.toBytes(), straight.toBytes());
    assertEquals(left.merge(right).toBytes(), straight.toBytes());
    assertEquals(HyperLogLog.fromBytes(straight.toBytes()).toBytes(), straight.toBytes());
  }));
});

Deno.test("HyperLogLog.toBytes() always marks the cached count as stale", () => {
  for (const make of Object.values(SHAPES)) {
    assertEquals([...make().toBytes().subarray(8, 16)], [0, 0, 0, 0, 0, 0, 0, 0x80]);
  }
});

Deno.test("HyperLogLog.toBytes() gives bytes that are the caller's", () => {
  for (const make of Object.values(SHAPES)) {
    const sketch = make();
    sketch.toBytes().fill(0xff);
    assertSame(sketch, make());
  }
});

Deno.test("HyperLogLog stays small: 10 values in 64 bytes and stored in under 60", () => {
  const sketch = sketchOf(users(10));
  assertEquals(sketch.byteLength, 64);
  assertLess(sketch.toBytes().length, 60);
  assertEquals(sketchOf(users(10_000)).byteLength, 16_384);
});
