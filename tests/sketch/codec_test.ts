import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { decode, encode, MAX_SPARSE_BYTES } from "../../src/sketch/codec.ts";
import { REGISTER_COUNT, Registers } from "../../src/sketch/registers.ts";

const HEADER = [0x48, 0x59, 0x4c, 0x4c, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x80];
const DENSE_BYTES = 12_304;

/** A sparse sketch with these opcodes. */
function sparse(...opcodes: number[]): Uint8Array {
  return Uint8Array.from([...HEADER, ...opcodes]);
}

/** A dense sketch whose registers begin with these bytes. */
function dense(...bytes: number[]): Uint8Array {
  const sketch = new Uint8Array(DENSE_BYTES);
  sketch.set([...HEADER.with(4, 0), ...bytes]);
  return sketch;
}

function registersOf(...raised: [index: number, rank: number][]): Registers {
  const registers = new Registers();
  for (const [index, rank] of raised) registers.raise(index, rank);
  return registers;
}

function listed(registers: Registers): [number, number][] {
  const pairs: [number, number][] = [];
  registers.everyRaised((index, rank) => pairs.push([index, rank]) > 0);
  return pairs;
}

/** Writes as these bytes, which read as the same registers. */
function ok(registers: Registers, bytes: Uint8Array): void {
  assertEquals([...encode(registers)], [...bytes]);
  reads(bytes, ...listed(registers));
}

function reads(bytes: Uint8Array, ...raised: [index: number, rank: number][]): void {
  assertEquals(listed(decode(bytes)), raised);
}

function bad(bytes: Uint8Array, message: string): void {
  assertThrows(() => decode(bytes), RangeError, `Cannot read a sketch: expected ${message}`);
}

Deno.test("encode() writes zeros as ZERO up to 64 and as XZERO beyond", () => {
  ok(registersOf(), sparse(0x7f, 0xff));
  ok(registersOf([0, 1]), sparse(0x80, 0x7f, 0xfe));
  ok(registersOf([1, 1]), sparse(0x00, 0x80, 0x7f, 0xfd));
  ok(registersOf([64, 1]), sparse(0x3f, 0x80, 0x7f, 0xbe));
  ok(registersOf([65, 1]), sparse(0x40, 0x40, 0x80, 0x7f, 0xbd));
  ok(registersOf([16_383, 1]), sparse(0x7f, 0xfe, 0x80));
  ok(registersOf([16_319, 1]), sparse(0x7f, 0xbe, 0x80, 0x3f));
  ok(registersOf([16_318, 1]), sparse(0x7f, 0xbd, 0x80, 0x40, 0x40));
});

Deno.test("encode() writes ranks as VAL, runs of equal ones in fours from the left", () => {
  ok(registersOf([0, 32], [1, 31]), sparse(0xfc, 0xf8, 0x7f, 0xfd));
  ok(registersOf([0, 1], [1, 1], [2, 1], [3, 1]), sparse(0x83, 0x7f, 0xfb));
  const run = Array.from({ length: 6 }, (_, i): [number, number] => [i, 5]);
  ok(registersOf(...run), sparse(0x93, 0x91, 0x7f, 0xf9));
  ok(registersOf([0, 5], [2, 5]), sparse(0x90, 0x00, 0x90, 0x7f, 0xfc));
  ok(registersOf([0, 5], [1, 5], [2, 6], [3, 5]), sparse(0x91, 0x94, 0x90, 0x7f, 0xfb));
});

Deno.test("encode() writes rank 33 as dense, 6 bits a register from the lowest bit up", () => {
  ok(registersOf([0, 33]), dense(0b00_100001));
  ok(registersOf([0, 1], [1, 2], [2, 3], [3, 51]), dense(0b10_000001, 0b0011_0000, 0b110011_00));
  ok(
    registersOf([0, 51], [1, 50], [2, 49], [3, 48]),
    dense(0b10_110011, 0b0001_1100, 0b110000_11),
  );
  const last = dense();
  last[DENSE_BYTES - 1] = 51 << 2;
  ok(registersOf([16_383, 51]), last);
});

Deno.test("encode() is sparse up to 3,000 bytes with the header and dense beyond", () => {
  // Each of these needs two bytes, the zeros behind them two more.
  const raised = (MAX_SPARSE_BYTES - 18) / 2;
  const registers = new Registers();
  for (let i = 0; i < raised; i++) registers.raise(2 * i + 1, 1);
  assertEquals(encode(registers).length, MAX_SPARSE_BYTES);
  assertEquals(listed(decode(encode(registers))), listed(registers));

  registers.raise(0, 2); // ZERO becomes VAL.
  assertEquals(encode(registers).length, MAX_SPARSE_BYTES);
  registers.raise(REGISTER_COUNT - 1, 1);
  assertEquals(encode(registers).length, DENSE_BYTES);
  assertEquals(listed(decode(encode(registers))), listed(registers));
});

