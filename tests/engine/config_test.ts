import { assertEquals, assertThrows } from "@std/assert";
import { ConfigError } from "../../src/base/errors.ts";
import { readConfig, readPattern } from "../../src/engine/config.ts";

Deno.test("readConfig() fills in every default", () => {
  const defaults = {
    prefix: "traqq",
    mapping: { bitmap: [], add: [{ names: ["event"], text: "event" }], addValue: [], top: [] },
    time: { timezone: undefined, hourly: false, property: undefined },
    limits: {
      maxFieldLength: 128,
      maxValueLength: 512,
      maxCombinations: 1000,
      maxMetricsPerEvent: 1000,
      maxFields: 100_000,
      maxFutureMs: 86_400_000,
      maxBuckets: 50_000,
      maxResultCells: 1_000_000,
    },
    flush: { intervalMs: 1000, maxCells: 50_000, maxBytes: 33_554_432, deadlineMs: 30_000 },
    durability: undefined,
    journal: undefined,
    retention: { d: undefined, h: undefined },
    writer: undefined,
    keeper: undefined,
  };
  assertEquals(readConfig({}), defaults);
  assertEquals(readConfig({ limits: {}, flush: {}, time: {}, retention: {} }), defaults);
  assertEquals(readConfig({ limits: { maxFields: undefined }, prefix: undefined }), defaults);
});

Deno.test("readConfig() takes every option", () => {
  const config = readConfig({
    storage: {},
    onError: () => {},
    prefix: "shop: é",
    mapping: { bitmap: ["b~a"], top: ["z~y~x~w"], addValue: [{ key: "g~e", addKey: "amount" }] },
    time: { timezone: "Europe/Berlin", hourly: true, property: "created at" },
    limits: { maxFields: 1 },
    flush: { intervalMs: 1, maxCells: 1, maxBytes: 1, deadlineMs: 2_147_483_647 },
    durability: "storage",
    retention: { d: "400d", h: "36h" },
    writer: "a-1.b_C",
  });
  assertEquals(config.prefix, "shop: é");
  assertEquals(config.mapping, {
    bitmap: [{ names: ["a", "b"], text: "a~b" }],
    add: [],
    addValue: [{ pattern: { names: ["e", "g"], text: "e~g" }, addKey: "amount" }],
    top: [{ names: ["w", "x", "y", "z"], text: "w~x~y~z" }],
  });
  assertEquals(config.time, { timezone: "Europe/Berlin", hourly: true, property: "created at" });
  assertEquals([config.limits.maxFields, config.limits.maxBuckets], [1, 50_000]);
  assertEquals(config.flush.deadlineMs, 2_147_483_647);
  assertEquals([config.durability, config.writer], ["storage", "a-1.b_C"]);
  assertEquals(config.retention, { d: 400 * 86_400, h: 36 * 3600 });
  assertEquals(readConfig({ retention: { d: "12w" } }).retention.d, 12 * 7 * 86_400);
});

