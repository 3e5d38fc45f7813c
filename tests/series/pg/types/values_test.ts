/** Values as text and as bytes: what the server writes, and what it reads of what clients bind. */
import { assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { arrayText, listLiteral, parseArray } from "../../../../src/series/pg/types/arrays.ts";
import { binaryEncoding, decodeBinary } from "../../../../src/series/pg/types/binary.ts";
import { parseInterval } from "../../../../src/series/pg/types/intervals.ts";
import { decodeNumeric, encodeNumeric } from "../../../../src/series/pg/types/numeric.ts";
import { pgType, wireTypeOf, wireTypeOfOid } from "../../../../src/series/pg/types/oids.ts";
import { bind } from "../../../../src/series/pg/types/parameters.ts";
import { textEncoding } from "../../../../src/series/pg/types/text.ts";
import {
  dateText,
  intervalText,
  microsOf,
  timestampText,
  timeText,
} from "../../../../src/series/pg/types/time.ts";
import type { SqlValue } from "../../../../src/series/sql/values.ts";

const MOST = 2n ** 63n - 1n;

Deno.test("timestampText() writes an instant in UTC, to the microsecond", () => {
  const ok = (micros: bigint, want: string) => assertEquals(timestampText(micros), want);
  ok(0n, "1970-01-01 00:00:00+00");
  ok(-1n, "1969-12-31 23:59:59.999999+00");
  ok(1_767_225_600_500_000n, "2026-01-01 00:00:00.5+00");
  ok(951_782_400_000_001n, "2000-02-29 00:00:00.000001+00");
  ok(253_402_300_800_000_000n, "10000-01-01 00:00:00+00");
  ok(-62_135_596_800_000_001n, "0001-12-31 23:59:59.999999+00 BC");
  ok(MOST, "infinity");
  ok(-MOST, "-infinity");
});

Deno.test("timestampText() agrees with Date on every day it knows", () => {
  fc.assert(
    fc.property(
      fc.date({ min: new Date("0001-01-01"), max: new Date("9999-12-31"), noInvalidDate: true }),
      (date) => {
        const iso = date.toISOString();
        const text = timestampText(BigInt(date.getTime()) * 1000n);
        assertEquals(new Date(text.replace(" ", "T").replace("+00", "Z")).toISOString(), iso);
        assertEquals(text.slice(0, 10), iso.slice(0, 10));
      },
    ),
  );
});

Deno.test("microsOf() cuts nanoseconds off and never rounds up, before 1970 too", () => {
  assertEquals(microsOf(1999n, "TIMESTAMP_NS"), 1n);
  assertEquals(microsOf(-1n, "TIMESTAMP_NS"), -1n);
  assertEquals(microsOf(-1000n, "TIMESTAMP_NS"), -1n);
  assertEquals(microsOf(-1001n, "TIMESTAMP_NS"), -2n);
  assertEquals(microsOf(5n, "TIMESTAMP_S"), 5_000_000n);
  assertEquals(microsOf(5n, "TIMESTAMP_MS"), 5000n);
  assertEquals(microsOf(5n, "TIMESTAMP"), 5n);
});

Deno.test("dates, times of day and spans are written as PostgreSQL writes them", () => {
  assertEquals(dateText(20_454), "2026-01-01");
  assertEquals(dateText(-719_163), "0001-12-31 BC");
  assertEquals(dateText(2 ** 31 - 1), "infinity");
  assertEquals(timeText(45_296_500_000n), "12:34:56.5");
  const span = (months: number, days: number, micros: bigint) =>
    intervalText({ months, days, micros });
  assertEquals(span(14, 3, 14_706_000_000n), "1 year 2 mons 3 days 04:05:06");
  assertEquals(span(0, 0, 0n), "00:00:00");
  assertEquals(span(0, -1, 7_200_000_000n), "-1 days +02:00:00");
  assertEquals(span(-1, 2, -1n), "-1 mons +2 days -00:00:00.000001");
  assertEquals(span(0, 0, 360_000_000_000n), "100:00:00");
});

Deno.test("parseInterval() reads what intervalText() writes, and what drivers send", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: -10_000, max: 10_000 }),
      fc.integer({ min: -10_000, max: 10_000 }),
      fc.bigInt({ min: -(10n ** 14n), max: 10n ** 14n }),
      (months, days, micros) => {
        assertEquals(parseInterval(intervalText({ months, days, micros })), {
          months,
          days,
          micros,
        });
      },
    ),
  );
  const ok = (text: string, months: number, days: number, micros: number) =>
    assertEquals(parseInterval(text), { months, days, micros: BigInt(micros) }, text);
  ok("1d 3600s 5us", 0, 1, 3_600_000_005);
  ok("P1Y2M3DT4H5M6.5S", 14, 3, 14_706_500_000);
  ok("1 years 2 mons 3 days 4 hours 5 mins 6.0 secs", 14, 3, 14_706_000_000);
  ok("1.5 days", 0, 1, 43_200_000_000);
  for (const text of ["", "P", "PT", "soon", "1 fortnight", "1 day x", "12"]) {
    assertEquals(parseInterval(text), undefined, text);
  }
});

