/** The JSON of the Rust crate: src/procession/crate_json.ts and crate_reader.ts. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { Procession } from "../../procession.ts";
import { isFloat32 } from "../../src/procession/crate_json.ts";

const START_MS = Date.parse("2025-01-01T00:00:00Z");

function procession() {
  const clock = { nowMs: START_MS };
  return { clock, p: new Procession({ now: () => clock.nowMs }) };
}

/** As serde_json 1 writes what the crate 0.2 holds. */
const WHOLE = '{"chunks":[{"reference_time":"2025-01-01 00:00:00.0 +00:00:00","events":[' +
  '{"entry":{"Counter":{"value":1,"op":"Add"}},"ms":0,"label":1},' +
  '{"entry":{"Gauge":{"value":1.5,"op":"Set"}},"ms":1,"label":2},' +
  '{"entry":{"Histogram":{"value":0.2}},"ms":2,"label":3}]},' +
  '{"reference_time":"2025-01-01 01:00:00.0 +00:00:00","events":[' +
  '{"entry":{"Counter":{"value":4294967295,"op":"Set"}},"ms":0,"label":1},' +
  '{"entry":{"Gauge":{"value":-1.5,"op":"Sub"}},"ms":65535,"label":2}]}],' +
  '"labels":[{"key_name":"hits","labels":[["k","v"]],"value":1},' +
  '{"key_name":"depth","labels":[["a","1"],["b","2"]],"value":2},' +
  '{"key_name":"size","labels":[],"value":3}]}';

const LINES = [
  '{"when":"2025-01-01 00:00:00.0 +00:00:00","event":{"Counter":{"value":1,"op":"Add"}},"key":"hits","labels":[["k","v"]]}',
  '{"when":"2025-01-01 00:00:00.001 +00:00:00","event":{"Gauge":{"value":1.5,"op":"Set"}},"key":"depth","labels":[["a","1"],["b","2"]]}',
  '{"when":"2025-01-01 00:00:00.002 +00:00:00","event":{"Histogram":{"value":0.2}},"key":"size","labels":[]}',
  '{"when":"2025-01-01 01:00:00.0 +00:00:00","event":{"Counter":{"value":4294967295,"op":"Set"}},"key":"hits","labels":[["k","v"]]}',
  '{"when":"2025-01-01 01:01:05.535 +00:00:00","event":{"Gauge":{"value":-1.5,"op":"Sub"}},"key":"depth","labels":[["a","1"],["b","2"]]}',
];

/** A procession with these events. */
function same(): Procession {
  const { p, clock } = procession();
  p.counter("hits", { k: "v" }).increment();
  clock.nowMs += 1;
  p.gauge("depth", { a: "1", b: "2" }).set(1.5);
  clock.nowMs += 1;
  p.histogram("size").record(0.2);
  clock.nowMs = START_MS + 3_600_000;
  p.counter("hits", { k: "v" }).absolute(4294967295);
  clock.nowMs += 65_535;
  p.gauge("depth", { b: "2", a: "1" }).decrement(-1.5);
  return p;
}

Deno.test("toJSON() and jsonLines() write what the crate writes, to the byte", () => {
  assertEquals(JSON.stringify(same()), WHOLE);
  assertEquals(JSON.stringify({ p: same() }), `{"p":${WHOLE}}`);
  assertEquals([...same().jsonLines()], LINES);
  assertEquals([...same().jsonPieces()].join(""), WHOLE);
  assertEquals(JSON.stringify(new Procession()), '{"chunks":[],"labels":[]}');
  assertEquals([...new Procession().jsonPieces()].join(""), '{"chunks":[],"labels":[]}');
});

