import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { gzipSync } from "node:zlib";
import { main } from "../../src/cli/main.ts";
import { widthOf } from "../../src/cli/draw/text.ts";
import { Procession } from "../../procession.ts";
import { FakeTerminal } from "./_fake_terminal.ts";

const START_MS = Date.parse("2026-01-01T00:00:00Z");

/** Ten seconds: a counter that pauses, a gauge that goes below 0, a histogram. */
function sample(): Procession {
  let now = START_MS;
  const p = new Procession({ now: () => now });
  for (let second = 0; second < 10; second++) {
    if (second < 3 || second > 6) p.counter("hits", { route: "/" }).increment(second + 1);
    p.gauge("depth").set(second - 4);
    p.histogram("latency", { route: "/a\u001b[31m" }).record(second / 1000);
    now += 1000;
  }
  return p;
}

async function show(p: Uint8Array | string, flags: string[] = [], columns?: number) {
  const file = await Deno.makeTempFile();
  try {
    await Deno.writeFile(file, typeof p === "string" ? new TextEncoder().encode(p) : p);
    const terminal = new FakeTerminal(columns === undefined ? {} : { columns });
    const code = await main(["procession", file, ...flags], terminal);
    return { code, out: terminal.outText, err: terminal.errText.replaceAll(file, "FILE") };
  } finally {
    await Deno.remove(file);
  }
}

Deno.test("traqq procession prints a line for each series, whatever the form of the file", async () => {
  const p = sample();
  const { code, out, err } = await show(p.toBytes());
  assertEquals([code, err], [0, ""]);
  const lines = out.split("\n");
  assertEquals(lines[0], "26 events of 3 series");
  const titles = "kind series events per second min mean p50 p90 p99 p99.9 max latest".replace(
    "per ",
    "per_",
  );
  assertEquals(lines[2].split(/ {2,}/), titles.split(" ").map((title) => title.replace("_", " ")));
  const cells = lines.slice(3, -1).map((line) => line.split(/ {2,}/));
  assertEquals(cells.map(([kind, series]) => [kind, series]), [
    ["gauge", "depth"],
    ["counter", 'hits{route="/"}'],
    // What could change the terminal is written out; JSON has done that here.
    ["histogram", 'latency{route="/a\\u001b[31m"}'],
  ]);
  const [depth, hits, latency] = cells;
  assertEquals(depth.slice(2).join(" "), "10 1.11111 -4 0.5 0 4.01 4.01 4.01 5 5");
  assertEquals(hits.slice(2).join(" "), "6 3.66667 1 5.5 2.97 8.94 8.94 8.94 10 33");
  assertEquals([latency[5], latency.at(-1)], ["0.0045", "0.009"]);
  const wide = p.toJSON({ wide: true });
  for (
    const form of [
      JSON.stringify(wide),
      JSON.stringify(wide, null, 2),
      [...p.jsonLines({ wide: true })].join("\n"),
      gzipSync(p.toBytes()),
      gzipSync(JSON.stringify(wide)),
    ]
  ) assertEquals((await show(form)).out, out);
});

Deno.test("traqq procession narrows down by name, label and time", async () => {
  const bytes = sample().toBytes();
  const series = async (...flags: string[]) =>
    (await show(bytes, flags)).out.split("\n").slice(3, -1)
      .map((line) => line.split(/ {2,}/)).map(([, name, events]) => [name, events]);
  assertEquals(await series("--name", "^d|h$"), [["depth", "10"]]);
  assertEquals(await series("--label", "route=/"), [['hits{route="/"}', "6"]]);
  assertEquals(await series("--name", "depth", "--from", "2026-01-01T00:00:08.5Z"), [[
    "depth",
    "1",
  ]]);
  const to = String(START_MS / 1000 + 1.5);
  assertEquals(await series("--name", "depth", "--to", to), [["depth", "2"]]);
  const short = await show(bytes, ["--limit", "1"]);
  assertEquals(short.out.split("\n").slice(4), ["… 2 more; --limit 0 shows all", ""]);
  assertEquals((await show(bytes, ["--limit", "0"])).out, (await show(bytes)).out);
  const nothing = await show(bytes, ["--name", "nothing", "--step", "1s"]);
  assertEquals(nothing.out, "26 events of 3 series\nNothing was recorded there.\n");
});

Deno.test("traqq procession --step draws charts, with gaps as gaps", async () => {
  const { out } = await show(sample().toBytes(), ["--step", "1s", "--name", "hits|depth"]);
  const [, , ...charts] = out.split("\n\n");
  assertEquals(
    charts.join("\n\n"),
    `gauge depth  mean
 5         ▃█
          ▅██
        ▃████
       ▅█████
     ▃███████
    ▅████████
-4 ──────────
   2026-01-01T00:00:00.000Z

counter hits{route="/"}  per second
10         ▃█
          ▆██
          ███
          ███
    ▂▆    ███
   ▅██    ███
 0 ───    ───
   2026-01-01T00:00:00.000Z
`,
  );
});

Deno.test("traqq procession fits the terminal, and breaks a chart that is longer", async () => {
  const bytes = sample().toBytes();
  for (const columns of [40, 80, 200]) {
    const { out } = await show(bytes, ["--step", "100ms", "--name", "depth"], columns);
    for (const line of out.split("\n")) assert(widthOf(line) <= columns, line);
    // 91 steps, beside "-4 ".
    const charts = out.match(/2026-01-01T00:00:0/g)!.length;
    assertEquals(charts, Math.ceil(91 / (columns - 3)));
    // Each step with an event has its line, whatever chart it is in.
    assertEquals(out.match(/─/g)!.length, 10);
  }
  for (const line of (await show(bytes, ["--step", "1s"], 40)).out.split("\n")) {
    assert(widthOf(line) <= 40, line);
  }
});

Deno.test("traqq procession says what is wrong", async () => {
  const bytes = sample().toBytes();
  const bad = async (what: Uint8Array | string, flags: string[], code: number, message: string) => {
    const ended = await show(what, flags);
    assertEquals([ended.code, ended.out], [code, ""]);
    assertStringIncludes(ended.err, message);
  };
  await bad(bytes.slice(0, -1), [], 1, "Cannot read FILE: the bytes are damaged");
  await bad("oh no", [], 1, "Cannot read FILE: line 1 is not JSON");
  await bad(Uint8Array.of(0xff, 0xfe), [], 1, "Cannot read FILE: ");
  await bad(Uint8Array.of(0x1f, 0x8b, 1), [], 1, "Cannot read FILE: ");
  await bad(bytes, ["--name", "("], 2, "--name wants a regular expression");
  await bad(bytes, ["--label", "route"], 2, "--label wants NAME=VALUE");
  await bad(bytes, ["--from", "2026-01-02"], 2, "received a day");
  await bad(bytes, ["--from", "5", "--to", "4"], 2, "--to lies before --from");
  await bad(bytes, ["--step", "0"], 2, "--step wants a duration from 1ms");
  await bad(bytes, ["--step", "1ms", "--to", "2027-01-01T00:00:00Z"], 1, "use a longer step");
  await bad(bytes, ["other"], 2, "procession reads one FILE, received 2");
  const terminal = new FakeTerminal();
  assertEquals(await main(["procession", "/there/is/none"], terminal), 1);
  assertStringIncludes(terminal.errText, "there is no such file");
});
