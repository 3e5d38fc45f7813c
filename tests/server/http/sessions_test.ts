import { assertEquals, assertNotEquals } from "@std/assert";
import { FakeTime } from "@std/testing/time";
import { EVERYTHING } from "../../../src/protocol/access.ts";
import { SESSION_MS, Sessions } from "../../../src/server/http/sessions.ts";

Deno.test("Sessions gives each its own id, and what its token gave until it ends", () => {
  using time = new FakeTime();
  const sessions = new Sessions();
  const first = sessions.open({ right: "read", expiresAtMs: Infinity });
  const second = sessions.open(EVERYTHING);
  assertNotEquals(first.id, second.id);
  assertEquals(first.seconds, SESSION_MS / 1000);
  assertEquals(sessions.grant(first.id)?.right, "read");
  assertEquals(sessions.grant(second.id)?.right, "all");
  assertEquals(sessions.grant("guess"), undefined);
  sessions.close(first.id);
  assertEquals(sessions.grant(first.id), undefined);
  time.tick(SESSION_MS - 1);
  assertEquals(sessions.grant(second.id)?.right, "all");
  time.tick(1);
  assertEquals(sessions.grant(second.id), undefined);
});

Deno.test("Sessions never last longer than the token that opened them", () => {
  using time = new FakeTime();
  const sessions = new Sessions();
  const { id, seconds } = sessions.open({ right: "all", expiresAtMs: Date.now() + 5000 });
  assertEquals(seconds, 5);
  time.tick(4999);
  assertEquals(sessions.grant(id)?.right, "all");
  time.tick(1);
  assertEquals(sessions.grant(id), undefined);
});

Deno.test("Sessions ends the oldest of more than 10,000", () => {
  const sessions = new Sessions();
  const [first, second] = [sessions.open(EVERYTHING), sessions.open(EVERYTHING)];
  for (let i = 0; i < 9999; i++) sessions.open(EVERYTHING);
  assertEquals(sessions.grant(first.id), undefined);
  assertEquals(sessions.grant(second.id)?.right, "all");
});