Deno.test("fromJSON() reads each form of the crate's JSON", () => {
  const wanted = [...same().events()];
  const array = LINES.map((line) => JSON.parse(line));
  const forms = {
    "a whole procession": JSON.parse(WHOLE),
    "its text": WHOLE,
    "its text, pretty": JSON.stringify(JSON.parse(WHOLE), null, 2),
    "an array of events": array,
    "its text as one": JSON.stringify(array),
    "lines": LINES,
    "lines as text": `${LINES.join("\n")}\n`,
    "lines with Windows line ends": LINES.join("\r\n"),
    "an iterable": same().jsonLines(),
    "what toJSON gives": same().toJSON(),
    "another order of members": array.map(({ when, event, key, labels }) => ({
      labels,
      more: 1,
      key,
      event,
      when,
    })),
  };
  for (const [name, form] of Object.entries(forms)) {
    assertEquals([...Procession.fromJSON(form).events()], wanted, name);
  }
  assertEquals([...Procession.fromJSON(LINES[0]).events()], wanted.slice(0, 1));
  assertEquals([...Procession.fromJSON(array[1]).events()], wanted.slice(1, 2));
  assertEquals([Procession.fromJSON(""), Procession.fromJSON([])].map((p) => p.eventCount), [0, 0]);
  assertEquals(Procession.fromJSON(same().toJSON({ name: "hits" })).eventCount, 2);
  assertEquals(Procession.fromJSON([...same().jsonLines({ from: START_MS + 2 })]).eventCount, 3);
});

Deno.test("a number of the crate's own comes back as it writes it, others are refused", () => {
  const float = fc.float({ noNaN: true, noDefaultInfinity: true });
  fc.assert(fc.property(float, (value) => assert(isFloat32(value))));
  // Six digits survive a 32-bit float.
  fc.assert(fc.property(
    fc.integer({ min: -999_999, max: 999_999 }),
    fc.integer({ min: -30, max: 30 }),
    (digits, exponent) => assert(isFloat32(Number(`${digits}e${exponent}`))),
  ));
  for (const value of [0.2, -0, 16_777_216 * 2, 3.4028234663852886e38, 1e-45, 0.0123]) {
    assert(isFloat32(value), `${value}`);
  }
  for (const value of [0.1 + 0.2, 1 / 3, 16_777_217, 1e39, -1e300, NaN, Infinity, 1e-50, Math.PI]) {
    assert(!isFloat32(value), `${value}`);
  }
});

Deno.test("what the crate cannot hold is refused, and said; the wide form holds it", () => {
  const wide = (record: (p: Procession) => void, message: string) => {
    const { p } = procession();
    record(p);
    for (const write of [() => p.toJSON(), () => JSON.stringify(p), () => [...p.jsonLines()]]) {
      const error = assertThrows(write, RangeError, message) as Error;
      assert(error.message.includes("{ wide: true }"), error.message);
    }
    const wanted = [...p.events()];
    const forms = [
      p.toJSON({ wide: true }),
      JSON.stringify(p.toJSON({ wide: true })),
      p.jsonLines({ wide: true }),
      [...p.jsonPieces({ wide: true })].join(""),
    ];
    for (const form of forms) assertEquals([...Procession.fromJSON(form).events()], wanted);
  };
  wide(
    (p) => p.counter("c", { k: "v" }).increment(2 ** 32),
    'counter c{k="v"} has the value 4294967296',
  );
  wide((p) => p.counter("c").increment(2 ** 53), "32 bits");
  wide((p) => p.counter("c").increment(0.5), "32 bits");
  wide((p) => p.gauge("g").set(1 / 3), "gauge g has the value 0.333");
  wide((p) => p.gauge("g").set(NaN), "NaN");
  wide((p) => p.gauge("g").set(-Infinity), "-Infinity");
  wide((p) => p.histogram("h").record(1e-300), "1e-300");
});

Deno.test("-0 is written so that it comes back", () => {
  const { p } = procession();
  p.gauge("g").set(-0);
  const text = JSON.stringify(p);
  assert(text.includes('{"Gauge":{"value":-0.0,"op":"Set"}}'), text);
  for (const form of [text, p.toJSON(), p.jsonLines()]) {
    const [event] = Procession.fromJSON(form).events();
    assert(Object.is(event.value, -0));
  }
});

