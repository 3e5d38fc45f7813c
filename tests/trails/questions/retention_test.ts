import { assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { retention, type RetentionOptions, TrailData } from "../../../src/trails/mod.ts";
import { byUser, dataOf, randomTrails, type Step } from "./_trails.ts";

const WEEK = [
  "monday",
  "tuesday",
  "wednesday",
  "thursday",
  "friday",
  "saturday",
  "sunday",
] as const;
type Asked = Required<Pick<RetentionOptions, "unit" | "weekStart" | "timezone" | "mode">>;

/** The first date of the unit, by the calendar of Temporal. */
function startOf(time: number, { unit, weekStart, timezone }: Asked): Temporal.PlainDate {
  const date = Temporal.Instant.fromEpochMilliseconds(time * 1000).toZonedDateTimeISO(timezone)
    .toPlainDate();
  if (unit === "day") return date;
  if (unit === "month") return date.with({ day: 1 });
  return date.subtract({ days: (date.dayOfWeek - 1 - WEEK.indexOf(weekStart) + 7) % 7 });
}

/** Steps from one unit to the next until the return lies before the end of one. */
function unitsLater(from: number, to: number, asked: Asked): number {
  const { unit, mode, timezone } = asked;
  for (let n = 0;; n++) {
    const one = { [`${unit}s`]: n + 1 };
    if (mode === "calendar") {
      const next = startOf(from, asked).add(one);
      if (Temporal.PlainDate.compare(startOf(to, asked), next) < 0) return n;
    } else if (unit === "month") {
      const start = Temporal.Instant.fromEpochMilliseconds(from * 1000)
        .toZonedDateTimeISO(timezone);
      if (start.add(one).epochMilliseconds > to * 1000) return n;
    } else if (from + (n + 1) * 86_400 * (unit === "day" ? 1 : 7) > to) return n;
  }
}

function direct(events: readonly Step[], asked: Asked): unknown[] {
  const users = byUser(events).flatMap(([, trail]) => {
    const at = trail.findIndex(({ event }) => event === "a");
    if (at < 0) return [];
    const from = trail[at].time;
    const returns = trail.slice(at + 1).filter(({ event }) => event === "a" || event === "b");
    return [{
      start: startOf(from, asked).toString(),
      units: new Set(returns.map(({ time }) => unitsLater(from, time, asked))),
    }];
  });
  return [...Map.groupBy(users, ({ start }) => start)].map(([start, all]) => {
    const last = Math.max(0, ...all.flatMap(({ units }) => [...units]));
    return {
      start,
      users: all.length,
      returned: Array.from(
        { length: last + 1 },
        (_, n) => all.filter(({ units }) => units.has(n)).length,
      ),
    };
  }).sort((a, b) => a.start < b.start ? -1 : 1);
}

/** Zeros at the end say only how far other rows go. */
const trimmed = (numbers: readonly number[]) => {
  const last = numbers.findLastIndex((one) => one > 0);
  return numbers.slice(0, Math.max(1, last + 1));
};

const questions: fc.Arbitrary<Asked> = fc.record({
  unit: fc.constantFrom("day", "week", "month"),
  weekStart: fc.constantFrom(...WEEK),
  timezone: fc.constantFrom("UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe"),
  mode: fc.constantFrom("calendar", "rolling"),
});

const HOUR = 3600;
const DAY = 24 * HOUR;

for (const from of ["2026-01-30T23:30:00Z", "2026-03-28T23:00:00Z", "2026-10-24T22:00:00Z"]) {
  Deno.test(`retention() from ${from} is what stepping through the calendar gives`, async () => {
    await fc.assert(
      fc.asyncProperty(
        questions,
        randomTrails(
          [0, 1, HOUR, 23 * HOUR, DAY - 1, DAY, DAY + HOUR, 6 * DAY, 7 * DAY, 28 * DAY, 31 * DAY],
          Date.parse(from) / 1000,
        ),
        async (asked, events) => {
          const question = retention({
            start: "a",
            return: 'event = "a" or event = "b"',
            ...asked,
          });
          const { cohorts } = await question.run(dataOf(events), { workers: 1 });
          assertEquals(
            cohorts.map((one) => ({ ...one, returned: trimmed(one.returned) })),
            direct(events, asked),
          );
        },
      ),
      { numRuns: 150 },
    );
  });
}

/** What comes of one user who begins, and returns once. */
async function unitOf(begins: string, returns: string, options: RetentionOptions) {
  const data = TrailData.fromEvents([{ user: "u", time: begins }, { user: "u", time: returns }], {
    by: "user",
  });
  const { cohorts: [{ start, returned }] } = await retention(options).run(data);
  return [start, returned.indexOf(1)];
}

Deno.test("retention: an hour later may be the next day, or the same 24 hours", async () => {
  const [begins, returns] = ["2026-11-15T23:30:00Z", "2026-11-16T00:30:00Z"];
  assertEquals(await unitOf(begins, returns, {}), ["2026-11-15", 1]);
  assertEquals(await unitOf(begins, returns, { mode: "rolling" }), ["2026-11-15", 0]);
  assertEquals(await unitOf(begins, returns, { unit: "week" }), ["2026-11-09", 1]);
  assertEquals(await unitOf(begins, returns, { unit: "week", weekStart: "sunday" }), [
    "2026-11-15",
    0,
  ]);
  assertEquals(await unitOf(begins, returns, { timezone: "America/New_York" }), ["2026-11-15", 0]);
});

Deno.test("retention: rolling days have 24 hours where clocks are put back, calendar days do not", async () => {
  const zone = { timezone: "Europe/Berlin" };
  const [begins, returns] = ["2026-10-24T22:00:00Z", "2026-10-25T22:30:00Z"];
  assertEquals(await unitOf(begins, returns, zone), ["2026-10-25", 0]);
  assertEquals(await unitOf(begins, returns, { ...zone, mode: "rolling" }), ["2026-10-25", 1]);
});

Deno.test("retention: a rolling month ends on the last day where the month is too short", async () => {
  const rolling = { unit: "month", mode: "rolling" } as const;
  const begins = "2026-01-31T12:00:00Z";
  assertEquals(await unitOf(begins, "2026-02-28T11:59:59Z", rolling), ["2026-01-01", 0]);
  assertEquals(await unitOf(begins, "2026-02-28T12:00:00Z", rolling), ["2026-01-01", 1]);
});

Deno.test("retention: rows go as far as the last return, and a user with commas is one user", async () => {
  const data = TrailData.fromEvents(
    [['a,b"', 1], ['a,b"', 3], ["c", 2], ["c", 2]].map(([user, day]) => ({
      user,
      time: `2026-11-0${day}T00:00:00Z`,
    })),
    { by: "user" },
  );
  assertEquals((await retention().run(data)).cohorts, [
    { start: "2026-11-01", users: 1, returned: [0, 0, 1] },
    { start: "2026-11-02", users: 1, returned: [1, 0] },
  ]);
  assertEquals((await retention({ start: "nobody" }).run(data)).cohorts, []);
});

Deno.test("retention: what cannot be asked is one clear error", () => {
  const bad = (message: string, options: unknown) =>
    assertThrows(() => retention(options as RetentionOptions), Error, message);
  bad('Cannot use mode: wanted calendar or rolling, received "x"', { mode: "x" });
  bad("Cannot use unit: wanted day or week or month", { unit: "hour" });
  bad("Cannot use return: in", { return: "a = b" });
});
