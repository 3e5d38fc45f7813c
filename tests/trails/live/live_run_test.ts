/** Live, a program says what a run over the same events says afterwards. */
import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { parseProgram } from "../../../src/trails/language/check.ts";
import { refuseForLive } from "../../../src/trails/live/refuse.ts";
import { ProgramError, TrailData, TrailProgram, TrailsError } from "../../../src/trails/mod.ts";
import { choosyProgram, randomEvents, randomProgram } from "../_random.ts";
import type { TestEvent } from "../_reference.ts";
import { live } from "./_live.ts";

const SESSIONS = `start ->
  receive
    * -> session
session ->
  receive
    * -> session
  after 30m -> yield $sessions, yield cookie,start_timestamp to &ends, start
`;
const TICKS = `start ->
  receive
    * -> tick
tick ->
  receive
    a = "quit" -> quit
    * -> repeat
  after 10s -> yield $ticks, tick
`;

/** Some programs cannot be written, or not be attached. */
function isForLive(text: string): boolean {
  try {
    refuseForLive(parseProgram(text));
    return true;
  } catch (error) {
    if (error instanceof ProgramError || error instanceof TrailsError) return false;
    throw error;
  }
}

/** In order of time, and each user once more when all is over: then live, too, all time has passed. */
function inOrder(events: readonly TestEvent[]): TestEvent[] {
  const ordered = events.toSorted((a, b) => a.time - b.time);
  const last = (ordered.at(-1)?.time ?? 0) + 30;
  const users = new Set(ordered.map(({ user }) => user));
  return [...ordered, ...[...users].map((user) => ({ user, time: last, a: "y", b: "", n: "x" }))];
}

Deno.test("LiveRun of random programs gives what a run over the same events gives", async () => {
  let ran = 0;
  const programs = fc.oneof(randomProgram(true), randomProgram(false), choosyProgram);
  await fc.assert(
    fc.asyncProperty(programs, randomEvents, async ({ text, parameters }, some) => {
      if (some.length === 0 || !isForLive(text)) return;
      ran++;
      const events = inOrder(some);
      const data = TrailData.fromEvents(events, { by: "user" });
      const wanted = await TrailProgram.parse(text).run(data, { parameters, workers: 1 });
      const { run, errors, feed, result } = live(text, parameters);
      for (const event of events) feed(event);
      assertEquals(run.stats().late, 0);
      run.end();
      assertEquals(errors, []);
      assertEquals(JSON.stringify(result()), JSON.stringify(wanted), text);
      assertEquals([run.stats().users, run.stats().bytes], [0, 0]);
    }),
    { numRuns: 800 },
  );
  if (ran < 40) throw new Error(`only ${ran} programs could be attached`);
});

Deno.test("LiveRun fires deadlines of users who do not come again, each at its own time", () => {
  const { feed, result, times } = live(SESSIONS);
  feed({ user: "ada", time: 0 });
  feed({ user: "grace", time: 1799 });
  assertEquals(result().number("$sessions"), 0);
  feed({ user: "linus", time: 1800 });
  assertEquals(result().number("$sessions"), 1);
  feed({ user: "linus", time: 9000 });
  assertEquals([...result().multiset("&ends").keys()], ["ada,0", "grace,1799", "linus,1800"]);
  assertEquals(times.toSorted((a, b) => a - b), [1800, 3599, 3600]);
});

Deno.test("LiveRun goes on firing while time passes, and stops at quit", () => {
  const { feed, result } = live(TICKS);
  feed({ user: "ada", time: 0, a: "x" });
  feed({ user: "grace", time: 35, a: "x" });
  assertEquals(result().number("$ticks"), 3);
  feed({ user: "ada", time: 36, a: "quit" });
  feed({ user: "linus", time: 44, a: "quit" });
  assertEquals(result().number("$ticks"), 3);
  feed({ user: "linus", time: 45, a: "quit" });
  assertEquals(result().number("$ticks"), 4);
});

Deno.test("LiveRun passes over events that are older than what their machine has seen", () => {
  const { run, feed, result } = live(SESSIONS);
  feed({ user: "ada", time: 100 });
  feed({ user: "ada", time: 99 });
  assertEquals(run.stats().late, 1);
  // Grace's clock is her own: nobody else's event makes hers late.
  feed({ user: "grace", time: 50 });
  assertEquals(run.stats().late, 1);
  // Her session has ended at 1850, and was counted.
  feed({ user: "ada", time: 1850 });
  feed({ user: "grace", time: 1849 });
  assertEquals([run.stats().late, result().number("$sessions")], [2, 1]);
  feed({ user: "grace", time: 1850 });
  assertEquals([run.stats().late, run.stats().users], [2, 2]);
});

Deno.test("LiveRun forgets who was idle for longest, and counts those under way", () => {
  const { run, feed, result } = live(SESSIONS, {}, { maxUsers: 2 });
  feed({ user: "ada", time: 0 });
  feed({ user: "grace", time: 1 });
  feed({ user: "ada", time: 2 });
  feed({ user: "linus", time: 3 });
  assertEquals([run.stats().users, run.stats().forgotten], [2, 1]);
  feed({ user: "linus", time: 10_000 });
  // Of ada and linus, not of grace.
  assertEquals([...result().multiset("&ends").keys()], ["ada,2", "linus,3"]);
  // Ada's session has ended: nothing of hers is lost.
  feed({ user: "grace", time: 10_001 });
  assertEquals([run.stats().users, run.stats().forgotten], [2, 1]);
});

Deno.test("LiveRun keeps within its bytes, whatever comes", () => {
  const maxBytes = 20_000;
  const { run, feed } = live(SESSIONS, {}, { maxBytes });
  for (let i = 0; i < 5000; i++) {
    feed({ user: `${i}${"x".repeat(i % 300)}`, time: i % 7 === 0 ? i : i + 1 });
    const { bytes, users } = run.stats();
    if (bytes > maxBytes || users === 0) throw new Error(`${bytes} bytes, ${users} users`);
  }
  assertEquals(run.stats().forgotten > 4000, true);
  // One user alone beyond the bounds is forgotten, too.
  feed({ user: "y".repeat(maxBytes), time: 6000 });
  assertEquals([run.stats().users, run.stats().bytes], [0, 0]);
});

Deno.test("LiveRun lets a user go whose deadlines would take for ever", () => {
  const { run, feed, result, errors } = live(TICKS);
  feed({ user: "ada", time: 0, a: "x" });
  feed({ user: "grace", time: 2_000_000_000, a: "quit" });
  assertEquals(run.stats().failed, 1);
  assertEquals(errors.map(({ message }) => message.includes("more than 100000 deadlines")), [true]);
  assertEquals(result().number("$ticks"), 100_000);
  feed({ user: "ada", time: 2_000_000_001, a: "x" });
  feed({ user: "grace", time: 2_000_000_009, a: "quit" });
  feed({ user: "linus", time: 2_000_000_011, a: "x" });
  assertEquals(result().number("$ticks"), 100_001);
});