Deno.test("more than 65,535 label sets are refused; kinds of one name share theirs", () => {
  const { p } = procession();
  p.counter("m", { k: "v" }).increment();
  p.gauge("m", { k: "v" }).set(1);
  assertEquals(p.toJSON().labels, [{ key_name: "m", labels: [["k", "v"]], value: 1 }]);
  assertEquals([...Procession.fromJSON(p.toJSON()).events()], [...p.events()]);
  for (let i = 1; i < 65_535; i++) p.counter("hits", { user: `${i}` }).increment();
  assertEquals(p.toJSON().labels.at(-1)!.value, 65_535);
  p.counter("hits", { user: "more" }).increment();
  assertThrows(() => p.toJSON(), RangeError, "65535 label sets");
  assertEquals(p.toJSON({ wide: true }).labels.length, 65_536);
  // Lines have no numbers.
  assertEquals([...p.jsonLines()].length, 65_537);
});

Deno.test("a time that the crate has no words for is refused", () => {
  for (const ms of [Date.parse("9999-12-31T23:59:59.999Z") + 1, -1e14]) {
    const p = new Procession({ now: () => ms });
    p.counter("c").increment();
    assertThrows(() => p.toJSON({ wide: true }), RangeError, "not in the years 0 to 9999");
    assertEquals(Procession.fromBytes(p.toBytes()).events().next().value!.timestampMs, ms);
  }
});

Deno.test("fromJSON() says what is wrong, and where", () => {
  const bad = (value: unknown, message: string, type: typeof Error = TypeError) => {
    const error = assertThrows(() => Procession.fromJSON(value), type, message) as Error;
    assert(error.message.startsWith("Cannot read a procession: "), error.message);
  };
  const line = JSON.parse(LINES[0]);
  const whole = JSON.parse(WHOLE);
  bad(5, "a whole procession or events, received 5");
  bad(null, "received null");
  bad("7", "received 7");
  bad([7], "event 0 to be an object");
  bad(`${LINES[0]}\n{"when":`, "line 2 is not JSON", SyntaxError);
  bad([LINES[0], "oh"], "event 1 is not JSON", SyntaxError);
  bad([{ ...line, when: "yesterday" }], 'when of event 0 to be a time such as "2025-01-01');
  bad([{ ...line, key: 5 }], "key of event 0 to be a string");
  bad([{ ...line, labels: { k: "v" } }], "labels of event 0 to be an array");
  bad([{ ...line, labels: [["k", 5]] }], "a string, received 5");
  bad([{ ...line, labels: [["k"]] }], "pairs");
  bad([{ ...line, labels: [["k", "1"], ["k", "2"]] }], "each label once");
  bad([line, { ...line, event: { Meter: { value: 1 } } }], "event of event 1");
  bad([{ ...line, event: { Counter: { value: -1, op: "Add" } } }], "a number from 0");
  bad([{ ...line, event: { Counter: { value: 1, op: "Sub" } } }], '"Add" or "Set", received "Sub"');
  bad([{ ...line, event: { Gauge: { value: null, op: "Set" } } }], "NaN and infinities");
  bad([{ ...line, event: { Gauge: { value: "5", op: "Set" } } }], 'a number, received "5"');
  bad([{ ...line, event: { Gauge: { value: 5 } } }], 'op in event of event 0 to be "Add", "Sub"');
  bad({ ...whole, labels: undefined }, "labels to be an array");
  bad({ ...whole, labels: [...whole.labels, whole.labels[0]] }, "two label sets have the number 1");
  bad({ ...whole, labels: whole.labels.slice(1) }, "chunks[0].events[0].label to be a number of");
  bad(
    { ...whole, chunks: [{ ...whole.chunks[0], reference_time: 0 }] },
    "chunks[0].reference_time",
  );
  bad({ ...whole, chunks: [{ ...whole.chunks[0], events: [{ label: 1, ms: 65_536 }] }] }, "65535");
});
