import { assertEquals, assertThrows } from "@std/assert";
import { EventError } from "../../src/base/errors.ts";
import { type FileOptions, readConfig } from "../../src/engine/config.ts";
import { Intake } from "../../src/engine/intake.ts";
import { compilePlan } from "../../src/engine/plan.ts";
import { ABSENT } from "../../src/engine/terms.ts";
import { HyperLogLog } from "../../src/sketch/hyperloglog.ts";

// What counting makes of it is in delta_test.ts.

const AT = 1_773_532_800;

function intake(options: FileOptions): Intake {
  const config = readConfig(options);
  return new Intake({
    plan: compilePlan(config),
    limits: config.limits,
    hourly: config.time.hourly,
    timeProperty: config.time.property,
  }, { cells: 0, bytes: 0 });
}

Deno.test("Intake.read() leaves terms, registers and numbers of the last event", () => {
  const it = intake({
    mapping: {
      add: ["event"],
      bitmap: ["ip"],
      addValue: [{ key: "event", addKey: "a" }, { key: "event", addKey: "b" }, {
        key: "event",
        addKey: "c",
      }],
    },
  });
  assertEquals(it.read({ event: "x", ip: " 1.2.3.4", a: -1.5, b: "no" }, AT), AT);
  assertEquals([...it.eventTerms].slice(0, 1), [0]);
  assertEquals([...it.registers], [HyperLogLog.registerOf("1.2.3.4")]);
  assertEquals(it.numbers[0], { whole: -1, micros: -500_000, state: 1 });
  assertEquals([it.numbers[1].state, it.numbers[2].state], [0, ABSENT]);

  it.read({ event: "y" }, AT);
  assertEquals([...it.eventTerms].slice(0, 1), [1]);
  assertEquals([...it.registers], [ABSENT]);
  assertEquals(it.numbers.map(({ state }) => state), [ABSENT, ABSENT, ABSENT]);
  it.read({ event: "x" }, AT);
  assertEquals([...it.eventTerms].slice(0, 1), [0], "it was seen before");
});

Deno.test("Intake.read() takes the time of at, else of the property", () => {
  const it = intake({ time: { property: "when" } });
  assertEquals(it.read({ event: "x", when: "2026-03-15T00:00:01Z" }, undefined), AT + 1);
  assertEquals(it.read({ event: "x", when: "2026-03-15T00:00:01Z" }, AT), AT);
  assertThrows(() => it.read({ event: "x", when: "soon" }, undefined), EventError, '"when"');
});

Deno.test("Intake.read() refuses what has no usable name, known or not", () => {
  const it = intake({ mapping: { bitmap: ["ip"] } });
  for (let round = 0; round < 2; round++) {
    assertThrows(() => it.read({ ip: "1" }, AT), EventError, '"event"');
    assertThrows(() => it.read({ event: "~:" }, AT), EventError, '"event"');
    assertThrows(() => it.read([], AT), EventError, "wanted an object");
    assertEquals(it.read({ event: "x" }, AT), AT);
  }
});
