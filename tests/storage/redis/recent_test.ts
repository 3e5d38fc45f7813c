import { assertEquals } from "@std/assert";
import { FakeTime } from "@std/testing/time";
import {
  isBehind,
  type Mark,
  type Place,
  RecentCommits,
  REMEMBER_MS,
} from "../../../src/storage/redis/recent.ts";

const place = (key: string): Place => ({ key, unit: "d", start: 0 });

/** Chunks of one incarnation, each the successor of the one before. */
function marks(
  count: number,
  incarnation = "i",
  generation = 1,
  before: Mark | null = null,
): Mark[] {
  const all: Mark[] = [];
  for (let flush = 1; flush <= count; flush++) {
    const last = all.at(-1) ?? before;
    all.push({
      checkpoint: { incarnation, flush, part: 0 },
      generation,
      chain: "i",
      previous: last === null ? null : { ...last, refused: "" },
    });
  }
  return all;
}

/** Commits each chunk to the keys named. */
function filled(all: readonly Mark[], keys: readonly string[]): RecentCommits {
  const recent = new RecentCommits();
  for (const [i, mark] of all.entries()) {
    recent.begin(mark);
    for (const key of keys[i]) recent.add(place(key), recent.last(key));
  }
  return recent;
}

Deno.test("RecentCommits.last() is the last commit to a key", () => {
  const all = marks(3);
  const recent = filled(all, ["ab", "b", "c"]);
  assertEquals([recent.last("a"), recent.last("b"), recent.last("c")], all);
  assertEquals(recent.last("d"), null);
  assertEquals(recent.places().map(({ key }) => key).sort(), ["a", "b", "c"]);
});

Deno.test("RecentCommits.firstLost() is the first commit that is missing, forgetFrom() forgets from there", () => {
  const all = marks(5);
  const recent = filled(all, ["ab", "a", "b", "ac", "b"]);
  const { first, gaps, doubts } = recent.firstLost([
    { key: "a", found: all[1] }, // lost the fourth
    { key: "b", found: all[0] }, // lost the third and the fifth
  ]);
  assertEquals(first, all[2]);
  assertEquals([gaps, doubts], [[], []]);
  assertEquals(recent.last("c"), all[3]);
  recent.forgetFrom(first);
  assertEquals(recent.last("a"), all[1]);
  assertEquals(recent.last("b"), all[0]);
  assertEquals(recent.last("c"), null);
});

Deno.test("RecentCommits.firstLost() of a key that is gone is its first commit", () => {
  const all = marks(3);
  const recent = filled(all, ["a", "b", "ab"]);
  const lost = recent.firstLost([{ key: "b", found: null }]);
  assertEquals(lost, { first: all[1], gaps: [], doubts: [] });
  recent.forgetFrom(all[1]);
  assertEquals(recent.last("a"), all[0]);
});

Deno.test("RecentCommits.firstLost() names the keys that lost more than is remembered", () => {
  const before = marks(3);
  const all = marks(2, "j", 2, before[2]);
  const recent = new RecentCommits();
  recent.begin(all[0]);
  recent.add(place("old"), before[2]);
  recent.add(place("new"), null);
  recent.add(place("unknown"), undefined);
  const losses = ["old", "new", "unknown"].map((key) => ({ key, found: null }));
  const lost = recent.firstLost(losses);
  assertEquals(lost, { first: all[0], gaps: ["old"], doubts: ["unknown"] });
  recent.forgetFrom(all[0]);
  recent.begin(all[0]);
  recent.add(place("old"), before[2]);
  assertEquals(recent.firstLost([{ key: "old", found: before[2] }]).gaps, []);
  assertEquals(recent.firstLost([{ key: "old", found: before[1] }]).gaps, ["old"]);
});

Deno.test("RecentCommits forgets what is too old, and keys that are pruned", () => {
  using time = new FakeTime();
  const all = marks(4);
  const recent = filled(all.slice(0, 2), ["ab", "b"]);
  time.tick(REMEMBER_MS + 1);
  recent.begin(all[2]);
  assertEquals([recent.last("a"), recent.last("b")], [null, null]);
  recent.add(place("a"), undefined);
  recent.add(place("c"), undefined);
  recent.prune(["a", "none"]);
  assertEquals([recent.last("a"), recent.last("c")], [null, all[2]]);
  assertEquals(recent.firstLost([{ key: "c", found: null }]).first, all[2]);
});

Deno.test("isBehind() compares flush and part within an incarnation, generations within a chain", () => {
  const [one, two] = marks(2);
  const [next] = marks(1, "j", 2, two);
  assertEquals([isBehind(one, two), isBehind(two, one), isBehind(one, one)], [true, false, false]);
  assertEquals([isBehind(two, next), isBehind(next, two)], [true, false]);
  // However far a chain came that has ended.
  assertEquals(isBehind({ ...next, generation: 9, chain: "gone" }, one), true);
  // The same incarnation says more than the chain.
  assertEquals(isBehind({ ...two, chain: "gone" }, one), false);
});