Deno.test("a decimal comes back from its binary form as it was, and as PostgreSQL has it", () => {
  assertEquals(encodeNumeric("12345.678").toHex(), "0003000100000003000109291a7c");
  fc.assert(
    fc.property(fc.bigInt(), fc.nat(30), (digits, scale) => {
      const sign = digits < 0n ? "-" : "";
      const all = String(digits < 0n ? -digits : digits).padStart(scale + 1, "0");
      const cut = all.length - scale;
      const text = `${digits === 0n ? "" : sign}${all.slice(0, cut)}${
        scale > 0 ? `.${all.slice(cut)}` : ""
      }`;
      assertEquals(decodeNumeric(encodeNumeric(text)), text);
    }),
  );
  assertEquals(decodeNumeric(encodeNumeric("NaN")), "NaN");
  assertEquals(decodeNumeric(Uint8Array.of(0, 1)), undefined);
});

Deno.test("a list comes back from its text, whatever its texts hold", () => {
  fc.assert(
    fc.property(fc.array(fc.option(fc.string({ unit: "binary" }))), (list) => {
      assertEquals(parseArray(arrayText(list)), list);
    }),
  );
  assertEquals(
    arrayText(["a", "b c", "", null, "NULL", 'x"\\']),
    '{a,"b c","",NULL,"NULL","x\\"\\\\"}',
  );
  assertEquals(parseArray(" { 1 , 2 } "), ["1", "2"]);
  assertEquals(parseArray("[0:1]={1,2}"), ["1", "2"]);
  for (const text of ["", "1,2", "{1,2", "{{1},{2}}", "{1,}", '{"a}']) {
    assertEquals(parseArray(text), undefined, text);
  }
  assertEquals(listLiteral(["a", null, 'b"']), '["a", NULL, "b\\""]');
});

/** Each type with a value, its text, and its bytes. */
const CASES: readonly [duckdb: string, value: SqlValue, text: string, hex: string][] = [
  ["BOOLEAN", true, "t", "01"],
  ["TINYINT", -1, "-1", "ffff"],
  ["UINTEGER", 4_294_967_295, "4294967295", "00000000ffffffff"],
  ["BIGINT", -(2n ** 63n), "-9223372036854775808", "8000000000000000"],
  ["FLOAT", Math.fround(0.1), "0.1", "3dcccccd"],
  ["DOUBLE", 0.1, "0.1", "3fb999999999999a"],
  ["DOUBLE", -Infinity, "-Infinity", "fff0000000000000"],
  ["DOUBLE", NaN, "NaN", "7ff8000000000000"],
  ["UBIGINT", 10_000n, "10000", "00010001000000000001"],
  ["DECIMAL(10,2)", "-12.50", "-12.50", "0002000040000002000c1388"],
  ["VARCHAR", "ä", "ä", "c3a4"],
  ["TIMESTAMP_NS", 946_684_800_000_001_999n, "2000-01-01 00:00:00.000001+00", "0000000000000001"],
  ["TIMESTAMP", MOST, "infinity", "7fffffffffffffff"],
  ["DATE", 10_957, "2000-01-01", "00000000"],
  ["TIME", 1_000_000n, "00:00:01", "00000000000f4240"],
  [
    "INTERVAL",
    { months: 1, days: 2, micros: 3n },
    "1 mon 2 days 00:00:00.000003",
    "00000000000000030000000200000001",
  ],
  [
    ...["UUID", "550e8400-e29b-41d4-a716-446655440000", "550e8400-e29b-41d4-a716-446655440000"],
    "550e8400e29b41d4a716446655440000",
  ] as [string, string, string, string],
  ["BLOB", Uint8Array.of(0, 255), "\\x00ff", "00ff"],
  [
    "INTEGER[]",
    [1, null],
    "{1,NULL}",
    "00000001000000010000001700000002000000010000000400000001ffffffff",
  ],
  ["VARCHAR[]", [], "{}", "000000000000000000000019"],
  ["STRUCT(a INTEGER)", [["a", 1]], '{"a":1}', "7b2261223a317d"],
  ["INTEGER[][]", [[1], [2]], "[[1],[2]]", "5b5b315d2c5b325d5d"],
];

