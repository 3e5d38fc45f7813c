import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { EventError } from "../../src/base/errors.ts";
import { Calendar } from "../../src/engine/bucket.ts";
import { type Config, readConfig } from "../../src/engine/config.ts";
import { cellsOf } from "../../src/engine/cut.ts";
import { Delta } from "../../src/engine/delta.ts";
import { compilePlan, namesRead } from "../../src/engine/plan.ts";
import { keepEvent, readEventText } from "../../src/journal/event_text.ts";
import { MemoryStorage } from "../../src/storage/memory.ts";

const AT = 1_767_225_600;
const CONFIG: Config = readConfig({
  storage: new MemoryStorage(),
  mapping: {
    add: ["event", "event~geo", "__proto__", "constructor", "toJSON"],
    bitmap: ["user", "geo~user"],
    addValue: [{ key: "event", addKey: "amount" }],
    top: ["geo"],
  },
  time: { property: "time" },
});
const PLAN = compilePlan(CONFIG);
const NAMES = namesRead(PLAN, "time");
const CALENDAR = new Calendar("UTC");

function makeDelta(): Delta {
  return new Delta({
    plan: PLAN,
    calendar: CALENDAR,
    limits: CONFIG.limits,
    hourly: false,
    timeProperty: "time",
    retention: CONFIG.retention,
  });
}

function cells(delta: Delta) {
  return delta.events === 0 ? [] : delta.groups(AT).flatMap(cellsOf);
}

/** Counted as without a journal, with one, and when it is read back: all three must be the same. */
function check(event: unknown, what?: string): void {
  const plain = makeDelta(), kept = makeDelta(), again = makeDelta();
  let refused = false, seconds = 0;
  try {
    seconds = plain.add(event);
  } catch (error) {
    assert(error instanceof EventError, what);
    refused = true;
  }
  try {
    const { event: counted, text } = keepEvent(event, NAMES);
    const at = kept.add(counted);
    assert(!refused, what);
    // An event without a time is one of now.
    assert(Math.abs(at - seconds) <= 5, what);
    assert(!text.includes("\n"), what);
    again.add(readEventText(text), undefined, at);
  } catch (error) {
    assert(error instanceof EventError, `${what}: ${error}`);
    assert(refused, `${what}: ${error}`);
    return;
  }
  assertEquals(cells(kept), cells(plain), what);
  assertEquals(cells(again), cells(plain), what);
  assertEquals(kept.rejectedValues, plain.rejectedValues, what);
}

class Visit {
  readonly #geo: string;
  readonly event = "visit";
  constructor(geo: string) {
    this.#geo = geo;
  }
  get geo(): string {
    return this.#geo;
  }
  get user(): number {
    return 7;
  }
}

function hidden(name: string, value: unknown): object {
  return Object.defineProperty({ event: "buy" }, name, { value, enumerable: false });
}

