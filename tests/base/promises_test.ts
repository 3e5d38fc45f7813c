import { assertEquals, assertRejects, assertStrictEquals } from "@std/assert";
import { FakeTime } from "@std/testing/time";
import { handled, handledResolvers, withDeadline } from "../../src/base/promises.ts";

Deno.test("handled() gives the promise itself, which nobody has to await", async () => {
  const promise = Promise.reject(new Error("no"));
  assertStrictEquals(handled(promise), promise);
  await new Promise((resolve) => setTimeout(resolve, 0));
  await assertRejects(() => promise, Error, "no");
});

Deno.test("handledResolvers() makes a promise that nobody has to await", async () => {
  const { promise, reject } = handledResolvers();
  reject(new Error("no"));
  await new Promise((resolve) => setTimeout(resolve, 0));
  await assertRejects(() => promise, Error, "no");
});

Deno.test("withDeadline() gives what the work gives, and leaves no timer", async () => {
  const late = () => new Error("late");
  assertEquals(await withDeadline(Promise.resolve(7), 10_000, late), 7);
  await assertRejects(
    () => withDeadline(Promise.reject(new Error("no")), 10_000, late),
    Error,
    "no",
  );
});

Deno.test("withDeadline() rejects when the time is over, and ignores how the work ends", async () => {
  using time = new FakeTime();
  const work = Promise.withResolvers<void>();
  const bounded = withDeadline(work.promise, 100, () => new Error("late"));
  let settled = false;
  handled(bounded).catch(() => settled = true);
  await time.tickAsync(99);
  assertEquals(settled, false);
  await time.tickAsync(1);
  await assertRejects(() => bounded, Error, "late");
  work.reject(new Error("ignored"));
  await time.runMicrotasks();
});

Deno.test("withDeadline() gives work that is done a chance where no time is left", async () => {
  assertEquals(await withDeadline(Promise.resolve(7), -5, () => new Error("late")), 7);
});
