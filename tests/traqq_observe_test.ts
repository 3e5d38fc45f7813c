import { assertEquals } from "@std/assert";
import { MemoryStorage, Traqq } from "../mod.ts";

Deno.test("Traqq.observe() tells of each event that was counted, and of no other", async () => {
  await using traqq = await Traqq.open({ storage: new MemoryStorage() });
  const seen: unknown[] = [];
  await traqq.record({ event: "before" });
  const end = traqq.observe((event) => seen.push(event));
  await traqq.record({ event: "one" });
  await traqq.recordMany([{ event: "two" }, { geo: "US" }, { event: "three" }]);
  end();
  end();
  await traqq.record({ event: "after" });
  assertEquals(seen, [{ event: "one" }, { event: "two" }, { event: "three" }]);
  assertEquals(traqq.stats().recorded, 5);
});

Deno.test("Traqq.observe() tells the second at which an event is counted, though observers record", async () => {
  await using traqq = await Traqq.open({
    storage: new MemoryStorage(),
    time: { property: "time" },
  });
  const seen: [string, number][] = [];
  traqq.observe((event) => {
    const { name } = event as { name?: string };
    if (name !== undefined) traqq.record({ event: "echo" }, { at: 5 });
  });
  traqq.observe((event, seconds) => seen.push([(event as { event: string }).event, seconds]));
  await traqq.record({ event: "a", name: "x", time: 100 });
  await traqq.record({ event: "b", time: "1970-01-01T00:03:20Z" }, { at: 300.7 });
  assertEquals(seen, [["echo", 5], ["a", 100], ["b", 300]]);
});

Deno.test("Traqq.observe() with one function twice calls it twice, and each is ended by itself", async () => {
  await using traqq = await Traqq.open({ storage: new MemoryStorage() });
  let calls = 0;
  const observer = () => {
    calls++;
  };
  const ends = [traqq.observe(observer), traqq.observe(observer)];
  await traqq.record({ event: "a" });
  ends[0]();
  await traqq.record({ event: "a" });
  ends[1]();
  assertEquals(calls, 3);
});

Deno.test("Traqq counts an event though its observer throws, and tells onError", async () => {
  const errors: string[] = [];
  await using traqq = await Traqq.open({
    storage: new MemoryStorage(),
    onError: ({ message }) => errors.push(message),
  });
  traqq.observe(() => {
    throw new Error("not my day");
  });
  const report = await traqq.recordMany([{ event: "a" }, { event: "b" }]);
  assertEquals([report.recorded, report.rejected, errors.length], [2, [], 2]);
});

Deno.test("Traqq.isOpen until close() is called", async () => {
  const traqq = await Traqq.open({ storage: new MemoryStorage() });
  assertEquals(traqq.isOpen, true);
  const closed = traqq.close();
  assertEquals(traqq.isOpen, false);
  await closed;
});

Deno.test("Traqq.stats() has how long commits took", async () => {
  await using traqq = await Traqq.open({ storage: new MemoryStorage() });
  assertEquals(traqq.stats().commitTimes.count, 0);
  await traqq.record({ event: "a" });
  await traqq.flush();
  const { commits, commitTimes } = traqq.stats();
  assertEquals(commitTimes.count, commits);
  assertEquals(commitTimes.atMostMs["30000"], commits);
});
