import { assert, assertEquals, assertLess, assertStrictEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { ConfigError } from "../../src/base/errors.ts";
import { type Bucket, Calendar } from "../../src/engine/bucket.ts";
import { DAY, HOUR, toUnixSeconds } from "../../src/engine/time.ts";

const ZONES = [
  "UTC",
  "Etc/GMT+5",
  "+05:30",
  "Europe/Berlin",
  "Europe/Amsterdam", // sub-minute offsets, and +00:20 until 1940 in older zone data
  "Europe/Dublin",
  "Europe/London",
  "America/New_York",
  "America/Caracas", // -04:30 for nine years
  "America/Havana", // summer time ends at 01:00, back to midnight
  "America/Juneau", // two days of one date in 1867
  "America/Sao_Paulo", // summer time starts and ends at midnight
  "America/Scoresbysund", // midnight, and another zone at the same moment in 2024
  "America/St_Johns", // 00:01 until 2011, two hours in 1988
  "Africa/Cairo", // starts at midnight, ends at 24:00
  "Africa/Casablanca", // put back for Ramadan
  "Africa/Monrovia", // -00:44:30 until 1972
  "Antarctica/Troll", // two hours
  "Asia/Beirut", // midnight
  "Asia/Gaza",
  "Asia/Kathmandu",
  "Asia/Kolkata",
  "Asia/Manila", // a skipped day in 1844
  "Asia/Pyongyang",
  "Asia/Tehran",
  "Australia/Lord_Howe", // half an hour
  "Pacific/Apia", // a skipped day in 2011, a double one in 1892
  "Pacific/Chatham", // +12:45
  "Pacific/Kwajalein", // a double day in 1969, a skipped one in 1993
];

const FIRST = Date.UTC(1840, 0, 1) / 1000;
const FROM_1900 = Date.UTC(1900, 0, 1) / 1000;
const TO_2100 = Date.UTC(2100, 0, 1) / 1000;

/** The unix second of an RFC 3339 string. */
const at = toUnixSeconds;

function zoned(zone: string, seconds: number): Temporal.ZonedDateTime {
  return new Temporal.ZonedDateTime(BigInt(seconds) * 1_000_000_000n, zone);
}

function secondsOf(time: Temporal.ZonedDateTime): number {
  return Number(time.epochNanoseconds / 1_000_000_000n);
}

/** When the clock of a zone was put forward or back, from 1840 to 2100. */
function transitionsOf(zone: string): number[] {
  const found = [];
  let time = zoned(zone, FIRST).getTimeZoneTransition("next");
  while (time !== null && secondsOf(time) < TO_2100) {
    found.push(secondsOf(time));
    time = time.getTimeZoneTransition("next");
  }
  return found;
}

const transitions = new Map(ZONES.map((zone) => [zone, transitionsOf(zone)]));

/** Instants of a zone, every second one within two days of a transition. */
function instantsOf(zone: string, from = FIRST): fc.Arbitrary<number> {
  const near = transitions.get(zone)!.filter((time) => time >= from);
  const anywhere = fc.integer({ min: from, max: TO_2100 });
  if (near.length === 0) return anywhere;
  const around = fc.oneof(
    fc.integer({ min: -3, max: 3 }),
    fc.integer({ min: -2 * HOUR, max: 2 * HOUR }),
    fc.integer({ min: -2 * DAY, max: 2 * DAY }),
  );
  return fc.oneof(
    anywhere,
    fc.tuple(fc.constantFrom(...near), around).map(([time, shift]) => time + shift),
  );
}

function forEachZone(check: (zone: string) => void): void {
  for (const zone of ZONES) {
    try {
      check(zone);
    } catch (cause) {
      throw new Error(`in ${zone}: ${cause instanceof Error ? cause.message : cause}`, { cause });
    }
  }
}

// What a bucket is, said again as plainly as can be: one Temporal question for each step.

function shownHour(zone: string, seconds: number): string {
  return zoned(zone, seconds).toPlainDateTime().toString().slice(0, -6);
}

function offsetOf(zone: string, seconds: number): number {
  return zoned(zone, seconds).offsetNanoseconds / 1e9;
}

function slowHourStarts(zone: string, seconds: number): boolean {
  return shownHour(zone, seconds) !== shownHour(zone, seconds - 1) ||
    offsetOf(zone, seconds - 1) - offsetOf(zone, seconds) === HOUR;
}

/** By whole minutes where nothing happens in them, else second by second. */
function slowHour(zone: string, seconds: number): { start: number; end: number } {
  const isQuiet = (from: number, to: number) =>
    shownHour(zone, from) === shownHour(zone, to) && offsetOf(zone, from) === offsetOf(zone, to);
  let start = seconds;
  while (!slowHourStarts(zone, start)) start -= isQuiet(start - 60, start) ? 60 : 1;
  let end = seconds + 1;
  while (!slowHourStarts(zone, end)) end += isQuiet(end, end + 60) ? 60 : 1;
  return { start, end };
}

function slowDay(zone: string, seconds: number): { start: number; end: number } {
  const startOf = (date: Temporal.PlainDate) => secondsOf(date.toZonedDateTime(zone));
  let date = zoned(zone, seconds).toPlainDate();
  while (startOf(date.add({ days: 1 })) <= seconds) date = date.add({ days: 1 });
  return { start: startOf(date), end: startOf(date.add({ days: 1 })) };
}

function ends({ start, end }: { start: number; end: number }): { start: number; end: number } {
  return { start, end };
}

/** The labels and lengths in minutes of the buckets that a range touches. */
function listing(
  zone: string,
  unit: "d" | "h",
  from: string,
  to: string,
): [label: string, minutes: number][] {
  const calendar = new Calendar(zone);
  return calendar.buckets(unit, at(from), at(to), 1000)
    .map((bucket) => [calendar.label(bucket), (bucket.end - bucket.start) / 60]);
}

Deno.test("Calendar refuses a time zone that is unknown", () => {
  for (
    const zone of [
      "",
      "Mars/Base",
      "Europe/Berlin ",
      "local",
      "+5",
      "2001-01-01T00:00Z",
      "+01:00:30",
    ]
  ) {
    assertThrows(
      () => new Calendar(zone),
      ConfigError,
      `Cannot use the time zone: wanted an IANA name such as "Europe/Berlin", received ` +
        JSON.stringify(zone),
    );
  }
  assertThrows(() => new Calendar(undefined as unknown as string), ConfigError, "undefined");
  assertEquals(new Calendar("europe/berlin").timezone, "europe/berlin");
});

Deno.test("Calendar.sameZone() sees through case and old names", () => {
  assert(Calendar.sameZone("Asia/Calcutta", "Asia/Kolkata"));
  assert(Calendar.sameZone("asia/calcutta", "ASIA/KOLKATA"));
  assert(Calendar.sameZone("UTC", "Etc/UTC"));
  assert(Calendar.sameZone("+05:30", "+0530"));
  assert(!Calendar.sameZone("Europe/Berlin", "Europe/Paris"));
  assert(!Calendar.sameZone("Asia/Kolkata", "+05:30"));
  assert(!Calendar.sameZone("Europe/Berlin", "Mars/Base"));
});

Deno.test("Calendar.bucketAt() gives days of 23 and 25 hours", () => {
  const berlin = new Calendar("Europe/Berlin");
  assertEquals(berlin.bucketAt("d", at("2026-03-29T12:00:00Z")), {
    unit: "d",
    start: at("2026-03-29T00:00:00+01:00"),
    end: at("2026-03-30T00:00:00+02:00"),
  });
  assertEquals(listing("Europe/Berlin", "d", "2026-10-24T12:00:00Z", "2026-10-26T12:00:00Z"), [
    ["2026-10-24", 24 * 60],
    ["2026-10-25", 25 * 60],
    ["2026-10-26", 24 * 60],
  ]);
});

Deno.test("Calendar.bucketAt() gives a repeated full hour a bucket of its own", () => {
  assertEquals(
    listing("Europe/Berlin", "h", "2026-10-25T01:30:00+02:00", "2026-10-25T03:30:00+01:00"),
    [
      ["2026-10-25T01:00:00+02:00", 60],
      ["2026-10-25T02:00:00+02:00", 60],
      ["2026-10-25T02:00:00+01:00", 60],
      ["2026-10-25T03:00:00+01:00", 60],
    ],
  );
  assertEquals(
    listing("Europe/Berlin", "h", "2026-03-29T01:30:00+01:00", "2026-03-29T03:30:00+02:00"),
    [["2026-03-29T01:00:00+01:00", 60], ["2026-03-29T03:00:00+02:00", 60]],
  );
});

Deno.test("Calendar.bucketAt() starts hours where the zone's hours start", () => {
  assertEquals(
    listing("Asia/Kathmandu", "h", "2026-01-01T00:00:00Z", "2026-01-01T01:00:00Z"),
    [["2026-01-01T05:00:00+05:45", 60], ["2026-01-01T06:00:00+05:45", 60]],
  );
  assertEquals(
    listing("Asia/Kolkata", "h", "2026-01-01T00:00:00Z", "2026-01-01T00:30:00Z"),
    [["2026-01-01T05:00:00+05:30", 60], ["2026-01-01T06:00:00+05:30", 60]],
  );
});

Deno.test("Calendar.bucketAt() gives Lord Howe an hour of 90 minutes and one of 30", () => {
  assertEquals(
    listing("Australia/Lord_Howe", "h", "2026-04-05T00:30:00+11:00", "2026-04-05T02:30:00+10:30"),
    [
      ["2026-04-05T00:00:00+11:00", 60],
      ["2026-04-05T01:00:00+11:00", 90],
      ["2026-04-05T02:00:00+10:30", 60],
    ],
  );
  assertEquals(
    listing("Australia/Lord_Howe", "h", "2026-10-04T01:30:00+10:30", "2026-10-04T03:30:00+11:00"),
    [
      ["2026-10-04T01:00:00+10:30", 60],
      ["2026-10-04T02:30:00+11:00", 30],
      ["2026-10-04T03:00:00+11:00", 60],
    ],
  );
});

Deno.test("Calendar.bucketAt() has no bucket for a skipped date", () => {
  assertEquals(
    listing("Pacific/Apia", "d", "2011-12-29T12:00:00-10:00", "2011-12-31T12:00:00+14:00"),
    [["2011-12-29", 24 * 60], ["2011-12-31", 24 * 60]],
  );
  assertEquals(
    listing("Pacific/Apia", "h", "2011-12-29T23:59:59-10:00", "2011-12-31T00:00:00+14:00"),
    [["2011-12-29T23:00:00-10:00", 60], ["2011-12-31T00:00:00+14:00", 60]],
  );
});

Deno.test("Calendar.bucketAt() goes on with a day when the clock is put back across midnight", () => {
  // 00:00:59 on 29 October was followed by 23:01:00 on the 28th.
  assertEquals(
    listing("America/St_Johns", "d", "2006-10-28T12:00:00-02:30", "2006-10-30T12:00:00-03:30"),
    [["2006-10-28", 24 * 60], ["2006-10-29", 25 * 60], ["2006-10-30", 24 * 60]],
  );
  assertEquals(
    listing("America/St_Johns", "h", "2006-10-28T23:30:00-02:30", "2006-10-29T00:30:00-03:30"),
    [
      ["2006-10-28T23:00:00-02:30", 60],
      ["2006-10-29T00:00:00-02:30", 1],
      ["2006-10-28T23:01:00-03:30", 59],
      ["2006-10-29T00:00:00-03:30", 60],
    ],
  );
  // 24:00 was 23:00 of the same day.
  assertEquals(
    listing("America/Sao_Paulo", "d", "2018-02-17T12:00:00-02:00", "2018-02-18T12:00:00-03:00"),
    [["2018-02-17", 25 * 60], ["2018-02-18", 24 * 60]],
  );
});

Deno.test("Calendar.bucketAt() starts a day at 01:00 where midnight was skipped", () => {
  const calendar = new Calendar("America/Sao_Paulo");
  const day = calendar.bucketAt("d", at("2018-11-04T12:00:00-02:00"));
  assertEquals(ends(day), {
    start: at("2018-11-04T01:00:00-02:00"),
    end: at("2018-11-05T00:00:00-02:00"),
  });
  assertEquals(calendar.label(day), "2018-11-04");
  assertEquals(calendar.label(calendar.bucketAt("h", day.start)), "2018-11-04T01:00:00-02:00");
});

Deno.test("Calendar.bucketAt() takes a date that was shown twice for one day", () => {
  assertEquals(
    listing("America/Juneau", "d", "1867-10-18T00:00:00Z", "1867-10-20T00:00:00Z"),
    [["1867-10-18", 24 * 60], ["1867-10-19", 48 * 60]],
  );
});

Deno.test("Calendar.bucketAt() does not cut an hour at a shift of minutes", () => {
  // 12:03:57 local mean time was followed by 12:00:00.
  assertEquals(
    ends(new Calendar("America/New_York").bucketAt("h", at("1883-11-18T17:30:00Z"))),
    { start: at("1883-11-18T16:56:02Z"), end: at("1883-11-18T18:00:00Z") },
  );
});

Deno.test("Calendar.bucketAt() works where offsets have seconds", () => {
  const berlin = new Calendar("Europe/Berlin"); // +00:53:28
  const day = berlin.bucketAt("d", at("1890-05-01T12:00:00Z"));
  assertEquals(ends(day), {
    start: at("1890-04-30T23:06:32Z"),
    end: at("1890-05-01T23:06:32Z"),
  });
  assertEquals(berlin.label(day), "1890-05-01");
  assertEquals(berlin.bucketAt("h", day.start).start, day.start);
  const monrovia = new Calendar("Africa/Monrovia"); // -00:44:30
  assertEquals(
    monrovia.bucketAt("h", at("1971-01-01T00:00:00Z")).start,
    at("1970-12-31T23:44:30Z"),
  );
});

Deno.test("Calendar.bucketAt() gives 0, never -0", () => {
  for (const zone of ["UTC", "Africa/Abidjan", "+00:00"]) {
    const calendar = new Calendar(zone);
    for (const unit of ["d", "h"] as const) {
      assertStrictEquals(calendar.bucketAt(unit, 0).start, 0);
      assertStrictEquals(calendar.bucketAt(unit, -1).end, 0);
    }
  }
});

Deno.test("Calendar.bucketAt() reaches all that toUnixSeconds() reads", () => {
  forEachZone((zone) => {
    const calendar = new Calendar(zone);
    for (const seconds of [-1e11, 1e11, at("0000-01-01T00:00:00Z"), at("9999-12-31T23:59:59Z")]) {
      for (const unit of ["d", "h"] as const) {
        const bucket = calendar.bucketAt(unit, seconds);
        assert(bucket.start <= seconds && seconds < bucket.end);
      }
    }
  });
  assertEquals(
    new Calendar("UTC").label(new Calendar("UTC").bucketAt("d", -1e11)),
    "-001199-02-15",
  );
});

Deno.test("Calendar.bucketAt() refuses what is no time", () => {
  const calendar = new Calendar("UTC");
  for (const seconds of [NaN, Infinity, -Infinity, 1e13]) {
    assertThrows(() => calendar.bucketAt("h", seconds), RangeError, `received ${seconds}`);
  }
});

Deno.test("Calendar.bucketAt() equals what Temporal says, step by step", () => {
  forEachZone((zone) => {
    const calendar = new Calendar(zone);
    fc.assert(
      fc.property(instantsOf(zone), (seconds) => {
        assertEquals(ends(calendar.bucketAt("d", seconds)), slowDay(zone, seconds));
        assertEquals(ends(calendar.bucketAt("h", seconds)), slowHour(zone, seconds));
      }),
      { numRuns: 60 },
    );
  });
});

Deno.test("Calendar.bucketAt() gives the same in any order and from a new calendar", () => {
  forEachZone((zone) => {
    const used = new Calendar(zone);
    fc.assert(
      fc.property(instantsOf(zone, FROM_1900), fc.constantFrom("d", "h"), (seconds, unit) => {
        assertEquals(used.bucketAt(unit, seconds), new Calendar(zone).bucketAt(unit, seconds));
      }),
      { numRuns: 50 },
    );
  });
});

Deno.test("Calendar.bucketAt() tiles time, and hours add up to their day", () => {
  forEachZone((zone) => {
    fc.assert(
      fc.property(instantsOf(zone), (seconds) => {
        // A new one each time, so that nothing is dropped: the same bucket is the same object.
        const calendar = new Calendar(zone);
        for (const unit of ["d", "h"] as const) {
          const bucket = calendar.bucketAt(unit, seconds);
          assertEquals(bucket.unit, unit);
          assert(bucket.start <= seconds && seconds < bucket.end, "holds its instant");
          assertEquals(calendar.bucketAt(unit, bucket.start - 1).end, bucket.start);
          assertEquals(calendar.bucketAt(unit, bucket.end).start, bucket.end);
          assertStrictEquals(calendar.bucketAt(unit, bucket.start), bucket);
          assertStrictEquals(calendar.bucketAt(unit, bucket.end - 1), bucket);
        }
        const day = calendar.bucketAt("d", seconds);
        const hours = calendar.buckets("h", day.start, day.end - 1, 60);
        assertEquals(hours[0].start, day.start);
        assertEquals(hours.at(-1)!.end, day.end);
        for (let i = 1; i < hours.length; i++) assertEquals(hours[i].start, hours[i - 1].end);
      }),
      { numRuns: 100 },
    );
  });
});

Deno.test("Calendar.bucketAt() gives the same object for the same bucket, whoever asks", () => {
  const calendar = new Calendar("Europe/Berlin");
  const start = at("2026-01-01T00:00:00+01:00");
  const listed = new Map<number, Bucket>();
  for (const unit of ["h", "d"] as const) {
    listed.clear();
    for (const bucket of calendar.buckets(unit, start, start + 730 * DAY, 20_000)) {
      listed.set(bucket.start, bucket);
    }
    for (let i = 0; i < 20_000; i++) {
      const bucket = calendar.bucketAt(unit, start + (i * 7_919_003) % (730 * DAY));
      assertStrictEquals(bucket, listed.get(bucket.start));
    }
  }
});

Deno.test("Calendar.bucketAt() stays right and small over more time than it keeps", () => {
  const calendar = new Calendar("Australia/Lord_Howe");
  const wanted = new Calendar("Australia/Lord_Howe").bucketAt("h", 0);
  for (let i = 0; i < 300_000; i++) {
    const seconds = FROM_1900 + (i * 7_919_003) % (TO_2100 - FROM_1900);
    const bucket = calendar.bucketAt(i % 2 === 0 ? "h" : "d", seconds);
    if (seconds < bucket.start || seconds >= bucket.end) assertEquals(bucket, seconds as never);
  }
  assertEquals(calendar.bucketAt("h", 0), wanted);
});

Deno.test("Calendar.bucketAt() finds cached buckets thousands of times faster than it must", () => {
  // Not a benchmark (bench/time_bench.ts is): only a cache that is lost fails this.
  const calendar = new Calendar("Europe/Berlin");
  const find = () => {
    for (let i = 0; i < 100_000; i++) calendar.bucketAt("h", 1.7e9 + (i * 7_919_003) % (730 * DAY));
  };
  find();
  const before = performance.now();
  find();
  assertLess(performance.now() - before, 200);
});

Deno.test("Calendar.buckets() gives every bucket that holds an instant of the range", () => {
  const calendar = new Calendar("UTC");
  const starts = (from: number, to: number) =>
    calendar.buckets("h", from, to, 10).map((bucket) => bucket.start / HOUR);
  assertEquals(starts(0, 0), [0]);
  assertEquals(starts(0, HOUR - 1), [0]);
  assertEquals(starts(0, HOUR), [0, 1]);
  assertEquals(starts(HOUR - 1, HOUR), [0, 1]);
  assertEquals(starts(-1, 2 * HOUR + 1800), [-1, 0, 1, 2]);
});

Deno.test("Calendar.buckets() refuses a range that ends before it starts", () => {
  const calendar = new Calendar("UTC");
  assertThrows(() => calendar.buckets("d", 1, 0, 10), RangeError, "it ends before it starts");
  assertThrows(() => calendar.buckets("d", NaN, 0, 10), RangeError, "it ends before it starts");
});

Deno.test("Calendar.buckets() allows as many buckets as the limit and no more", () => {
  const calendar = new Calendar("Europe/Berlin");
  const from = at("2026-10-25T00:00:00+02:00"), to = from + 25 * HOUR - 1;
  assertEquals(calendar.buckets("h", from, to, 25).length, 25);
  assertThrows(
    () => calendar.buckets("h", from, to + 1, 25),
    RangeError,
    "Cannot list the hours of a range: at most 25 (limits.maxBuckets), received one of about 26; " +
      "ask for a shorter range or for days",
  );
  assertEquals(calendar.buckets("d", from, to, 1).length, 1);
  assertThrows(
    () => calendar.buckets("d", from, to + 1, 1),
    RangeError,
    "Cannot list the days of a range: at most 1",
  );
  assertThrows(() => calendar.buckets("d", from, to, 0), RangeError, "at most 0");
});

Deno.test("Calendar.buckets() refuses a hundred years of hours at once", () => {
  const calendar = new Calendar("Europe/Berlin");
  const before = performance.now();
  for (let i = 0; i < 1000; i++) {
    assertThrows(
      () => calendar.buckets("h", FROM_1900, FROM_1900 + 36_525 * DAY, 50_000),
      RangeError,
    );
  }
  assertThrows(() => calendar.buckets("h", 0, Infinity, 50_000), RangeError, "at most 50000");
  // A millisecond each would mean that it had counted.
  assertLess(performance.now() - before, 1000);
});

Deno.test("Calendar.label() of a day is the local date", () => {
  forEachZone((zone) => {
    const calendar = new Calendar(zone);
    fc.assert(
      fc.property(instantsOf(zone), (seconds) => {
        const day = calendar.bucketAt("d", seconds);
        assertEquals(calendar.label(day), zoned(zone, day.start).toPlainDate().toString());
      }),
      { numRuns: 50 },
    );
  });
});

Deno.test("Calendar.label() of an hour names its start exactly", () => {
  forEachZone((zone) => {
    const calendar = new Calendar(zone);
    fc.assert(
      fc.property(instantsOf(zone), (seconds) => {
        const hour = calendar.bucketAt("h", seconds);
        const label = calendar.label(hour);
        const time = zoned(zone, hour.start);
        assertEquals(at(label), hour.start);
        if (time.offsetNanoseconds % 60e9 === 0) {
          assertEquals(label, time.toString({ timeZoneName: "never" }));
        } else {
          assertEquals(label.slice(0, 13), time.toPlainDateTime().toString().slice(0, 13));
        }
      }),
      { numRuns: 100 },
    );
  });
});

Deno.test("Calendar.label() writes an offset with seconds as the next whole minute", () => {
  const label = (zone: string, time: string) => {
    const calendar = new Calendar(zone);
    return calendar.label(calendar.bucketAt("h", at(time)));
  };
  // +00:53:28 and -00:44:30
  assertEquals(label("Europe/Berlin", "1890-05-01T12:30:00Z"), "1890-05-01T13:00:32+00:54");
  assertEquals(label("Africa/Monrovia", "1971-01-01T00:00:00Z"), "1970-12-31T23:00:30-00:44");
});

Deno.test("Calendar.lastDays() gives calendar days, today the last", () => {
  const berlin = new Calendar("Europe/Berlin");
  const now = at("2026-10-26T00:30:00+01:00");
  const to = at("2026-10-26T23:59:59+01:00");
  assertEquals(berlin.lastDays(1, now), { from: at("2026-10-26T00:00:00+01:00"), to });
  assertEquals(berlin.lastDays(2, now), { from: at("2026-10-25T00:00:00+02:00"), to });
  assertEquals(berlin.lastDays(365, now), { from: at("2025-10-27T00:00:00+01:00"), to });
  for (const days of [1, 2, 7, 30, 400, 20_000]) {
    const { from, to } = berlin.lastDays(days, now);
    assertEquals(berlin.buckets("d", from, to, 20_000).length, days);
  }
});

Deno.test("Calendar.lastDays() does not count a skipped date", () => {
  const apia = new Calendar("Pacific/Apia");
  const { from } = apia.lastDays(2, at("2011-12-31T12:00:00+14:00"));
  assertEquals(from, at("2011-12-29T00:00:00-10:00"));
});

Deno.test("Calendar.lastDays() refuses what is no number of days", () => {
  const calendar = new Calendar("UTC");
  for (const days of [0, -1, 1.5, NaN, Infinity, 100_001]) {
    assertThrows(
      () => calendar.lastDays(days, 0),
      RangeError,
      `wanted a whole number from 1 to 100000, received ${days}`,
    );
  }
});
