import { assert, assertEquals, assertInstanceOf, assertStringIncludes } from "@std/assert";
import fc from "fast-check";
import { ProtocolError } from "../../src/base/errors.ts";
import {
  type Command,
  commandLine,
  MAX_EVENTS_PER_LINE,
  parseLine,
  recordLine,
  recordManyLine,
} from "../../src/protocol/commands.ts";
import { Session } from "../../src/protocol/session.ts";
import { FakeTarget } from "./_fake_target.ts";

const name = fc.string({ unit: "binary", minLength: 1 }).map((text) => text.toWellFormed());
const instant = fc.oneof(fc.double({ noNaN: true, noDefaultInfinity: true }), fc.string());
const globs = fc.oneof(name, fc.array(name));
const filter = fc.record({
  unit: fc.constantFrom("d" as const, "h" as const),
  accept: globs,
  allow: globs,
  ignore: globs,
  select: fc.constantFrom("add/event" as const, { type: "adv" as const, key: ["a"], addKey: "b" }),
}, { requiredKeys: [] });
const range = fc.tuple(instant, instant, filter).map(([from, to, rest]) => ({ from, to, ...rest }));
const command: fc.Arbitrary<Command> = fc.oneof(
  fc.record({ cmd: fc.constant("query" as const), options: range }),
  fc.record({
    cmd: fc.constant("query_days" as const),
    days: fc.integer({ min: 1 }),
    options: filter,
  }),
  fc.record({
    cmd: fc.constant("find" as const),
    options: range,
    select: fc.record({
      type: fc.constantFrom("bmp" as const, "add" as const, "adv" as const, "top" as const),
      key: name,
      addKey: name,
    }, { requiredKeys: ["type", "key"] }),
    merge: fc.boolean(),
  }),
  fc.record({ cmd: fc.constant("auth" as const), token: fc.string() }),
  fc.constantFrom({ cmd: "ping" as const }, { cmd: "stats" as const }),
);

/** As JSON has it: without -0. */
const asJson = (value: unknown): unknown => JSON.parse(JSON.stringify(value));

Deno.test("parseLine reads what commandLine writes", () => {
  fc.assert(fc.property(command, (command) => {
    const line = commandLine(command);
    assert(line.endsWith("\n") && line.indexOf("\n") === line.length - 1);
    assertEquals<unknown>(parseLine(line), { command: asJson(command), id: undefined });
  }));
});

Deno.test("parseLine reads what recordLine and recordManyLine write, whatever the event", () => {
  const event = fc.jsonValue();
  const at = fc.option(fc.oneof(fc.integer(), fc.string()), { nil: undefined });
  fc.assert(fc.property(event, at, (event, at) => {
    const line = recordLine(JSON.stringify(event), at === undefined ? at : JSON.stringify(at));
    assertEquals(asJson(parseLine(line).command), asJson({ cmd: "record", event, at }));
    const many = recordManyLine(
      [JSON.stringify(event), "{}"],
      at === undefined ? undefined : [JSON.stringify(at), "null"],
    );
    assertEquals(
      asJson(parseLine(many).command),
      asJson({ cmd: "record_many", events: [event, {}], at: at === undefined ? at : [at, null] }),
    );
  }));
});

Deno.test("parseLine never throws and echoes any id", () => {
  const junk = fc.oneof(
    fc.string(),
    fc.json(),
    fc.dictionary(
      fc.constantFrom(
        "cmd",
        "event",
        "events",
        "at",
        "min",
        "max",
        "days",
        "key",
        "unit",
        "select",
      ),
      fc.oneof(fc.jsonValue(), fc.constantFrom("record", "record_many", "query", "find", "stats")),
    ).map((fields) => JSON.stringify(fields)),
  );
  fc.assert(fc.property(junk, (line) => {
    parseLine(line);
  }));
  fc.assert(fc.property(fc.jsonValue(), fc.boolean(), (id, known) => {
    const parsed = parseLine(JSON.stringify({ cmd: known ? "ping" : "pong", id }));
    assertEquals(JSON.parse(parsed.id!), asJson(id));
  }));
});

Deno.test("parseLine survives 500,000 levels of nesting in any place", async () => {
  const deep = "[".repeat(500_000) + "]".repeat(500_000);
  const session = new Session(new FakeTarget());
  for (
    const line of [
      deep,
      `{"cmd":${deep}}`,
      `{"cmd":"ping","id":${deep}}`,
      `{"cmd":"ping","ignored":${deep}}`,
      `{"cmd":"record","event":{"event":"a","deep":${deep}}}`,
      `{"cmd":"record","event":{"event":"a"},"at":${deep}}`,
      `{"cmd":"query","min":0,"max":0,"accept":${deep}}`,
      "[".repeat(500_000),
      '{"a":'.repeat(150_000),
    ]
  ) {
    session.push(line);
    const reply = await session.settle();
    assert(/^\{"success":(true|false)/.test(reply) && reply.endsWith("}\n"), line.slice(0, 40));
  }
});

Deno.test("parseLine refuses more events than a reply could report on", () => {
  const line = (count: number) => recordManyLine(Array.from({ length: count }, () => "0"));
  const { command } = parseLine(line(MAX_EVENTS_PER_LINE + 1));
  assertInstanceOf(command, ProtocolError);
  assertStringIncludes(command.message, "65537 events");
  assertEquals((parseLine(line(MAX_EVENTS_PER_LINE)).command as Command).cmd, "record_many");
});

Deno.test("parseLine never shows a token in an error", () => {
  const { command } = parseLine('{"cmd":"auth","token":["hunter2"]}');
  assertInstanceOf(command, ProtocolError);
  assertEquals(command.message.includes("hunter2"), false);
});
