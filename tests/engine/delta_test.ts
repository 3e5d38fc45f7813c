import { assert, assertEquals, assertGreater, assertStrictEquals, assertThrows } from "@std/assert";
import { FakeTime } from "@std/testing/time";
import { EventError } from "../../src/base/errors.ts";
import { Calendar } from "../../src/engine/bucket.ts";
import { type FileOptions, readConfig } from "../../src/engine/config.ts";
import type { CellGroup } from "../../src/engine/cut.ts";
import { Delta, isExpired } from "../../src/engine/delta.ts";
import { compilePlan } from "../../src/engine/plan.ts";
import { HyperLogLog } from "../../src/sketch/hyperloglog.ts";
import { hashHex } from "../../src/sketch/murmur.ts";

const DAY = 86_400;
const START = 1_773_532_800; // 2026-03-15T00:00:00Z

function delta(options: FileOptions = {}): Delta {
  const config = readConfig(options);
  return new Delta({
    plan: compilePlan(config),
    calendar: new Calendar(config.time.timezone ?? "UTC"),
    limits: config.limits,
    hourly: config.time.hourly,
    timeProperty: config.time.property,
    retention: config.retention,
  });
}

/** A group as one line; sums in millionths, sketches by their count. */
function line(group: CellGroup): string {
  const { metric: { type, addKey, pattern }, unit, start } = group;
  const what = group.kind === "sketch"
    ? `${group.sketch.count()}`
    : [...group.fields].map(([field, value]) => `${field}=${value}`).join(",");
  const tally = group.kind === "sum" ? ` of ${group.count}` : "";
  return `${type}:${
    addKey === undefined ? "" : `${addKey}:`
  }${pattern} ${unit}${start} ${what}${tally}`;
}

function lines(it: Delta, now = START + 10): string[] {
  return it.groups(now).map(line);
}

Deno.test("Delta.add() counts each metric of the mapping", () => {
  const it = delta({
    mapping: {
      bitmap: ["ip", "event~ip"],
      add: ["event", "geo~event"],
      addValue: [{ key: "geo", addKey: "amount" }, { key: "geo", addKey: "tax" }],
      top: ["geo"],
    },
  });
  it.add({ event: "buy", geo: "US", ip: "1", amount: 1.5, tax: "x" }, START);
  it.add({ event: "buy", geo: "US", ip: "2", amount: "-0.25" }, START + DAY - 1);
  it.add({ event: "see", geo: "DE", ip: "2" }, START + 1);
  assertEquals(lines(it), [
    `add:event d${START} buy=2,see=1`,
    `add:event~geo d${START} buy~US=2,see~DE=1`,
    `top:geo d${START} US=2,DE=1`,
    `adv:amount:geo d${START} US=1250000 of 2`,
    `bmp:ip d${START} 2`,
    `bmp:event~ip d${START} 3`,
  ]);
  assertEquals([it.events, it.rejectedValues], [3, 1]);
});

Deno.test("Delta.add() sketches a pattern that counters share as one that they do not", () => {
  const events = [["a", "b"], ["a", "c"], ["a", "b"], ["x", "b"]];
  const count = (mapping: FileOptions["mapping"]) => {
    const it = delta({ mapping });
    for (const [event, geo] of events) it.add({ event, geo }, START);
    it.add({ event: "no geo" }, START);
    const [group] = it.groups(START).filter(({ metric }) => metric.type === "bmp");
    assert(group.kind === "sketch");
    return group.sketch.toBytes();
  };
  const alone = count({ bitmap: ["event~geo"] });
  assertEquals(count({ bitmap: ["event~geo"], add: ["event~geo"] }), alone);
  assertEquals(count({ bitmap: ["event~geo"], add: ["event"], top: ["geo"] }), alone);
  assertEquals(
    count({ bitmap: ["event~geo"], addValue: [{ key: "event~geo", addKey: "n" }] }),
    alone,
  );
});

