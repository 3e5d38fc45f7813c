/** Programs attached to a running traqq. */
import { assertEquals, assertThrows } from "@std/assert";
import { type Mapping, MemoryStorage, Traqq } from "../../../mod.ts";
import { attach, type AttachOptions, TrailProgram, TrailsError } from "../../../src/trails/mod.ts";

const START = 1_700_000_000;
const MAPPING: Mapping = {
  add: ["event", "event~value", "event~campaign"],
  bitmap: ["event~value"],
  addValue: [{ key: "event", addKey: "value" }],
  top: [],
};
const CART = `start ->
  receive
    event = "cart" -> yield page to #pages, yield page,amount to &pairs, yield sum amount to $sum, carted
    * -> repeat
carted ->
  receive
    event = "buy" -> yield $bought, start
    * -> repeat
  after 1h -> yield cookie to #left, start
`;

async function withTraqq(
  work: (traqq: Traqq, errors: Error[]) => Promise<void>,
): Promise<void> {
  const errors: Error[] = [];
  await using traqq = await Traqq.open({
    storage: new MemoryStorage(),
    mapping: MAPPING,
    time: { hourly: true },
    onError: (error) => errors.push(error),
  });
  await work(traqq, errors);
}

async function countsOf(traqq: Traqq, metric: "add/event" | "add/event~value" = "add/event") {
  const result = await traqq.query({ from: START - 86_400, to: START + 10 * 86_400 });
  return { ...result.merged(metric).counts };
}

Deno.test("attach() records what a program yields, at the time of the event or of its deadline", async () => {
  await withTraqq(async (traqq, errors) => {
    await using live = attach(traqq, TrailProgram.parse(CART), { user: "user" });
    const record = (event: Record<string, unknown>, after: number) =>
      traqq.record(event, { at: START + after });
    await record({ event: "cart", user: "ada", page: "a,b", amount: 1.5 }, 0);
    await record({ event: "cart", user: 7, page: "c", amount: "none" }, 60);
    await record({ event: "buy", user: "ada" }, 120);
    await record({ event: "visit", user: "grace" }, 3600 + 60);
    await record({ event: "visit" }, 3600 + 61);
    assertEquals(await countsOf(traqq), {
      "cart": 2,
      "buy": 1,
      "visit": 2,
      "trails.pages": 2,
      "trails.pairs": 2,
      "trails.sum": 1,
      "trails.bought": 1,
      "trails.left": 1,
    });
    assertEquals(await countsOf(traqq, "add/event~value"), {
      "trails.pages~a,b": 1,
      "trails.pages~c": 1,
      'trails.pairs~"a,b",1.5': 1,
      "trails.pairs~c,none": 1,
      "trails.sum~1.5": 1,
      "trails.left~7": 1,
    });
    const hours = await traqq.query({ from: START, to: START + 7200, unit: "h" });
    const ofHour = hours.buckets.map(({ results }) =>
      results.flatMap((one) =>
        one.type === "add" && one.key.join() === "event" ? [one.counts["trails.left"] ?? 0] : []
      )
    ).flat();
    // 22:13:20 and an hour and a minute later.
    assertEquals(ofHour, [0, 1]);
    assertEquals(errors, []);
    const { bytes, ...stats } = live.stats();
    assertEquals(bytes > 0, true);
    assertEquals(stats, {
      events: 4,
      withoutUser: 1,
      late: 0,
      users: 3,
      forgotten: 0,
      failed: 0,
      yields: 7,
      refused: 0,
      waiting: 0,
    });
  });
});

Deno.test("attach() lets no program see what it or another one yields", async () => {
  await withTraqq(async (traqq) => {
    const program = TrailProgram.parse(
      "start ->\n  receive\n    * -> yield cookie to &seen, repeat\n",
    );
    // The property that is the user is one that yields have, too.
    await using one = attach(traqq, program, { user: "value", name: "one" });
    await using two = attach(traqq, program, { user: "event", name: "two" });
    await traqq.recordMany([{ event: "a", value: "x" }, { event: "b", value: "y" }], { at: START });
    assertEquals(await countsOf(traqq), { a: 1, b: 1, "one.seen": 2, "two.seen": 2 });
    assertEquals([one.stats().events, two.stats().events], [2, 2]);
  });
});

Deno.test("attach() gives the yields of a foreach the variables of their round", async () => {
  await withTraqq(async (traqq) => {
    const program = TrailProgram.parse(
      "foreach %campaign, #pages in @list\n" +
        "  start ->\n    receive\n      ad = %campaign, page in #pages -> yield $views, repeat\n",
    );
    await using _live = attach(traqq, program, {
      user: "user",
      parameters: { "@list": [["x", ["p", "q"]], ["y", ["q"]]] },
    });
    const events = [["x", "p"], ["x", "q"], ["y", "q"], ["y", "p"], ["z", "p"]];
    await traqq.recordMany(events.map(([ad, page]) => ({ event: "view", user: "u", ad, page })), {
      at: START,
    });
    const result = await traqq.query({ from: START, to: START });
    const { counts } = result.merged("add/campaign~event");
    assertEquals({ ...counts }, { "x~trails.views": 2, "y~trails.views": 1 });
  });
});

