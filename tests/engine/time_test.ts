import { assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { EventError } from "../../src/base/errors.ts";
import {
  civilFromDays,
  DAY,
  daysFromCivil,
  MAX_BARE_SECONDS,
  MAX_UNIX_SECONDS,
  MIN_UNIX_SECONDS,
  parseDate,
  toUnixSeconds,
} from "../../src/engine/time.ts";

function ok(value: unknown, wanted: number): void {
  assertEquals(toUnixSeconds(value), wanted, `of ${String(value)}`);
}

function bad(value: unknown, message: string): void {
  assertThrows(() => toUnixSeconds(value), EventError, message);
}

Deno.test("toUnixSeconds() takes unix seconds and floors a fraction", () => {
  ok(0, 0);
  ok(-0, 0);
  ok(978_310_020, 978_310_020);
  ok(978_310_020.999, 978_310_020);
  ok(-1, -1);
  ok(-0.5, -1);
  ok(MAX_BARE_SECONDS, 100_000_000_000);
  ok(-MAX_BARE_SECONDS, MIN_UNIX_SECONDS);
});

Deno.test("toUnixSeconds() refuses a number that looks like milliseconds", () => {
  const message = "looks like milliseconds (divide by 1000), received ";
  bad(978_310_020_000, `${message}978310020000`);
  bad(100_000_000_000.5, message);
  bad(-100_000_000_001, message);
  bad(Number.MAX_VALUE, message);
});

Deno.test("toUnixSeconds() refuses NaN and the infinities", () => {
  bad(NaN, "received NaN");
  bad(Infinity, "received Infinity");
  bad(-Infinity, "received -Infinity");
});

Deno.test("toUnixSeconds() takes a Date and floors its milliseconds", () => {
  ok(new Date("2001-01-01T00:47:00.999Z"), 978_310_020);
  ok(new Date(0), 0);
  ok(new Date(-1), -1);
  ok(new Date(MAX_UNIX_SECONDS * 1000 + 999), MAX_UNIX_SECONDS);
  ok(new Date(MIN_UNIX_SECONDS * 1000), MIN_UNIX_SECONDS);
});

Deno.test("toUnixSeconds() refuses an invalid Date and one out of range", () => {
  bad(new Date(NaN), "received Invalid Date");
  bad(new Date((MAX_UNIX_SECONDS + 1) * 1000), "received +010000-01-01T00:00:00.000Z");
  bad(new Date(MIN_UNIX_SECONDS * 1000 - 1), "wanted a Date from the year -1199");
});

Deno.test("toUnixSeconds() takes every RFC 3339 form", () => {
  ok("2001-01-01T00:47:00Z", 978_310_020);
  ok("2001-01-01t00:47:00z", 978_310_020);
  ok("2001-01-01 00:47:00Z", 978_310_020);
  ok("2001-01-01T01:47:00+01:00", 978_310_020);
  ok("2000-12-31T18:47:00-06:00", 978_310_020);
  ok("2001-01-01T06:32:00+05:45", 978_310_020);
  ok("2001-01-01T00:47:00-00:00", 978_310_020);
  ok("2001-01-02T00:46:00+23:59", 978_310_020);
  ok("1970-01-01T00:00:00Z", 0);
  ok("1969-12-31T23:59:59Z", -1);
  ok("0000-01-01T00:00:00Z", -62_167_219_200);
  ok("9999-12-31T23:59:59Z", MAX_UNIX_SECONDS);
});

Deno.test("toUnixSeconds() cuts a fraction of any length", () => {
  ok("2001-01-01T00:47:00.0Z", 978_310_020);
  ok("2001-01-01T00:47:00.999999999999+00:00", 978_310_020);
  ok(`2001-01-01T00:47:00.${"9".repeat(10_000)}Z`, 978_310_020);
  ok("1969-12-31T23:59:59.9Z", -1);
});

Deno.test("toUnixSeconds() knows the leap years", () => {
  ok("2000-02-29T00:00:00Z", 951_782_400);
  ok("2024-02-29T00:00:00Z", 1_709_164_800);
  ok("0000-02-29T00:00:00Z", -62_162_121_600);
  bad("2001-02-29T00:00:00Z", "there is no such date");
  bad("1900-02-29T00:00:00Z", "there is no such date");
  bad("2100-02-29T00:00:00Z", "there is no such date");
});

Deno.test("toUnixSeconds() counts a leap second as the second before it", () => {
  ok("2016-12-31T23:59:60Z", 1_483_228_799);
  ok("2016-12-31T23:59:60.999Z", 1_483_228_799);
  ok("2017-01-01T05:29:60+05:30", 1_483_228_799);
  ok("2016-12-31T15:59:60-08:00", 1_483_228_799);
  ok("2015-06-30T23:59:60Z", 1_435_708_799);
  for (
    const text of ["2016-12-31T23:58:60Z", "2016-12-30T23:59:60Z", "2016-12-31T23:59:60+01:00"]
  ) {
    bad(text, "second 60 exists only at 23:59:60 UTC on the last day of a month");
  }
  bad("2016-12-31T23:59:61Z", "there is no such time of day");
});

Deno.test("toUnixSeconds() refuses a date or time that does not exist", () => {
  bad("2001-00-01T00:00:00Z", "there is no such date");
  bad("2001-13-01T00:00:00Z", "there is no such date");
  bad("2001-01-00T00:00:00Z", "there is no such date");
  bad("2001-01-32T00:00:00Z", "there is no such date");
  bad("2001-04-31T00:00:00Z", "there is no such date");
  bad("2001-01-01T24:00:00Z", "there is no such time of day");
  bad("2001-01-01T00:60:00Z", "there is no such time of day");
  bad("2001-01-01T00:00:00+24:00", "the offset must be Z or like +01:00");
  bad("2001-01-01T00:00:00+01:60", "the offset must be Z or like +01:00");
  bad("9999-12-31T23:59:59-00:01", "at most 9999-12-31T23:59:59Z");
});

Deno.test("toUnixSeconds() refuses other ways to write a time", () => {
  const wanted = 'wanted a Date, unix seconds or an RFC 3339 string such as "2001-01-01T00:47:00Z"';
  for (
    const text of [
      "",
      "now",
      "2001-01-01",
      "2001-1-1T00:00:00Z",
      "2001-01-01T00:47Z",
      "2001-01-01T00:47:00,5Z",
      "2001-01-01T00:47:00.Z",
      "2001-01-01T00:47:00.",
      "2001-01-01T00:47:00.5",
      "2001-01-01T00:47:00",
      "2001-01-01T00:47:00+0100",
      "2001-01-01T00:47:00+01",
      "2001-01-01T00:47:00+01:00:00",
      "2001-01-01T00:47:00Z ",
      " 2001-01-01T00:47:00Z",
      "2001-01-01T00:47:00Z[UTC]",
      "2001-01-01_00:47:00Z",
      "2001-01-01T00:47:0٠Z",
      "+02001-01-01T00:47:00Z",
      "-001-01-01T00:47:00Z",
      "20010101T004700Z0000",
      "Mon, 01 Jan 2001 00:47:00 GMT",
      "2001-01-01T00:47:00\0Z",
    ]
  ) {
    bad(text, wanted);
    bad(text, `received ${JSON.stringify(text)}`);
  }
  bad("978307200", "unix seconds are a number, without quotes");
  bad("-978307200.5", "unix seconds are a number, without quotes");
  bad("2001-01-01T00:47:00", "the offset is missing");
  bad("2001-01-01T00:47:00.5", "the offset is missing");
});

Deno.test("toUnixSeconds() refuses values that are no time", () => {
  for (
    const value of [undefined, null, true, {}, [], () => 0, 1n, Symbol("at"), { valueOf: () => 1 }]
  ) {
    bad(value, "Cannot read time: wanted a Date, unix seconds or an RFC 3339 string");
  }
  bad(1n, "received 1n");
  bad([978_310_020], "received an array");
  bad(Object.create(null), "received an object");
});

Deno.test("toUnixSeconds() calls the value as the caller says and cuts it", () => {
  assertThrows(
    () => toUnixSeconds("x".repeat(1000), 'property "created"'),
    EventError,
    `Cannot read property "created": wanted a Date, unix seconds or an RFC 3339 string such as ` +
      `"2001-01-01T00:47:00Z", received "${"x".repeat(60)}…"`,
  );
});

const twoDigits = (max: number) =>
  fc.integer({ min: 0, max }).map((value) => String(value).padStart(2, "0"));

Deno.test("toUnixSeconds() agrees with Temporal on every well-formed string", () => {
  const text = fc.tuple(
    fc.integer({ min: 0, max: 9999 }).map((year) => String(year).padStart(4, "0")),
    twoDigits(13),
    twoDigits(32),
    fc.constantFrom("T", "t", " "),
    twoDigits(24),
    twoDigits(60),
    // Not 60: Temporal takes it anywhere, RFC 3339 does not.
    twoDigits(59),
    fc.oneof(fc.constant(""), fc.stringMatching(/^\.\d{1,9}$/)),
    fc.oneof(
      fc.constantFrom("Z", "z", "-00:00"),
      fc.tuple(fc.constantFrom("+", "-"), twoDigits(24), twoDigits(60))
        .map(([sign, hour, minute]) => `${sign}${hour}:${minute}`),
    ),
  ).map(([year, month, day, t, hour, minute, second, fraction, offset]) =>
    `${year}-${month}-${day}${t}${hour}:${minute}:${second}${fraction}${offset}`
  );
  fc.assert(
    fc.property(text, (text) => {
      let wanted: number;
      try {
        wanted = Math.floor(Temporal.Instant.from(text).epochMilliseconds / 1000);
      } catch {
        return bad(text, "Cannot read time");
      }
      if (wanted > MAX_UNIX_SECONDS) bad(text, "at most 9999-12-31T23:59:59Z");
      else ok(text, wanted);
    }),
    { numRuns: 5000 },
  );
});

Deno.test("toUnixSeconds() reads back what Temporal and Date write", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: -62_167_219_200, max: MAX_UNIX_SECONDS }),
      fc.integer({ min: 0, max: 999 }),
      (seconds, milliseconds) => {
        const date = new Date(seconds * 1000 + milliseconds);
        ok(date, seconds);
        ok(date.toISOString(), seconds);
        ok(Temporal.Instant.fromEpochMilliseconds(date.getTime()).toString(), seconds);
      },
    ),
    { numRuns: 2000 },
  );
});