Deno.test("Delta.add() sketches a value in every bucket that it is seen in", () => {
  const it = delta({ mapping: { bitmap: ["geo"], add: ["geo"] }, time: { hourly: true } });
  for (const at of [START, START + 1, START + 3600, START + DAY]) {
    it.add({ event: "x", geo: "US" }, at);
  }
  assertEquals(lines(it, START).filter((line) => line.startsWith("bmp")), [
    `bmp:geo h${START} 1`,
    `bmp:geo h${START + 3600} 1`,
    `bmp:geo h${START + DAY} 1`,
    `bmp:geo d${START} 1`,
    `bmp:geo d${START + DAY} 1`,
  ]);
});

Deno.test("Delta.groups() sums days from hours, in the zone's days", () => {
  const it = delta({
    mapping: { add: ["event"], addValue: [{ key: "event", addKey: "n" }], bitmap: ["ip"] },
    time: { hourly: true, timezone: "Europe/Berlin" },
  });
  const noon = START + DAY / 2;
  it.add({ event: "x", n: 0.5, ip: 1 }, noon);
  it.add({ event: "x", n: 1, ip: 2 }, noon + 3600);
  it.add({ event: "x", n: 2, ip: 1 }, noon + 3600);
  const day = START - 3600;
  assertEquals(lines(it), [
    `add:event h${noon} x=1`,
    `adv:n:event h${noon} x=500000 of 1`,
    `add:event h${noon + 3600} x=2`,
    `adv:n:event h${noon + 3600} x=3000000 of 2`,
    `bmp:ip h${noon} 1`,
    `bmp:ip h${noon + 3600} 2`,
    `add:event d${day} x=3`,
    `adv:n:event d${day} x=3500000 of 3`,
    `bmp:ip d${day} 2`,
  ]);
});

Deno.test("Delta.groups() is in order of time, however the events came", () => {
  const it = delta({ mapping: { add: ["event"] } });
  for (const days of [3, 0, 2, 0, 1]) it.add({ event: "x" }, START - days * DAY);
  assertEquals(lines(it), [
    `add:event d${START - 3 * DAY} x=1`,
    `add:event d${START - 2 * DAY} x=1`,
    `add:event d${START - DAY} x=1`,
    `add:event d${START} x=2`,
  ]);
});

Deno.test("Delta.add() refuses what is no event, and counts nothing of it", () => {
  const it = delta({ mapping: { add: ["event", "geo"], bitmap: ["ip"] } });
  const bad = (event: unknown, message: string) => {
    const error = assertThrows(() => it.add(event, START), EventError, message);
    assertEquals(error.reason, "invalid");
  };
  bad(null, 'wanted an object such as {"event":"purchase"}, received null');
  bad(undefined, "received nothing");
  bad("purchase", 'received "purchase"');
  bad(7, "received 7");
  bad([], "received []");
  bad([{ event: "x" }], "wanted an object");
  bad(() => 1, "received a function");
  bad({}, 'wanted a string in "event", received nothing');
  bad({ event: null }, 'wanted a string in "event", received null');
  bad({ event: 7 }, 'wanted a string in "event", received 7');
  bad({ event: true }, "received true");
  bad({ event: ["x"] }, 'received ["x"]');
  bad({ event: "" }, '"event" must hold more than white space, "~" and ":", received ""');
  bad({ event: " \n" }, 'received " \\n"');
  bad({ event: "~:~" }, 'received "~:~"');
  bad({ event: "x", geo: Infinity }, 'wanted a finite number in "geo", received Infinity');
  bad({ event: "x", geo: NaN }, "received NaN");
  bad({ event: "x", ip: -Infinity }, 'wanted a finite number in "ip", received -Infinity');
  assertEquals([it.events, it.groups(START)], [0, []]);
});

Deno.test("Delta.add() refuses an event without a name whether or not a metric uses the name", () => {
  for (const mapping of [{ add: ["geo"] }, { bitmap: ["event~ip"] }, { add: ["event"] }]) {
    for (const event of ["", " ", ":", "~", "~:", "\ufeff", undefined, null, 0]) {
      const it = delta({ mapping });
      assertThrows(() => it.add({ event, geo: "US", ip: 1 }, START), EventError, '"event"');
      it.add({ event: "good" }, START);
      assertThrows(() => it.add({ event, geo: "US", ip: 1 }, START), EventError, '"event"');
      assertEquals(it.events, 1);
    }
  }
});

