import { assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { sessions, type SessionsOptions, TrailData } from "../../../src/trails/mod.ts";
import { byUser, dataOf, randomTrails, type Step } from "./_trails.ts";

/** Cut wherever the pause is too long, and looked at one by one. */
function direct(events: readonly Step[], gap: number, by: boolean): Record<string, unknown> {
  const all = byUser(events).flatMap(([user, trail]) => {
    const cut: { user: string; events: Step[] }[] = [];
    for (const [i, event] of trail.entries()) {
      if (i === 0 || event.time - trail[i - 1].time >= gap) cut.push({ user, events: [] });
      cut.at(-1)!.events.push(event);
    }
    return cut;
  });
  const rows: Record<string, unknown> = {};
  for (const kind of by ? ["", "k", "l"] : ["all"]) {
    const own = all.filter(({ events: [first] }) => !by || first.kind === kind);
    if (by && own.length === 0) continue;
    const lengths = own.map(({ events }) => events.at(-1)!.time - events[0].time)
      .sort((a, b) => a - b);
    const starts = Map.groupBy(own, ({ events: [{ time }] }) => dayIn(time));
    rows[kind] = {
      users: new Set(own.map(({ user }) => user)).size,
      sessions: own.length,
      events: own.reduce((sum, { events }) => sum + events.length, 0),
      single: own.filter(({ events }) => events.length === 1).length,
      totalSeconds: lengths.reduce((sum, one) => sum + one, 0),
      medianSeconds: lengths[Math.ceil(lengths.length / 2) - 1] ?? null,
      starts: [...starts].map(([start, some]) => ({ start, sessions: some.length }))
        .sort((a, b) => a.start < b.start ? -1 : 1),
    };
  }
  return rows;
}

function dayIn(seconds: number): string {
  return Temporal.Instant.fromEpochMilliseconds(seconds * 1000).toZonedDateTimeISO(ZONE)
    .toPlainDate().toString();
}

const ZONE = "America/New_York";
/** The evening before clocks are put forward there. */
const EVENING = Date.parse("2026-03-07T22:00:00-05:00") / 1000;

Deno.test("sessions() counts what cutting each trail at its pauses counts, in days of a zone", async () => {
  await fc.assert(
    fc.asyncProperty(
      randomTrails([0, 1, 600, 1799, 1800, 1801, 9000, 40_000], EVENING),
      fc.boolean(),
      async (events, by) => {
        const { rows } = await sessions({
          gap: "30m",
          unit: "day",
          timezone: ZONE,
          ...(by ? { by: "kind" } : {}),
        }).run(dataOf(events), { workers: 1 });
        const found = rows.map(({ by: kind = "all", lengths, ...row }) => {
          assertEquals(lengths.reduce((sum, one) => sum + one.sessions, 0), row.sessions);
          return [kind, row];
        });
        assertEquals(Object.fromEntries(found), direct(events, 1800, by));
      },
    ),
    { numRuns: 300 },
  );
});

Deno.test("sessions: a pause as long as the gap ends one, and midnight does not", async () => {
  const data = TrailData.fromEvents(
    ["23:40", "23:59"].map((time) => ({ user: "u", time: `2026-11-01T${time}:00Z` })).concat(
      ["00:28", "00:58"].map((time) => ({ user: "u", time: `2026-11-02T${time}:00Z` })),
    ),
    { by: "user" },
  );
  const { rows: [row] } = await sessions({ gap: "30m", unit: "day" }).run(data);
  assertEquals([row.sessions, row.single, row.totalSeconds], [2, 1, 48 * 60]);
  assertEquals(row.starts, [{ start: "2026-11-01", sessions: 1 }, {
    start: "2026-11-02",
    sessions: 1,
  }]);
});

Deno.test("sessions: what cannot be asked is one clear error", () => {
  const bad = (message: string, options: unknown) =>
    assertThrows(() => sessions(options as SessionsOptions), Error, message);
  bad("Cannot use gap: wanted a duration such as 30m or 7d", { gap: "1h30m" });
  bad("Cannot use by: wanted a field", { by: "yield" });
  bad("Cannot use unit: wanted day or week or month", { unit: "year" });
  bad("Cannot use timezone or weekStart alone: give a unit", { timezone: "UTC" });
  bad("Cannot use the time zone: wanted an IANA name", { unit: "day", timezone: "Mars" });
  bad("Cannot begin weeks: wanted a day such as monday", { unit: "week", weekStart: "Mon" });
});