Deno.test("encode() is sparse where the last of 3,000 bytes is a VAL", () => {
  const registers = registersOf([REGISTER_COUNT - 1, 1]);
  for (let i = 0; i < MAX_SPARSE_BYTES - 19; i++) registers.raise(i, 1 + i % 2);
  assertEquals(encode(registers).length, MAX_SPARSE_BYTES);
  assertEquals(listed(decode(encode(registers))), listed(registers));
});

Deno.test("encode() is dense where only the zeros at the end pass 3,000 bytes", () => {
  // 2,983 bytes of VAL, then 16 + 2,983 + 2.
  const registers = new Registers();
  for (let i = 0; i < MAX_SPARSE_BYTES - 17; i++) registers.raise(i, 1 + i % 2);
  assertEquals(encode(registers).length, DENSE_BYTES);
});

Deno.test("encode() can write sparse what memory holds dense", () => {
  const registers = new Registers();
  for (let i = 0; i < 8_000; i++) registers.raise(i, 1);
  assertEquals(registers.byteLength, REGISTER_COUNT);
  assertEquals(encode(registers).length, 16 + 2_000 + 2);
  assertEquals(listed(decode(encode(registers))), listed(registers));
});

Deno.test("decode() reads runs that are packed in another way, of any length", () => {
  reads(sparse(0x00, 0x3f, 0x80, 0x40, 0x00, 0x80, 0x7f, 0xbb), [65, 1], [67, 1]);
  const singles = Array.from({ length: REGISTER_COUNT }, () => 0x80);
  reads(sparse(...singles), ...singles.map((_, i): [number, number] => [i, 1]));
  reads(dense(1), [0, 1]);
});

Deno.test("decode() ignores the cached count", () => {
  const cached = sparse(0x80, 0x7f, 0xfe);
  cached.set([7, 0, 0, 0, 0, 0, 0, 0], 8);
  reads(cached, [0, 1]);
  assertEquals([...encode(decode(cached))], [...sparse(0x80, 0x7f, 0xfe)]);
});

Deno.test("decode() neither changes nor keeps the bytes", () => {
  for (const bytes of [sparse(0x80, 0x7f, 0xfe), dense(1)]) {
    const before = [...bytes];
    const registers = decode(bytes);
    assertEquals([...bytes], before);
    bytes.fill(0xff);
    assertEquals(listed(registers), [[0, 1]]);
  }
});

Deno.test("decode() reads a view into a larger buffer", () => {
  const bytes = sparse(0x80, 0x7f, 0xfe);
  const larger = new Uint8Array(100).fill(0xff);
  larger.set(bytes, 3);
  reads(larger.subarray(3, 3 + bytes.length), [0, 1]);
});

Deno.test("decode() refuses what is not a Uint8Array", () => {
  for (const value of [undefined, null, "HYLL", [...HEADER], new ArrayBuffer(18)]) {
    assertThrows(
      () => decode(value as unknown as Uint8Array),
      TypeError,
      "Cannot read a sketch: expected a Uint8Array, received ",
    );
  }
});

Deno.test("decode() refuses a damaged header", () => {
  for (let length = 0; length < 16; length++) {
    bad(sparse().subarray(0, length), `at least 16 bytes, received ${length}`);
  }
  const whole = sparse(0x7f, 0xff);
  for (let i = 0; i < 4; i++) bad(whole.with(i, 0), 'bytes 0-3 to be 48 59 4c 4c ("HYLL")');
  bad(whole.with(4, 2), "encoding 0 (dense) or 1 (sparse) in byte 4, received 2");
  for (let i = 5; i < 8; i++) bad(whole.with(i, 1), "bytes 5-7 to be 00 00 00, received ");
});

Deno.test("decode() refuses a sparse sketch that does not make 16,384 registers", () => {
  bad(sparse(), "16384 registers, received 0");
  bad(sparse(0x7f, 0xfe), "16384 registers, received 16383");
  bad(sparse(0x3f, 0x83), "16384 registers, received 68");
  bad(sparse(0x7f, 0xfe, 0x01), "16384 registers, received more in the opcode at byte 18");
  bad(sparse(0x7f, 0xfe, 0x81), "16384 registers, received more in the opcode at byte 18");
  bad(sparse(0x80, 0x7f, 0xff), "16384 registers, received more in the opcode at byte 17");
  for (const trailing of [0x00, 0x7f, 0x80]) {
    bad(sparse(0x7f, 0xff, trailing, 0), "16384 registers, received more in the opcode at byte 18");
  }
});