Deno.test("Delta.add() names a property that throws when it is read", () => {
  const boom = new RangeError("boom");
  const bad = (name: string, options: FileOptions) => {
    const it = delta(options);
    const event = { event: "x" };
    Object.defineProperty(event, name, {
      get() {
        throw boom;
      },
    });
    const error = assertThrows(
      () => it.add(event),
      EventError,
      `Cannot record an event: property ${JSON.stringify(name)} cannot be read: boom`,
    );
    assertStrictEquals(error.cause, boom);
    assertEquals([error.reason, it.events], ["invalid", 0]);
  };
  bad("geo", { mapping: { add: ["event~geo"] } });
  bad("ip", { mapping: { bitmap: ["ip"] } });
  bad("n", { mapping: { addValue: [{ key: "event", addKey: "n" }] } });
  bad("when", { time: { property: "when" } });
  bad("event", { mapping: { add: ["geo"] } });
  // What no mapping names is not looked at.
  const it = delta({ mapping: { add: ["event"] } });
  it.add({
    event: "x",
    get other() {
      throw boom;
    },
  }, START);
  assertEquals(it.events, 1);
});

Deno.test("Delta.add() does not take what every object inherits for properties", () => {
  const names = Object.getOwnPropertyNames(Object.prototype);
  for (const name of names) {
    if (name.includes(":")) continue;
    const it = delta({
      mapping: {
        add: ["event", name],
        bitmap: [name],
        top: [name],
        addValue: [{ key: "event", addKey: name }],
      },
      time: { property: name },
    });
    it.add(JSON.parse('{"event":"absent"}'), START);
    it.add(JSON.parse('{"event":"absent"}'));
    it.add(JSON.parse(`{"event":"there","${name}":7}`), START);
    assertEquals(it.rejectedValues, 0, name);
    const found = it.groups(START).flatMap((group) =>
      group.kind === "sketch"
        ? []
        : [...group.fields].map(([field, n]) => [group.metric.type, field, n])
    );
    assert(found.some(([type, field, n]) => type === "add" && field === "7" && n === 1), name);
    assert(
      found.some(([type, field, n]) => type === "adv" && field === "there" && n === 7_000_000n),
    );
    assertEquals(found.filter(([type]) => type === "top").length, 1);
  }
});

Deno.test("Delta.add() takes properties that a class defines", () => {
  class Purchase {
    event = "buy";
    get geo() {
      return "US";
    }
  }
  const it = delta({ mapping: { add: ["event~geo"] } });
  it.add(new Purchase(), START);
  it.add(Object.assign(Object.create(null), { event: "buy", geo: "US" }), START);
  assertEquals(lines(it), [`add:event~geo d${START} buy~US=2`]);
});

Deno.test("Delta.add() counts numbers that are none, and keeps their events", () => {
  const it = delta({ mapping: { add: ["event"], addValue: [{ key: "event", addKey: "n" }] } });
  const bad = [true, false, "0x10", "12abc", "", " 1", "NaN", NaN, Infinity, 2 ** 53 + 2, "1e999"];
  for (const n of bad) it.add({ event: "x", n }, START);
  assertEquals(it.rejectedValues, bad.length);
  for (const n of [undefined, null]) it.add({ event: "x", n }, START);
  assertEquals([it.rejectedValues, it.events], [bad.length, bad.length + 2]);
  assertEquals(lines(it), [`add:event d${START} x=${bad.length + 2}`]);
});

Deno.test("Delta.add() sums exactly across ±2^53", () => {
  const it = delta({ mapping: { addValue: [{ key: "event", addKey: "n" }] } });
  const big = 2 ** 53;
  for (let i = 0; i < 5; i++) it.add({ event: "x", n: big }, START);
  for (let i = 0; i < 3; i++) it.add({ event: "x", n: "0.000001" }, START);
  it.add({ event: "x", n: 1 }, START);
  it.add({ event: "y", n: -big }, START);
  it.add({ event: "y", n: -1 }, START);
  it.add({ event: "y", n: -0.5 }, START);
  assertEquals(lines(it), [
    `adv:n:event d${START} x=${5n * 2n ** 53n * 1_000_000n + 1_000_003n},y=${
      -(2n ** 53n + 1n) * 1_000_000n - 500_000n
    } of 12`,
  ]);
});