Deno.test("LiveTrails.close() ends no trail unless it is told to, and sees nothing more", async () => {
  for (const end of [false, true]) {
    await withTraqq(async (traqq) => {
      const live = attach(traqq, TrailProgram.parse(CART), { user: "user" });
      await traqq.record({ event: "cart", user: "ada", page: "p" }, { at: START });
      await live.close({ end });
      await live.close();
      await traqq.record({ event: "cart", user: "ada", page: "p" }, { at: START + 7200 });
      assertEquals((await countsOf(traqq))["trails.left"], end ? 1 : undefined);
      assertEquals([live.stats().events, live.stats().users], [1, 0]);
    });
  }
});

Deno.test("attach() with graceSeconds waits so much longer for events that come late", async () => {
  await withTraqq(async (traqq) => {
    await using live = attach(traqq, TrailProgram.parse(CART), { user: "user", graceSeconds: 60 });
    const record = (event: Record<string, unknown>, after: number) =>
      traqq.record(event, { at: START + after });
    await record({ event: "cart", user: "ada", page: "p" }, 0);
    await record({ event: "visit", user: "grace" }, 3659);
    await record({ event: "buy", user: "ada" }, 3599);
    await record({ event: "cart", user: "linus", page: "p" }, 3600);
    await record({ event: "visit", user: "grace" }, 7260);
    await record({ event: "buy", user: "linus" }, 7199);
    const counts = await countsOf(traqq);
    assertEquals([counts["trails.bought"], counts["trails.left"]], [1, 1]);
    assertEquals(live.stats().late, 1);
  });
});

Deno.test("attach() lets an event from the future end nobody else's trail", async () => {
  await withTraqq(async (traqq) => {
    await using live = attach(traqq, TrailProgram.parse(CART), { user: "user" });
    await traqq.record({ event: "cart", user: "ada", page: "p" });
    const ahead = Math.floor(Date.now() / 1000) + 80_000;
    await traqq.record({ event: "visit", user: "grace" }, { at: ahead });
    await traqq.record({ event: "buy", user: "ada" });
    assertEquals([live.stats().late, live.stats().yields], [0, 3]);
  });
});

Deno.test("attach() has the functions that every program has, and those that it is given win", async () => {
  await withTraqq(async (traqq) => {
    const program = TrailProgram.parse(
      'start ->\n  receive\n    * -> yield unit_of(timestamp, "day"),seconds_between(1, 3) to &seen, repeat\n',
    );
    await using _live = attach(traqq, program, { user: "user", name: "one" });
    await using _own = attach(traqq, program, {
      user: "user",
      name: "two",
      functions: { unit_of: () => "own" },
    });
    await traqq.record({ event: "a", user: "ada" }, { at: START });
    assertEquals(await countsOf(traqq, "add/event~value"), {
      "one.seen~2023-11-14,2": 1,
      "two.seen~own,2": 1,
    });
  });
});

Deno.test("attach() tells of a function that throws, and goes on with other users", async () => {
  await withTraqq(async (traqq, traqqErrors) => {
    const errors: string[] = [];
    const program = TrailProgram.parse(
      "start ->\n  receive\n    * -> yield f(page) to &seen, repeat\n",
    );
    await using live = attach(traqq, program, {
      user: "user",
      functions: {
        f(page) {
          if (page === "bad") throw new Error("no such page");
          return page.toUpperCase();
        },
      },
      onError: ({ message }) => errors.push(message),
    });
    const { recorded } = await traqq.recordMany([
      { event: "a", user: "ada", page: "bad" },
      { event: "a", user: "ada", page: "good" },
    ], { at: START });
    assertEquals([recorded, errors, traqqErrors], [2, ["no such page"], []]);
    assertEquals((await countsOf(traqq, "add/event~value"))["trails.seen~GOOD"], 1);
    assertEquals([live.stats().failed, live.stats().refused], [1, 0]);
  });
});

Deno.test("attach() records again what is yielded while storage is slow, and counts it once", async () => {
  const storage = new MemoryStorage();
  const commit = storage.commit.bind(storage);
  const gate = Promise.withResolvers<void>();
  storage.commit = async (chunk) => {
    await gate.promise;
    return await commit(chunk);
  };
  await using traqq = await Traqq.open({ storage, mapping: MAPPING, flush: { maxCells: 20 } });
  // So many for one event that memory is full between them.
  const names = Array.from({ length: 100 }, (_, i) => `n${i}`);
  const yields = names.map((name) => `yield n to &${name}`).join(", ");
  const program = TrailProgram.parse(`start ->\n  receive\n    * -> ${yields}, repeat\n`);
  const live = attach(traqq, program, { user: "user" });
  const recorded = traqq.record({ event: "e", user: "ada", n: 1 }, { at: START });
  // One more turn, in which what was refused says so.
  await new Promise((resolve) => setTimeout(resolve, 0));
  const { waiting } = live.stats();
  gate.resolve();
  await recorded;
  await live.close();
  assertEquals(waiting > 10 && waiting < 100, true);
  assertEquals([live.stats().waiting, live.stats().refused], [0, 0]);
  const counts = await countsOf(traqq);
  assertEquals(
    counts,
    Object.fromEntries([["e", 1], ...names.map((name) => [`trails.${name}`, 1])]),
  );
});