const EVENTS: [string, unknown][] = [
  ["a plain object", { event: "buy", geo: "US", user: "u", amount: 1.5, time: AT }],
  ["no prototype", Object.assign(Object.create(null), { event: "buy", geo: "US" })],
  ["a prototype of its own", Object.create({ event: "buy", geo: "US", other: 1 })],
  ["getters of a class", new Visit("DE")],
  ["a getter", {
    event: "buy",
    get geo() {
      return "US";
    },
  }],
  ["a Date in a metric", { event: "buy", geo: new Date(0) }],
  ["a Date as the time", { event: "buy", time: new Date(AT * 1000 - 86_400_000) }],
  [
    "a Date as the time of a class",
    new class {
      event = "buy";
      time = new Date(AT * 1000 - 86_400_000);
    }(),
  ],
  ["an invalid Date as the time", { event: "buy", time: new Date(NaN) }],
  ["boxed values", { event: "buy", geo: Object("US"), amount: Object(5) }],
  ["a boxed name", { event: Object("buy") }],
  ["nested", { event: "buy", geo: { a: 1 }, amount: [1], more: { deep: [{}] } }],
  ["toJSON", { event: "buy", geo: { toJSON: () => "US" }, amount: { toJSON: () => 5 } }],
  ["toJSON of its own", { event: "buy", toJSON: () => ({ event: "sell" }) }],
  ["toJSON as text", { event: "buy", toJSON: "yes" }],
  ["bigint", { event: "buy", amount: 5n, geo: 6n }],
  ["symbols", { event: "buy", geo: Symbol("x"), [Symbol("y")]: 1 }],
  ["functions", { event: "buy", geo: () => "US", amount: () => 5 }],
  ["NaN where it is summed", { event: "buy", amount: NaN }],
  ["Infinity where it is summed", { event: "buy", amount: -Infinity }],
  ["NaN where it is a value", { event: "buy", geo: NaN }],
  ["NaN where nobody looks", { event: "buy", other: NaN }],
  ["null and undefined", { event: "buy", geo: null, user: undefined, amount: null, time: null }],
  ["own __proto__", JSON.parse('{"event":"buy","__proto__":"x","constructor":"y"}')],
  [
    "own __proto__ with a Date",
    JSON.parse(
      '{"event":"buy","__proto__":"x"}',
      (key, value) => key === "" ? Object.assign(value, { other: new Date(0) }) : value,
    ),
  ],
  ["hidden value", hidden("geo", "US")],
  ["hidden time", hidden("time", AT)],
  ["a proxy", new Proxy({ event: "buy", geo: "US" }, {})],
  ["a proxy without keys", new Proxy({}, { get: (_, key) => key === "event" ? "buy" : undefined })],
  ["a proxy that says all", new Proxy({}, { get: (_, key) => key === "time" ? AT : "x" })],
  ["lone surrogates", { event: "buy", geo: "a\ud800b", user: "\udfff" }],
  ["odd numbers", { event: "buy", geo: -0, user: 1e21, amount: 0.1 + 0.2 }],
  ["booleans", { event: "buy", geo: true, user: false, amount: true }],
  ["line ends", { event: "buy", geo: "a\nb\u2028c\r", user: "\0" }],
  [
    "a circle",
    (() => {
      const event: Record<string, unknown> = { event: "buy", geo: "US" };
      return event.self = event;
    })(),
  ],
  ["a getter that throws where nobody looks", {
    event: "buy",
    get other(): string {
      throw new Error("no");
    },
  }],
  ["a getter that throws where it is read", {
    event: "buy",
    get geo(): string {
      throw new Error("no");
    },
  }],
  ["an array", ["buy"]],
  ["null", null],
  ["a text", "buy"],
  ["an event that is an object", { event: { event: "buy" } }],
  ["an event that is null", { event: null, geo: "US" }],
];

Deno.test("keepEvent() keeps what is counted, and it counts the same when it is read back", () => {
  for (const [what, event] of EVENTS) check(event, what);
});

Deno.test("keepEvent() keeps what is counted of any object", () => {
  const value: fc.Arbitrary<unknown> = fc.oneof(
    fc.string({ unit: "binary" }),
    fc.double(),
    fc.integer(),
    fc.boolean(),
    fc.constantFrom(null, undefined, NaN, 5n, "12.5", "-0", " ~: "),
    fc.constantFrom(new Date(0), Object("US"), [1], { toJSON: () => "x" }, Symbol("s"), () => 1),
  );
  const name = fc.constantFrom(...NAMES.filter((name) => name !== "time"), "other", "valueOf");
  fc.assert(fc.property(
    fc.array(fc.tuple(name, value, fc.boolean()), { maxLength: 8 }),
    fc.constantFrom(Object.prototype, null, { geo: "inherited" }),
    (properties, prototype) => {
      const event = Object.create(prototype);
      for (const [key, value, enumerable] of [["event", "buy", true] as const, ...properties]) {
        Object.defineProperty(event, key, { value, enumerable, configurable: true });
      }
      check(event);
    },
  ));
});

Deno.test("keepEvent() names the property that cannot be read", () => {
  const event = EVENTS.find(([what]) => what === "a getter that throws where it is read")![1];
  assertThrows(() => keepEvent(event, NAMES), EventError, 'property "geo" cannot be read: no');
});

Deno.test("keepEvent() keeps what is not counted today, for another mapping", () => {
  const { text } = keepEvent({ event: "buy", other: 1, odd: new Date(0) }, NAMES);
  assertEquals(JSON.parse(text), { event: "buy", other: 1 });
});

Deno.test("readEventText() reads an event, and the command it came in", () => {
  const event = { event: "buy", geo: "US" };
  const cases = [
    JSON.stringify(event),
    `\ufeff${JSON.stringify(event)}`,
    ` ${JSON.stringify(event)}\r`,
    JSON.stringify({ cmd: "record", event }),
    JSON.stringify({ event, cmd: "record", at: 5, id: { event: "x" } }),
    `\ufeff${JSON.stringify({ cmd: "record", event })}`,
  ];
  for (const text of cases) assertEquals(readEventText(text), event, text);
  assertEquals(readEventText("5"), 5);
  assertEquals(readEventText("null"), null);
  assertThrows(() => readEventText("{"), SyntaxError);
});
