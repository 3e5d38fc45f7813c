import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { findFrames, type Found, FRAME_BYTES, framed } from "../../src/journal/frame.ts";

const MARK = [0xf7, 0x74, 0x71, 0x0a];

function join(...parts: (Uint8Array | number[])[]): Uint8Array {
  return Uint8Array.from(parts.flatMap((part) => [...part]));
}

function text(value: string): Uint8Array {
  return new TextEncoder().encode(value);
}

/** What was found, short: the payload of a record, `torn` or `damage` with offset and length. */
function found(bytes: Uint8Array): string[] {
  return [...findFrames(bytes)].map((one: Found) =>
    one.kind === "record"
      ? new TextDecoder().decode(one.payload)
      : `${one.isTorn ? "torn" : "damage"} ${one.offset}+${one.bytes}`
  );
}

const [A, B, C] = ["one", "", "three"].map((payload) => framed(text(payload)));

Deno.test("findFrames() gives back what framed() made", () => {
  assertEquals(found(new Uint8Array()), []);
  assertEquals(found(join(A, B, C)), ["one", "", "three"]);
  assertEquals([...findFrames(join(A, B))].map(({ offset }) => offset), [0, A.length]);
});

Deno.test("findFrames() notices each flipped bit, and finds the records around it", () => {
  const whole = join(A, C, B);
  for (let bit = A.length * 8; bit < (A.length + C.length) * 8; bit++) {
    const bytes = whole.slice();
    bytes[bit >> 3] ^= 1 << (bit & 7);
    assertEquals(found(bytes), ["one", `damage ${A.length}+${C.length}`, ""], `bit ${bit}`);
  }
});

Deno.test("findFrames() calls every truncation of the last record torn", () => {
  const whole = join(A, C);
  for (let length = A.length + 1; length < whole.length; length++) {
    assertEquals(found(whole.slice(0, length)), ["one", `torn ${A.length}+${length - A.length}`]);
  }
});

Deno.test("findFrames() tells what a stopped process leaves from damage", () => {
  const lying = (length: number) => {
    const bytes = framed(text("a payload"));
    new DataView(bytes.buffer).setUint32(8, length, true);
    return bytes;
  };
  const cases: [string, Uint8Array, string[]][] = [
    ["a tail of zeros", join(A, new Uint8Array(50)), ["one", `torn ${A.length}+50`]],
    ["zeros between records", join(A, new Uint8Array(50), C), [
      "one",
      `damage ${A.length}+50`,
      "three",
    ]],
    ["junk", text("this is no journal at all"), ["damage 0+25"]],
    ["junk behind a record", join(A, text("junk")), ["one", `damage ${A.length}+4`]],
    ["a length beyond the file", join(A, lying(1000)), ["one", `torn ${A.length}+21`]],
    ["such a length before another record", join(lying(1000), C), ["damage 0+21", "three"]],
    ["a length beyond all bounds", join(A, lying(2 ** 32 - 1)), ["one", `damage ${A.length}+21`]],
    ["a length that swallows the next record", join(lying(9 + C.length), C, A), [
      "damage 0+21",
      "three",
      "one",
    ]],
    ["a length too short", join(lying(3), C), ["damage 0+21", "three"]],
    ["a mark alone", join(A, MARK), ["one", `torn ${A.length}+4`]],
    ["half a mark before a record", join(MARK.slice(0, 2), A), ["damage 0+2", "one"]],
    ["a mark within a payload", framed(join(MARK, MARK)), [
      new TextDecoder().decode(join(MARK, MARK)),
    ]],
    ["a record within a damaged record", join(framed(A).fill(0, 0, 1), C), [
      `damage 0+${FRAME_BYTES}`,
      "one",
      "three",
    ]],
  ];
  for (const [what, bytes, want] of cases) assertEquals(found(bytes), want, what);
});

Deno.test("findFrames() gives every record that is whole, and nothing that was not written", () => {
  const payload = fc.uint8Array({ maxLength: 40 }).map((bytes) =>
    // Marks and zeros, but no whole record.
    bytes.length > 8 ? join(MARK, bytes.subarray(4)) : bytes
  );
  const damage = fc.record({
    at: fc.nat(2000),
    bytes: fc.uint8Array({ minLength: 1, maxLength: 30 }),
    kind: fc.constantFrom("overwrite", "insert", "remove"),
  });
  fc.assert(fc.property(
    fc.array(payload, { minLength: 1, maxLength: 12 }),
    fc.array(damage, { maxLength: 3 }),
    (payloads, damages) => {
      // Which record each byte is of, so that it is known which ones are whole in the end.
      let bytes: { value: number; record: number; index: number }[] = payloads.flatMap((
        one,
        record,
      ) => [...framed(one)].map((value, index) => ({ value, record, index })));
      for (const { at: anywhere, bytes: by, kind } of damages) {
        const at = anywhere % (bytes.length + 1);
        const put = [...by].map((value) => ({ value, record: -1, index: 0 }));
        bytes = bytes.toSpliced(
          at,
          kind === "insert" ? 0 : by.length,
          ...kind === "remove" ? [] : put,
        );
      }
      const file = Uint8Array.from(bytes, ({ value }) => value);
      const wanted: string[] = [];
      for (let i = 0; i < bytes.length; i++) {
        const { record, index } = bytes[i];
        const size = record < 0 ? 0 : framed(payloads[record]).length;
        if (index !== 0 || size === 0) continue;
        const isWhole = bytes.slice(i, i + size).filter((one, k) =>
          one.record === record && one.index === k
        ).length === size;
        if (isWhole) wanted.push(String([...payloads[record]]));
      }
      const all = new Set(payloads.map((one) => String([...one])));
      let end = 0;
      const given: string[] = [];
      for (const one of findFrames(file)) {
        assertEquals(one.offset, end, "stretches follow each other");
        if (one.kind === "damage") {
          assert(one.bytes > 0);
          end += one.bytes;
          continue;
        }
        end += FRAME_BYTES + one.payload.length;
        given.push(String([...one.payload]));
        assert(all.has(given.at(-1)!), "nothing is given that was not written");
      }
      assertEquals(end, file.length);
      // Damage can restore bytes by accident, so more may be found.
      let at = 0;
      for (const one of given) if (one === wanted[at]) at++;
      assertEquals(at, wanted.length, "every whole record is found, in order");
    },
  ));
});