Deno.test("readConfig() names the option, its value and what is allowed", () => {
  const bad = (options: unknown, message: string) => {
    assertThrows(() => readConfig(options), ConfigError, message);
  };
  bad(null, "Cannot use options: wanted an object, received null");
  bad([], "Cannot use options: wanted an object, received []");
  bad("x", 'received "x"');
  bad({ prefx: "a" }, 'Cannot use options: there is no "prefx", only storage, prefix, mapping');
  bad(JSON.parse('{"__proto__":{"prefix":"a"}}'), 'there is no "__proto__"');
  bad({ constructor: 1 }, 'there is no "constructor"');
  bad({ prefix: "" }, 'Cannot use prefix: wanted 1 to 256 bytes of text, received ""');
  bad({ prefix: 7 }, "received 7");
  bad({ prefix: "é".repeat(129) }, "wanted 1 to 256 bytes");
  bad({ prefix: "a\ud800" }, "Cannot use prefix");

  bad({ mapping: [] }, "Cannot use mapping: wanted an object, received []");
  bad({ mapping: { adds: [] } }, 'there is no "adds", only bitmap, add, addValue, top');
  bad({ mapping: { add: "event" } }, 'Cannot use mapping.add: wanted an array, received "event"');
  bad({ mapping: { add: null } }, "wanted an array, received null");
  bad(
    { mapping: { add: [""] } },
    'Cannot use mapping.add[0]: wanted the name of a property, received ""',
  );
  bad(
    { mapping: { add: ["a", "a~~b"] } },
    "Cannot use mapping.add[1]: wanted the name of a property",
  );
  bad({ mapping: { top: ["~"] } }, "Cannot use mapping.top[0]");
  bad(
    { mapping: { bitmap: [7] } },
    "Cannot use mapping.bitmap[0]: wanted property names joined by ~, received 7",
  );
  bad({ mapping: { add: ["a~b~a"] } }, 'the property "a" stands in it twice');
  bad(
    { mapping: { add: ["a~b", "c", "b~a"] } },
    'Cannot use mapping.add: "a~b" stands in it twice',
  );
  bad({ mapping: { bitmap: ["a", "a"] } }, 'Cannot use mapping.bitmap: "a" stands in it twice');
  for (const name of ["a:b", "{a", "a}", "a\ud800"]) {
    bad({ mapping: { add: [name] } }, 'wanted a property name without ":", "{", "}" and "~"');
    bad(
      { mapping: { addValue: [{ key: "a", addKey: name }] } },
      "Cannot use mapping.addValue[0].addKey",
    );
    bad({ time: { property: name } }, "Cannot use time.property");
  }
  bad({ mapping: { addValue: [{ key: "a", addKey: "b~c" }] } }, "addValue[0].addKey");
  bad({ mapping: { add: ["é".repeat(65)] } }, "a property name has at most 128 bytes");
  const long = (letter: string) => letter.repeat(100);
  bad(
    { mapping: { add: [[long("a"), long("b"), long("c")].join("~")] } },
    "a pattern has at most 256 bytes",
  );
  bad(
    { mapping: { addValue: [{ key: "a" }] } },
    "Cannot use mapping.addValue[0].addKey: wanted the name of a property, received nothing",
  );
  bad({ mapping: { addValue: [{ addKey: "a" }] } }, "Cannot use mapping.addValue[0].key");
  bad(
    { mapping: { addValue: ["a"] } },
    'Cannot use mapping.addValue[0]: wanted an object, received "a"',
  );
  bad(
    { mapping: { addValue: [{ key: "a", addKey: "n", x: 1 }] } },
    'there is no "x", only key, addKey',
  );
  bad(
    { mapping: { addValue: [{ key: "a~b", addKey: "n" }, { key: "b~a", addKey: "n" }] } },
    "Cannot use mapping.addValue",
  );
  bad(
    { mapping: { add: ["a", "b"], top: ["a"] }, limits: { maxCombinations: 2 } },
    "Cannot use a mapping with 3 patterns: limits.maxCombinations is 2",
  );

  bad({ time: "UTC" }, "Cannot use time: wanted an object");
  bad({ time: { zone: "UTC" } }, 'there is no "zone", only timezone, hourly, property');
  bad({ time: { timezone: "Mars/Olympus" } }, 'received "Mars/Olympus"');
  bad({ time: { timezone: "" } }, 'received ""');
  bad({ time: { timezone: null } }, "Cannot use time.timezone");
  bad({ time: { timezone: 1 } }, 'wanted a zone such as "Europe/Berlin", received 1');
  bad({ time: { hourly: "yes" } }, 'Cannot use time.hourly: wanted true or false, received "yes"');
  bad({ time: { property: "" } }, "Cannot use time.property");

  for (const value of [0, -1, 1.5, "5", NaN, Infinity, 2 ** 53, null, true]) {
    bad(
      { limits: { maxFields: value } },
      "Cannot use limits.maxFields: wanted a whole number from 1",
    );
    bad({ flush: { maxCells: value } }, "Cannot use flush.maxCells: wanted a whole number from 1");
  }
  bad({ limits: { maxfields: 1 } }, 'there is no "maxfields"');
  bad(
    { flush: { intervalMs: 2_147_483_648 } },
    "Cannot use flush.intervalMs: wanted at most 2147483647 ms",
  );
  bad({ flush: { deadlineMs: 2_147_483_648 } }, "Cannot use flush.deadlineMs");
  bad(
    { durability: "disk" },
    'Cannot use durability: wanted "storage" or nothing, received "disk"',
  );
  for (
    const value of [
      "",
      "0d",
      "1",
      "d",
      "1.5d",
      "-1d",
      "1m",
      "01d",
      " 1d",
      "1d ",
      "1234567d",
      5,
      null,
    ]
  ) {
    bad(
      { retention: { d: value } },
      'Cannot use retention.d: wanted a duration such as "400d", "36h" or "12w"',
    );
    bad({ retention: { h: value } }, "Cannot use retention.h");
  }
  bad({ retention: "400d" }, "Cannot use retention: wanted an object");
  for (const value of ["", "a b", "é", "a/b", "a".repeat(129), null, 7]) {
    bad({ writer: value }, "Cannot use writer: wanted 1 to 128 letters");
  }
});

Deno.test("readConfig() allows one pattern in several types, and one key with several sums", () => {
  readConfig({
    mapping: {
      bitmap: ["a~b"],
      add: ["a~b"],
      top: ["b~a"],
      addValue: [{ key: "a~b", addKey: "n" }, { key: "a~b", addKey: "m" }, {
        key: "a",
        addKey: "a",
      }],
    },
  });
});

Deno.test("readConfig() allows as many patterns as maxCombinations, over all types", () => {
  const mapping = { add: ["a"], top: ["a"], bitmap: ["a"], addValue: [{ key: "a", addKey: "n" }] };
  readConfig({ mapping, limits: { maxCombinations: 4 } });
  assertThrows(
    () => readConfig({ mapping, limits: { maxCombinations: 3 } }),
    ConfigError,
    "4 patterns",
  );
});

Deno.test("readConfig() lets nothing through but what it read", () => {
  const options = { mapping: { add: ["b~a"] } };
  const config = readConfig(options);
  options.mapping.add.push("c");
  assertEquals(config.mapping.add.length, 1);
});

Deno.test("readPattern() sorts by code units", () => {
  assertEquals(readPattern("x", "b~a~B~é~1~_").names, ["1", "B", "_", "a", "b", "é"]);
  assertEquals(readPattern("x", "__proto__~constructor").text, "__proto__~constructor");
  assertEquals(readPattern("x", "geo~event").text, "event~geo");
});

Deno.test("readPattern() takes names and patterns up to their limits in bytes", () => {
  readPattern("x", "a".repeat(128));
  readPattern("x", "é".repeat(64));
  assertEquals(readPattern("x", `${"a".repeat(128)}~${"b".repeat(127)}`).text.length, 256);
  assertThrows(() => readPattern("x", `${"a".repeat(128)}~${"b".repeat(128)}`), ConfigError);
});