Deno.test("toUnixSeconds() refuses a good string with one character changed, or reads a time", () => {
  const good = "2001-01-01T00:47:00.25+01:00";
  fc.assert(
    fc.property(
      fc.nat({ max: good.length - 1 }),
      fc.string({ minLength: 0, maxLength: 2 }),
      (at, put) => {
        const text = good.slice(0, at) + put + good.slice(at + 1);
        try {
          // Whatever is read is read as Temporal does; what Temporal takes beyond RFC 3339 is refused.
          const seconds = toUnixSeconds(text);
          const wanted = Temporal.Instant.from(text.slice(0, 19) + text.slice(-6));
          assertEquals(seconds, wanted.epochMilliseconds / 1000);
        } catch (error) {
          if (!(error instanceof EventError)) throw error;
        }
      },
    ),
    { numRuns: 5000 },
  );
});

Deno.test("daysFromCivil() and civilFromDays() undo each other on every day of 10,000 years", () => {
  const last = daysFromCivil(9999, 12, 31);
  let wanted = { year: 0, month: 1, day: 1 };
  for (let days = daysFromCivil(0, 1, 1); days <= last; days++) {
    const date = civilFromDays(days);
    // Comparing numbers: assertEquals takes seconds for 3.6 million dates.
    const isWanted = date.year === wanted.year && date.month === wanted.month &&
      date.day === wanted.day && daysFromCivil(date.year, date.month, date.day) === days;
    if (!isWanted) assertEquals({ days, ...date }, { days, ...wanted });
    const isMonthEnd = civilFromDays(days + 1).day === 1;
    wanted = {
      year: date.year + (isMonthEnd && date.month === 12 ? 1 : 0),
      month: isMonthEnd ? date.month % 12 + 1 : date.month,
      day: isMonthEnd ? 1 : date.day + 1,
    };
  }
  assertEquals(last, Date.UTC(9999, 11, 31) / 1000 / DAY);
  assertEquals(civilFromDays(-719_529), { year: -1, month: 12, day: 31 });
});

Deno.test("parseDate() gives days since 1970 and NaN for no date", () => {
  assertEquals(parseDate("1970-01-02"), 1);
  assertEquals(parseDate("1969-12-31"), -1);
  assertEquals(parseDate("2000-02-29"), 11_016);
  for (const text of ["1970-02-30", "1970-1-011", "1970/01/01", "19a0-01-01", "197a-01-01"]) {
    assertEquals(parseDate(text), NaN);
  }
});