Deno.test("decode() refuses an XZERO without its second byte", () => {
  bad(sparse(0x80, 0x7f), "a second byte of the opcode at byte 17, received the end");
  bad(sparse(0x7f, 0xff, 0x40), "a second byte of the opcode at byte 18, received the end");
});

Deno.test("decode() refuses a dense sketch of another length or with a rank over 51", () => {
  bad(dense().subarray(0, DENSE_BYTES - 1), "12304 bytes of a dense sketch, received 12303");
  bad(new Uint8Array([...dense(), 0]), "12304 bytes of a dense sketch, received 12305");
  reads(dense(51), [0, 51]);
  for (const bytes of [[52], [0, 0b1101], [0, 0b0100_0000, 0b11], [0, 0, 52 << 2], [63]]) {
    bad(dense(...bytes), `registers from 0 to 51, received ${bytes[0] === 63 ? 63 : 52}`);
  }
});

/** Registers by rank, many or few, in clusters or not. */
const anyRegisters = fc.record({
  raised: fc.array(fc.tuple(fc.nat(REGISTER_COUNT - 1), fc.integer({ min: 1, max: 51 })), {
    maxLength: 50,
  }),
  filled: fc.constantFrom(0, 5, 200, 1490, 1500, 3000, REGISTER_COUNT),
  step: fc.integer({ min: 1, max: 11 }),
  ranks: fc.integer({ min: 1, max: 32 }),
}).map(({ raised, filled, step, ranks }) => {
  const registers = new Registers();
  for (let i = 0; i < filled; i++) {
    registers.raise(i * step % REGISTER_COUNT, 1 + i * i % ranks);
  }
  for (const [index, rank] of raised) registers.raise(index, rank);
  return registers;
});

Deno.test("decode() gives back what encode() was given", () => {
  fc.assert(fc.property(anyRegisters, (registers) => {
    const bytes = encode(registers);
    const back = decode(bytes);
    assertEquals(listed(back), listed(registers));
    assertEquals(encode(back), bytes);
  }));
});

Deno.test("decode() of damaged bytes throws or gives registers that encode() can write", () => {
  const cut = fc.record({ kind: fc.constant("cut" as const), at: fc.nat() });
  const set = fc.record({ kind: fc.constant("set" as const), at: fc.nat(), byte: fc.nat(255) });
  const grow = fc.record({ kind: fc.constant("grow" as const), at: fc.nat(), byte: fc.nat(255) });
  const damage = fc.array(fc.oneof(cut, set, grow), { minLength: 1, maxLength: 4 });
  let [read, refused] = [0, 0];
  fc.assert(
    fc.property(anyRegisters, damage, (registers, damage) => {
      let bytes = [...encode(registers)];
      for (const { at, ...what } of damage) {
        // Half of the damage hits the first bytes, so that a header is hit as often as a body.
        const position = at % (at % 2 === 0 ? Math.min(20, bytes.length + 1) : bytes.length + 1);
        if (what.kind === "cut") bytes = bytes.toSpliced(position, 1 + at % 9);
        else if (what.kind === "grow") bytes = bytes.toSpliced(position, 0, what.byte);
        else if (position < bytes.length) bytes[position] = what.byte;
      }
      let damaged: Registers;
      try {
        damaged = decode(Uint8Array.from(bytes));
      } catch (error) {
        assert(error instanceof RangeError && error.message.startsWith("Cannot read a sketch: "));
        refused++;
        return;
      }
      read++;
      assertEquals(listed(decode(encode(damaged))), listed(damaged));
      assert(listed(damaged).every(([, rank]) => rank >= 1 && rank <= 51));
    }),
    { numRuns: 1000 },
  );
  assert(read > 0 && refused > 0, `both must have been tried: ${read} read, ${refused} refused`);
});

Deno.test("decode() of any bytes behind a good header throws or reads", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (opcodes) => {
      try {
        const registers = decode(sparse(...opcodes));
        assertEquals(listed(decode(encode(registers))), listed(registers));
      } catch (error) {
        assert(error instanceof RangeError && error.message.startsWith("Cannot read a sketch: "));
      }
    }),
    { numRuns: 1000 },
  );
});
