import { assert, assertEquals, assertMatch, assertRejects, assertThrows } from "@std/assert";
import {
  ConfigError,
  EventError,
  MemoryStorage,
  type QueryOptions,
  Traqq,
  type TraqqOptions,
} from "../mod.ts";

const AT = 1_773_532_800; // 2026-03-15T00:00:00Z
const RANGE = { from: AT, to: AT };

function open(options: Partial<TraqqOptions> = {}): Promise<Traqq> {
  return Traqq.open({
    storage: new MemoryStorage(),
    mapping: {
      add: ["event", "geo", "__proto__"],
      bitmap: ["ip"],
      addValue: [{ key: "event", addKey: "n" }],
      top: ["constructor"],
    },
    ...options,
    flush: { intervalMs: 1_000_000, ...options.flush },
  });
}

/** `n` arrays or objects in each other. */
function deep(n: number, open: string, close: string): string {
  return open.repeat(n) + "1" + close.repeat(n);
}

/** The bad input of the issue, as JSON; what its error says. */
const REFUSED: readonly [what: string, json: string, message: RegExp][] = [
  ["an array", "[]", /wanted an object such as \{"event":"purchase"\}, received \[\]$/],
  ["an array of an event", '[{"event":"x"}]', /wanted an object .*, received \[\{"event":"x"\}\]$/],
  ["null", "null", /wanted an object .*, received null$/],
  ["a string", '"event"', /wanted an object .*, received "event"$/],
  ["a number", "7", /wanted an object .*, received 7$/],
  ["true", "true", /wanted an object .*, received true$/],
  ["deep arrays", deep(5000, "[", "]"), /wanted an object .*, received \[{80}…$/],
  ["no event", "{}", /wanted a string in "event", received nothing$/],
  ["null for the name", '{"event":null,"geo":null}', /wanted a string in "event", received null$/],
  ["a number for the name", '{"event":7}', /wanted a string in "event", received 7$/],
  [
    "an object for the name",
    '{"event":{"a":1}}',
    /wanted a string in "event", received \{"a":1\}$/,
  ],
  [
    "a deep name",
    `{"event":${deep(5000, "[", "]")}}`,
    /wanted a string in "event", received \[{80}…$/,
  ],
  ["an empty name", '{"event":""}', /"event" must hold more than .*, received ""$/],
  ["a blank name", '{"event":" \\t\\n"}', /"event" must hold more than .*, received " \\t\\n"$/],
  ["separators for a name", '{"event":"~::~"}', /"event" must hold more than .*, received "~::~"$/],
  ["1e999", '{"event":"x","geo":1e999}', /wanted a finite number in "geo", received Infinity$/],
  ["-1e999", '{"event":"x","ip":-1e999}', /wanted a finite number in "ip", received -Infinity$/],
  ["1e999 in __proto__", '{"event":"x","__proto__":1e999}', /in "__proto__", received Infinity$/],
];

/** What is no error, though odd, and what it counts as. */
const TAKEN: readonly [what: string, json: string, field: string, value: string | undefined][] = [
  ["null everywhere", '{"event":"x","geo":null,"ip":null,"n":null,"more":null}', "geo", undefined],
  ["a number as a string", '{"event":"x","geo":"10"}', "geo", "10"],
  ["1e999 as a string", '{"event":"x","geo":"1e999"}', "geo", "1e999"],
  ["an array for a value", '{"event":"x","geo":["US"]}', "geo", undefined],
  ["a deep value", `{"event":"x","geo":${deep(5000, '{"a":', "}")}}`, "geo", undefined],
  ["a deep value of no mapping", `{"event":"x","other":${deep(5000, "[", "]")}}`, "geo", undefined],
  ["1e999 of no mapping", '{"event":"x","other":1e999}', "geo", undefined],
  ["a lone surrogate", '{"event":"x","geo":"a\\ud800"}', "geo", "a\ufffd"],
  ["NUL and a newline", '{"event":"x","geo":"a\\u0000b\\nc"}', "geo", "a\u0000b\nc"],
  ["__proto__ as a value", '{"event":"x","geo":"__proto__"}', "geo", "__proto__"],
  ["__proto__ as a property", '{"event":"x","__proto__":"p"}', "__proto__", "p"],
  ["__proto__ as an object", '{"event":"x","__proto__":{"geo":"US"}}', "geo", undefined],
  ["constructor as a value", '{"event":"x","geo":"constructor"}', "geo", "constructor"],
  ["10 MB", `{"event":"x","geo":"${"é".repeat(5_000_000)}"}`, "geo", "é".repeat(512)],
];

Deno.test("a bad event is one clear error, nothing is lost and the next one is counted", async () => {
  const errors: Error[] = [];
  await using traqq = await open({ onError: (error) => errors.push(error) });
  for (const [what, json, message] of REFUSED) {
    const error = await assertRejects(() => traqq.record(JSON.parse(json), { at: AT }), EventError);
    assertMatch(error.message, message, what);
    assertMatch(error.message, /^Cannot record an event: [^\n]{1,200}$/, what);
    assertEquals(error.reason, "invalid");
    await traqq.record({ event: "good" }, { at: AT });
  }
  assertEquals(errors.length, REFUSED.length);
  assertEquals([traqq.stats().rejected, traqq.stats().recorded], [REFUSED.length, REFUSED.length]);
  const result = await traqq.query(RANGE);
  assertEquals({ ...result.merged("add/event").counts }, { good: REFUSED.length });
  assertEquals(result.buckets[0].results.length, 1, "nothing else is there");
});

Deno.test("a batch reports bad events by their place and counts the others", async () => {
  await using traqq = await open();
  const events = REFUSED.flatMap(([, json]) => [{ event: "good" }, JSON.parse(json)]);
  async function* stream() {
    yield* events;
  }
  for (const batch of [events, new Set(events), stream()]) {
    const report = await traqq.recordMany(batch, { at: AT });
    assertEquals(report.recorded, REFUSED.length);
    assertEquals(report.rejected.map(({ index }) => index), REFUSED.map((_, i) => 2 * i + 1));
    report.rejected.forEach(({ error }, i) => assertMatch(error.message, REFUSED[i][2]));
  }
  const result = await traqq.query(RANGE);
  assertEquals({ ...result.merged("add/event").counts }, { good: 3 * REFUSED.length });
});

for (const [what, json, property, value] of TAKEN) {
  Deno.test(`an odd event is data: ${what}`, async () => {
    await using traqq = await open();
    await traqq.record(JSON.parse(json), { at: AT });
    const result = await traqq.query(RANGE);
    assertEquals({ ...result.merged("add/event").counts }, { x: 1 });
    const { counts } = result.merged({ type: "add", key: property });
    assertEquals(Object.entries(counts), value === undefined ? [] : [[value, 1]]);
    assertEquals(traqq.stats().rejectedValues, 0);
  });
}

Deno.test("an event's name of 10 MB is cut", async () => {
  await using traqq = await open();
  await traqq.record({ event: "x".repeat(10_000_000) }, { at: AT });
  await traqq.record({ event: " ".repeat(10_000_000) + "y" }, { at: AT });
  const error = await assertRejects(
    () => traqq.record({ event: "~".repeat(10_000_000) }),
    EventError,
  );
  assert(error.message.length < 300, `${error.message.length} characters`);
  const { counts } = (await traqq.query(RANGE)).merged("add/event");
  assertEquals({ ...counts }, { ["x".repeat(128)]: 1, y: 1 });
});

Deno.test("an event of 5,000 properties is counted for those of the mapping", async () => {
  await using traqq = await open();
  const many = Object.fromEntries(Array.from({ length: 5000 }, (_, i) => [`p${i}`, i]));
  await traqq.record({ ...many, event: "x", geo: "US" }, { at: AT });
  assertEquals({ ...(await traqq.query(RANGE)).merged("add/geo").counts }, { US: 1 });
});

Deno.test("bad adv values only count", async () => {
  await using traqq = await open();
  const bad = [
    "true",
    "false",
    '"0x10"',
    '"12abc"',
    '""',
    '" 1"',
    "1e999",
    '"NaN"',
    '"Infinity"',
    '"１"',
  ];
  for (const n of bad) await traqq.record(JSON.parse(`{"event":"x","n":${n}}`), { at: AT });
  await traqq.record({ event: "x", n: "+1.5" }, { at: AT });
  assertEquals([traqq.stats().rejectedValues, traqq.stats().recorded], [
    bad.length,
    bad.length + 1,
  ]);
  const result = await traqq.query(RANGE);
  assertEquals(result.merged("add/event").counts.x, bad.length + 1);
  assertEquals([result.merged("adv/event/n").sum, result.merged("adv/event/n").count], [1.5, 1]);
});

Deno.test("a time that cannot be read refuses the event and says what is allowed", async () => {
  await using traqq = await open({ time: { property: "when" } });
  const bad = async (when: unknown, message: string) => {
    for (const by of ["at", "property"]) {
      const error = await assertRejects(
        () =>
          by === "at"
            ? traqq.record({ event: "x" }, { at: when as number })
            : traqq.record({ event: "x", when }),
        EventError,
        message,
      );
      assert(
        error.message.startsWith(by === "at" ? "Cannot read time" : 'Cannot read property "when"'),
        error.message,
      );
      assertEquals(error.reason, "invalid");
    }
  };
  await bad(
    1_773_532_800_000,
    "this looks like milliseconds (divide by 1000), received 1773532800000",
  );
  await bad("+020000-01-01T00:00:00Z", "received");
  await bad("20000-01-01T00:00:00Z", "received");
  await bad("yesterday", 'received "yesterday"');
  await bad("2026-02-30T00:00:00Z", "there is no such date");
  await bad("2026-03-15T00:00:00", "the offset is missing");
  await bad("1773532800", "unix seconds are a number, without quotes");
  await bad(NaN, "received NaN");
  await bad(true, "received true");
  await bad(new Date(NaN), "received Invalid Date");
  await bad(new Date(8.64e15), "wanted a Date from the year -1199 to the year 9999");
  await bad({}, "received an object");
  assertEquals(traqq.stats().recorded, 0);
});

Deno.test("an object that throws when it is read is refused; the others of the batch are counted", async () => {
  await using traqq = await open();
  const trap = () => {
    throw new Error("trap");
  };
  const report = await traqq.recordMany(
    [
      { event: "x" },
      {
        get event(): string {
          return trap();
        },
      },
      {
        event: "x",
        get geo(): string {
          return trap();
        },
      },
      new Proxy({ event: "x" }, { get: trap }),
      {
        event: "x",
        get n(): number {
          return trap();
        },
      },
      { event: "x" },
    ],
    { at: AT },
  );
  assertEquals([report.recorded, report.rejected.map(({ index }) => index)], [2, [1, 2, 3, 4]]);
  assertEquals(report.rejected.map(({ error }) => error.message), [
    'Cannot record an event: property "event" cannot be read: trap',
    'Cannot record an event: property "geo" cannot be read: trap',
    'Cannot record an event: property "event" cannot be read: trap',
    'Cannot record an event: property "n" cannot be read: trap',
  ]);
  assertEquals(traqq.stats().rejected, 4);
  assertEquals((await traqq.query(RANGE)).merged("add/event").counts.x, 2);
});

Deno.test("Traqq.recordMany() refuses by its place an event for which at() throws", async () => {
  await using traqq = await open();
  const events = [{ event: "x", when: AT }, null, { event: "x", when: "never" }, { event: "x" }];
  const report = await traqq.recordMany(events, {
    at: (event) => (event as { when: number }).when,
  });
  assertEquals([report.recorded, report.rejected.map(({ index }) => index)], [2, [1, 2]]);
  assertMatch(report.rejected[0].error.message, /the function that gives its time threw: .*null/);
  assertEquals(traqq.stats().rejected, 2);
});

Deno.test("Traqq.recordMany() refuses what is no list, and ends where a list throws", async () => {
  await using traqq = await open();
  const lists: [unknown, string][] = [
    [null, "null"],
    [{ event: "x" }, '{"event":"x"}'],
    ["abc", '"abc"'],
    [7, "7"],
  ];
  for (const [events, shown] of lists) {
    await assertRejects(
      () => traqq.recordMany(events as unknown[]),
      TypeError,
      `Cannot record many events: wanted an array or an (async) iterable, received ${shown}`,
    );
  }
  function* broken() {
    yield { event: "x" };
    throw new RangeError("the file ends here");
  }
  await assertRejects(
    () => traqq.recordMany(broken(), { at: AT }),
    RangeError,
    "the file ends here",
  );
  assertEquals((await traqq.query(RANGE)).merged("add/event").counts.x, 1);
});

Deno.test("a bad query is one clear error, and the next one is answered", async () => {
  await using traqq = await open();
  await traqq.record({ event: "x" }, { at: AT });
  const bad = async (
    options: unknown,
    errorClass: new (...args: never[]) => Error,
    message: string,
  ) => {
    await assertRejects(
      () => traqq.query(options as QueryOptions),
      errorClass as typeof Error,
      message,
    );
    assertEquals((await traqq.query(RANGE)).merged("add/event").counts.x, 1);
  };
  await bad(
    { from: AT, to: AT - 1 },
    RangeError,
    `it ends before it starts, received ${AT} to ${AT - 1}`,
  );
  await bad(
    { from: AT * 1000, to: AT },
    TypeError,
    "Cannot read from: wanted unix seconds, this looks like milliseconds",
  );
  await bad(
    { from: AT, to: "tomorrow" },
    TypeError,
    "Cannot read to: wanted a Date, unix seconds or an RFC 3339",
  );
  await bad({ to: AT }, TypeError, "Cannot read from:");
  await bad({ from: AT }, TypeError, "Cannot read to:");
  await bad(undefined, TypeError, "Cannot read from:");
  await bad({ ...RANGE, unit: "w" }, TypeError, 'wanted unit "d" or "h", received "w"');
  await bad({ ...RANGE, accept: 7 }, TypeError, "wanted accept to be a glob");
  await bad({ ...RANGE, select: "geo" }, TypeError, "Cannot find a metric");
  for (const days of [0, -1, 1.5, NaN, Infinity, 100_001, "7", undefined, null]) {
    await assertRejects(
      () => traqq.queryDays(days as number),
      RangeError,
      `wanted a whole number from 1 to 100000, received ${days}`,
    );
  }
  const result = await traqq.query(RANGE);
  assertThrows(() => result.find("sum/event" as "add/event"), TypeError, "Cannot find a metric");
});

Deno.test("a bad option is a ConfigError, and nothing is written", async () => {
  const storage = new MemoryStorage();
  const bad = async (options: unknown, message: string) => {
    await assertRejects(() => Traqq.open(options as TraqqOptions), ConfigError, message);
    assertEquals(await storage.timezone("traqq"), null);
  };
  await bad(undefined, "Cannot use options: wanted an object, received nothing");
  await bad(
    {},
    "Cannot use storage: wanted a storage such as new MemoryStorage(), received nothing",
  );
  await bad(
    { storage: "memory" },
    'Cannot use storage: wanted a storage such as new MemoryStorage(), received "memory"',
  );
  await bad({ storage, time: { timezone: "Mars/Olympus" } }, '"Mars/Olympus"');
  await bad({ storage, mapping: { add: ["event", "event"] } }, '"event" stands in it twice');
  await bad({ storage, mapping: { add: [""] } }, 'wanted the name of a property, received ""');
  await bad({ storage, mapping: { top: ["a~"] } }, "Cannot use mapping.top[0]");
  await bad({ storage, onError: "log" }, 'Cannot use onError: wanted a function, received "log"');
  await bad({ storage, retention: { d: "forever" } }, "Cannot use retention.d");
  await bad({ storage, maxFields: 5 }, 'there is no "maxFields"');
});