for (const [duckdb, value, text, hex] of CASES) {
  Deno.test(`${duckdb} goes out as text and as bytes: ${text}`, () => {
    const wire = wireTypeOf(duckdb);
    assertEquals(textEncoding(wire, duckdb)(value), text);
    assertEquals(binaryEncoding(wire, duckdb)(value).toHex(), hex);
  });
}

Deno.test("what was written in binary is read again", () => {
  for (const [duckdb, value, text] of CASES) {
    const { type, isArray } = wireTypeOf(duckdb);
    const decoded = decodeBinary(binaryEncoding(wireTypeOf(duckdb), duckdb)(value), type, isArray);
    // Spans are read in a form of their own, floats of 32 bits with all their digits.
    if (/INTERVAL|FLOAT|UUID/.test(duckdb)) continue;
    assertEquals(Array.isArray(decoded) ? arrayText(decoded) : decoded, text, duckdb);
  }
});

Deno.test("bind() keeps an instant whatever its offset, with all its digits", () => {
  const wire = wireTypeOfOid(pgType("timestamptz").oid)!;
  const ok = (text: string, want: string, wanted?: string) =>
    assertEquals(bind(new TextEncoder().encode(text), false, wire, 1, wanted), {
      value: want,
      type: wanted ?? "TIMESTAMP",
    });
  ok("2026-01-01T00:00:00.000Z", "2026-01-01 00:00:00.000");
  ok("2026-01-01 02:30:00.123456789+02:30", "2026-01-01 00:00:00.123456789", "TIMESTAMP_NS");
  ok("2025-12-31 19:00:00-05", "2026-01-01 00:00:00");
  ok("2026-01-01", "2026-01-01 00:00:00");
  ok("infinity", "infinity");
});

Deno.test("bind() keeps every digit of a decimal", () => {
  const wire = wireTypeOfOid(1700)!;
  const ok = (text: string, type: string) =>
    assertEquals(bind(new TextEncoder().encode(text), false, wire, 1), { value: text, type });
  ok("9007199254740993", "HUGEINT");
  ok("-0.00000000012", "DECIMAL(11,11)");
  ok("1234.5", "DECIMAL(5,1)");
  ok("1e400", "DOUBLE");
  ok("NaN", "DOUBLE");
  assertThrows(() => bind(new TextEncoder().encode("1,5"), false, wire, 1), Error, "$1");
});

Deno.test("bind() reads lists, in text and in binary", () => {
  const wire = wireTypeOfOid(1016)!;
  assertEquals(bind(new TextEncoder().encode("{1,NULL,3}"), false, wire, 1), {
    value: '["1", NULL, "3"]',
    type: "BIGINT[]",
  });
  const bytes = binaryEncoding(wireTypeOf("BIGINT[]"), "BIGINT[]")([1n, null, 3n]);
  assertEquals(bind(bytes, true, wire, 1), { value: '["1", NULL, "3"]', type: "BIGINT[]" });
  assertThrows(() => bind(new TextEncoder().encode("{1,x}"), false, wire, 2), Error, "$2");
  assertThrows(() => bind(bytes.subarray(0, 30), true, wire, 2), Error, "$2");
});
