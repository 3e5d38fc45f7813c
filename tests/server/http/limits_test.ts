import { assertEquals } from "@std/assert";
import { RateLimit } from "../../../src/server/http/limits.ts";

Deno.test("RateLimit.take() gives so many at once, and as many again each second", () => {
  const limit = new RateLimit(4);
  const take = (nowMs: number, client = "a") => limit.take(client, nowMs);
  assertEquals([take(0), take(0), take(0), take(0), take(0)], [true, true, true, true, false]);
  assertEquals(take(0, "b"), true);
  assertEquals([take(249), take(251), take(252)], [false, true, false]);
  assertEquals(Array.from({ length: 6 }, () => take(100_000)).filter(Boolean).length, 4);
});

Deno.test("RateLimit of 0 is none, and many clients are not remembered for ever", () => {
  const none = new RateLimit(0);
  assertEquals(Array.from({ length: 1000 }, () => none.take("a", 0)).every(Boolean), true);
  const limit = new RateLimit(1);
  limit.take("a", 0);
  assertEquals(limit.take("a", 0), false);
  for (let i = 0; i < 10_000; i++) limit.take(`other ${i}`, 0);
  assertEquals(limit.take("a", 0), true);
});
