import { assertEquals } from "@std/assert";
import { FakeTime } from "@std/testing/time";
import { Clock } from "../../src/engine/clock.ts";

Deno.test("Clock.seconds() is the unix second, rounded down", () => {
  using _time = new FakeTime(1_773_532_800_999);
  assertEquals(new Clock().seconds(), 1_773_532_800);
});

Deno.test("Clock.seconds() is read again in each turn of the event loop", async () => {
  using time = new FakeTime(0);
  const clock = new Clock();
  assertEquals(clock.seconds(), 0);
  for (let turn = 1; turn < 5; turn++) {
    await Promise.resolve();
    time.tick(1000);
    assertEquals(clock.seconds(), turn);
  }
});

Deno.test("Clock.seconds() is read again after 256 calls in one turn", () => {
  using time = new FakeTime(0);
  const clock = new Clock();
  clock.seconds();
  time.tick(5000);
  const seen = Array.from({ length: 300 }, () => clock.seconds());
  assertEquals([seen[0], seen.indexOf(5), seen.at(-1)], [0, 255, 5]);
});