Deno.test("attach() begins anew after a restart, and what was yielded before counts once", async () => {
  const directory = await Deno.makeTempDir();
  try {
    const open = () =>
      Traqq.open({ storage: new MemoryStorage(), mapping: MAPPING, journal: { directory } });
    const program = TrailProgram.parse(CART);
    const record = (traqq: Traqq, event: string, user: string, after: number) =>
      traqq.record({ event, user, page: "p" }, { at: START + after });
    {
      await using traqq = await open();
      await using _live = attach(traqq, program, { user: "user" });
      await record(traqq, "cart", "ada", 0);
      await record(traqq, "cart", "grace", 1);
      await record(traqq, "buy", "ada", 2);
    }
    await using traqq = await open();
    await using live = attach(traqq, program, { user: "user" });
    assertEquals(live.stats().events, 0);
    // Grace's cart is forgotten.
    await record(traqq, "buy", "grace", 3);
    await record(traqq, "visit", "linus", 7200);
    assertEquals(await countsOf(traqq), {
      "cart": 2,
      "buy": 2,
      "visit": 1,
      "trails.pages": 2,
      "trails.pairs": 2,
      "trails.bought": 1,
    });
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});

Deno.test("attach() tells what it cannot record any more", async () => {
  const errors: string[] = [];
  const traqq = await Traqq.open({ storage: new MemoryStorage(), mapping: MAPPING });
  const live = attach(traqq, TrailProgram.parse(CART), {
    user: "user",
    onError: ({ message }) => errors.push(message),
  });
  await traqq.record({ event: "cart", user: "ada", page: "p" }, { at: START });
  await traqq.close();
  await live.close({ end: true });
  assertEquals(live.stats().refused, 1);
  assertEquals(errors.length, 1);
  assertEquals(errors[0].startsWith("Cannot record what a program yields: "), true);
});

Deno.test("attach() refuses programs whose answers it could not give, and says what to change", async () => {
  await withTraqq((traqq) => {
    const refuses = (text: string, message: string, options: Partial<AttachOptions> = {}) => {
      const program = TrailProgram.parse(text, { file: "p.tr" });
      assertThrows(
        () => attach(traqq, program, { user: "user", ...options }),
        TrailsError,
        message,
      );
    };
    const after = (actions: string) =>
      `start ->\n  receive\n    * -> b\nb ->\n  receive\n    * -> b\n  after ${actions}\n`;
    refuses(after("5s -> yield page to #p, start"), "the after of b yields page, which is that");
    refuses(after("5s -> yield sum n to $s, start"), "the after of b yields n,");
    refuses(after("5s -> yield f(cookie, timestamp) to #p, start"), "b yields timestamp,");
    refuses(after("5s -> repeat"), "the after of b leads to repeat, which waits for an event");
    refuses(
      "foreach %x\n  start ->\n    receive\n      a = %x -> yield $n, repeat\n",
      "its foreach goes over all values of a field",
    );
    refuses(
      "foreach event\n  start ->\n    receive\n      * -> yield $n, quit\n",
      "its foreach event has a machine for every event of a user, more than can be kept",
    );
    const ofEach = "foreach %x in @list\n  foreach event\n    start ->\n      receive\n";
    refuses(`${ofEach}        a = %x -> yield $n, quit\n`, "its foreach event has a machine", {
      parameters: { "@list": [["x"]] },
    });
    refuses(
      "start ->\n  receive\n    * -> yield previous(page, 2) to #n, repeat\n",
      "it yields previous(page), and no earlier events are kept; yield page where",
    );
    refuses(
      "start ->\n  receive\n    * -> yield unit_of(previous(t), day) to #n, repeat\n",
      "it yields previous(t), and no earlier",
    );
    refuses(
      "start ->\n  receive\n    * -> yield unit_of(t) to #n, repeat\n",
      "it calls unit_of(); give that function in functions",
      { functions: { unit_of: undefined as never } },
    );
    refuses(
      "start ->\n  receive\n    * -> yield $n, yield a to #n, repeat\n",
      "two of its results are called n; rename one",
    );
    refuses(
      "start ->\n  receive\n    * -> yield f(a) to #n, repeat\n",
      "it calls f(); give that function in functions",
    );
    refuses(CART, "Cannot use user: wanted a text", { user: "" });
    refuses(CART, "Cannot use maxUsers: wanted a whole number from 1, received 0", { maxUsers: 0 });
    refuses(CART, "Cannot use graceSeconds: wanted a whole number from 0", { graceSeconds: -1 });
    const original = TrailProgram.parse(CART, { compat: "trck" });
    assertThrows(() => attach(traqq, original, { user: "user" }), TrailsError, "compat");
    // At the end of a trail there is no event in a run either.
    const ended = after("-> yield page to #p, start");
    return attach(traqq, TrailProgram.parse(ended), { user: "user" }).close();
  });
});