Deno.test("Delta.add() counts the cells that an event really touches against maxMetricsPerEvent", () => {
  const mapping = {
    add: ["event", "geo"],
    top: ["geo"],
    bitmap: ["event~geo", "ip"],
    addValue: [{ key: "event", addKey: "n" }],
  };
  const fits = (event: Record<string, unknown>, cells: number, hourly = false) => {
    const at = (maxMetricsPerEvent: number) =>
      delta({ mapping, time: { hourly }, limits: { maxMetricsPerEvent } });
    if (cells > 0) at(cells).add({ event: "x", ...event }, START);
    const it = at(cells - 1);
    const error = assertThrows(
      () => it.add({ event: "x", ...event }, START),
      EventError,
      `Cannot record an event that touches ${cells} cells: limits.maxMetricsPerEvent is ${
        cells - 1
      }`,
    );
    assertEquals([error.reason, it.events], ["invalid", 0]);
  };
  fits({ geo: "US", ip: 1, n: 1 }, 6);
  fits({ geo: "US", ip: 1 }, 5);
  fits({ geo: "US", ip: 1, n: "no number" }, 5);
  fits({ geo: "US" }, 4);
  fits({ ip: 1 }, 2);
  fits({ geo: "US", ip: 1, n: 1 }, 12, true);
});

Deno.test("Delta.add() takes the time of at, else of the property, else of the clock", () => {
  using time = new FakeTime(START * 1000 + 999);
  const it = delta({ time: { property: "when" } });
  const startOf = (event: Record<string, unknown>, at?: Date | number | string) => {
    const one = delta({ time: { property: "when" } });
    one.add({ event: "x", ...event }, at);
    return one.groups(START)[0].start;
  };
  assertEquals(startOf({}), START);
  assertEquals(startOf({ when: null }), START);
  assertEquals(startOf({ when: undefined }), START);
  assertEquals(startOf({ when: START - 1 }), START - DAY);
  assertEquals(startOf({ when: "2026-03-13T23:59:59Z" }), START - 2 * DAY);
  assertEquals(startOf({ when: START }, START - DAY), START - DAY);
  assertEquals(
    startOf({ when: "nonsense" }, START - DAY),
    START - DAY,
    "at beats what is unreadable",
  );
  assertEquals(startOf({}, new Date(START * 1000 - 1)), START - DAY);
  for (const when of ["", "yesterday", "2026-03-14", true, {}, [], NaN, START * 1000]) {
    const error = assertThrows(() => it.add({ event: "x", when }), EventError, 'property "when"');
    assertEquals(error.reason, "invalid");
  }
  time.tick(1);
});

Deno.test("Delta.add() refuses a time beyond maxFutureMs, exactly", () => {
  using time = new FakeTime(START * 1000);
  const it = delta({ limits: { maxFutureMs: 60_000 } });
  it.add({ event: "x" }, START + 60);
  const error = assertThrows(
    () => it.add({ event: "x" }, START + 61),
    EventError,
    "more than limits.maxFutureMs = 60000 ms in the future",
  );
  assertEquals([error.reason, it.events], ["future", 1]);
  time.tick(1000);
});

Deno.test("Delta.add() sees that time has passed before it refuses a time as future", async () => {
  using time = new FakeTime(START * 1000);
  const it = delta({ limits: { maxFutureMs: 60_000 } });
  it.add({ event: "x" }, START + 60);
  await time.tickAsync(1000);
  it.add({ event: "x" }, START + 61);
  assertThrows(() => it.add({ event: "x" }, START + 62), EventError);
});

