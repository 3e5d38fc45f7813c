/**
 * What a program costs next to a loop written by hand for the same question, over columns in memory:
 * sessions, and how often each title was seen.
 *
 * deno bench -A bench/trails_bench.ts
 */
import { TrailData, TrailProgram } from "../src/trails/mod.ts";

const USERS = 5000;
const EVENTS = 200_000;
const TITLES = 2000;
const GAP_SECONDS = 1800;

/** Zipf's law, about: a few titles are most of the events. Seeded. */
function makeEvents(): { user: string; time: number; title: string }[] {
  let seed = 1;
  const random = () => {
    seed = Math.imul(seed, 1_103_515_245) + 12_345 >>> 0;
    return (seed >>> 8) / 2 ** 24;
  };
  return Array.from({ length: EVENTS }, () => ({
    user: `u${Math.floor(random() ** 2 * USERS)}`,
    time: Math.floor(random() * 10_000_000),
    title: `t${Math.floor(random() ** 4 * TITLES)}`,
  }));
}

const events = makeEvents();
const data = TrailData.fromEvents(events, { by: "user" });

/** The same events for a loop by hand: by user, each in order of time. */
const byHand = [...Map.groupBy(events, ({ user }) => user).values()].map((trail) => ({
  times: Float64Array.from(trail, ({ time }) => time).sort(),
  titles: trail.map(({ title }) => title),
}));

const SESSIONS = `start ->
  receive
    * -> session
session ->
  receive
    * -> session
  after 30m -> yield $sessions, start
`;
const TITLE_COUNTS = `start ->
  receive
    * -> yield title to &titles, repeat
`;

function sessionsByHand(): number {
  let sessions = 0;
  for (const { times } of byHand) {
    let last = -Infinity;
    for (const time of times) {
      if (time >= last + GAP_SECONDS) sessions++;
      last = time;
    }
  }
  return sessions;
}

function titlesByHand(): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { titles } of byHand) {
    for (const title of titles) counts.set(title, (counts.get(title) ?? 0) + 1);
  }
  return counts;
}

function verify(received: unknown, expected: unknown): void {
  if (received !== expected) throw new Error(`BUG: expected ${expected}, received ${received}`);
}

const sessions = sessionsByHand();
const most = titlesByHand().get("t0");

Deno.bench("a loop by hand", { group: `sessions in ${EVENTS} events`, baseline: true }, () => {
  verify(sessionsByHand(), sessions);
});
Deno.bench("a loop by hand", { group: `titles in ${EVENTS} events`, baseline: true }, () => {
  verify(titlesByHand().get("t0"), most);
});
for (const generateCode of [true, false]) {
  const name = generateCode ? "generated code" : "closures";
  const options = { generateCode, workers: 1 };
  Deno.bench(name, { group: `sessions in ${EVENTS} events` }, async () => {
    const result = await TrailProgram.parse(SESSIONS).run(data, options);
    verify(result.number("$sessions"), sessions);
  });
  Deno.bench(name, { group: `titles in ${EVENTS} events` }, async () => {
    const result = await TrailProgram.parse(TITLE_COUNTS).run(data, options);
    verify(result.multiset("&titles").get("t0"), most);
  });
}