Deno.test("Delta.add() refuses what is past the retention of all its units", () => {
  using _time = new FakeTime(START * 1000);
  const day = { event: "x" };
  const late = (it: Delta, at: number) => {
    const error = assertThrows(() => it.add(day, at), EventError, "is past its retention");
    assertEquals([error.reason, it.events], ["late", 0]);
  };
  // Of the day before, the last second was 2 days ago exactly when the day after has passed.
  late(delta({ retention: { d: "1d" } }), START - DAY - 1);
  delta({ retention: { d: "1d" } }).add(day, START - DAY);
  // Days are kept for ever here, so the hour alone cannot make it late.
  delta({ retention: { h: "1h" }, time: { hourly: true } }).add(day, START - 90 * DAY);
  late(delta({ retention: { d: "2d", h: "1h" }, time: { hourly: true } }), START - 2 * DAY - 1);
  delta({ retention: { h: "1h" } }).add(day, START - 90 * DAY);
});

Deno.test("Delta.groups() loses nothing where two values come to the same stored field", () => {
  const it = delta({
    mapping: { add: ["a~b~c"], top: ["a~b~c"], addValue: [{ key: "a~b~c", addKey: "n" }] },
    limits: { maxValueLength: 2000 },
  });
  // What is left of the first when it is cut, and who knows the hash can send it as values.
  const [a, b] = ["x".repeat(500), "y".repeat(505)];
  const hash = hashHex(`${a}~${b}~${"z".repeat(600)}`);
  for (const c of ["z".repeat(600), "z".repeat(600), `#${hash}`]) {
    it.add({ event: "e", a, b, c, n: 0.5 }, START);
  }
  const field = `${a}~${b}~#${hash}`;
  assertEquals(lines(it), [
    `add:a~b~c d${START} ${field}=3`,
    `top:a~b~c d${START} ${field}=3`,
    `adv:n:a~b~c d${START} ${field}=1500000 of 3`,
  ]);
});

Deno.test("Delta.groups() leaves out buckets past their retention", () => {
  using _time = new FakeTime(START * 1000);
  const it = delta({ retention: { h: "2h", d: "10d" }, time: { hourly: true } });
  it.add({ event: "x" }, START - 1);
  it.add({ event: "x" }, START - 3600 * 5);
  assertEquals(lines(it, START), [
    `add:event h${START - 3600} x=1`,
    `add:event d${START - DAY} x=2`,
  ]);
  assertEquals(lines(it, START + 11 * DAY), []);
});

Deno.test("isExpired() holds from the second on at which a bucket has been kept long enough", () => {
  const bucket = { unit: "d" as const, start: 0, end: DAY };
  assertEquals(isExpired(bucket, { d: 100, h: 1 }, DAY + 99.999), false);
  assertEquals(isExpired(bucket, { d: 100, h: 1 }, DAY + 100), true);
  assertEquals(isExpired(bucket, { d: undefined, h: 1 }, 1e12), false);
});

Deno.test("Delta.add() sketches the values of counted events only", () => {
  const it = delta({ mapping: { bitmap: ["geo"], add: ["event~geo"] } });
  const sketch = new HyperLogLog();
  for (let i = 0; i < 50; i++) {
    assertThrows(() => it.add({ event: "x", geo: `refused ${i}` }, NaN), EventError);
    it.add({ event: "x", geo: `counted ${i}` }, START);
    sketch.add(`counted ${i}`);
  }
  const group = it.groups(START).find(({ metric }) => metric.type === "bmp");
  assert(group?.kind === "sketch");
  assertEquals(group.sketch.toBytes(), sketch.toBytes());
});

Deno.test("Delta.held grows with what is new and not with what was seen", () => {
  const it = delta({ mapping: { add: ["event~geo"], bitmap: ["ip"], top: ["geo"] } });
  it.add({ event: "x", geo: "US", ip: 1 }, START);
  const once = { ...it.held };
  assertGreater(once.cells, 3);
  for (let i = 0; i < 100; i++) it.add({ event: "x", geo: "US", ip: 1 }, START);
  assertEquals(it.held, once);
  it.add({ event: "x", geo: "DE", ip: 1 }, START);
  assertGreater(it.held.cells, once.cells);
  const elsewhere = delta({ mapping: {} });
  elsewhere.add({ event: "x" }, START);
  assertGreater(elsewhere.held.bytes, 0, "a bucket without cells costs memory too");
  const before = it.held.bytes;
  for (let ip = 0; ip < 5000; ip++) it.add({ event: "x", geo: "US", ip }, START);
  assertGreater(it.held.bytes, before + 5000, "a sketch counts at its size");
});
