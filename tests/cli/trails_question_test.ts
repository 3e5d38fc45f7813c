import { assertEquals, assertStringIncludes } from "@std/assert";
import { decode } from "@msgpack/msgpack";
import { main } from "../../src/cli/main.ts";
import { TrailProgram } from "../../src/trails/mod.ts";
import { FakeTerminal } from "./_fake_terminal.ts";

const EVENTS = [
  ["ada", 0, "visit", "de"],
  ["ada", 60, "signup", "de"],
  ["ada", 4000, "buy", "fr"],
  ["grace", 10, "visit", "fr"],
  ["grace", 20, "visit", "fr"],
  ["linus", 90_000, "visit", "=x"],
].map(([user, time, event, geo]) => JSON.stringify({ user, time, event, geo })).join("\n");

/** What the command prints about those events. */
async function asked(args: string[], columns?: number): Promise<FakeTerminal> {
  const file = await Deno.makeTempFile({ suffix: ".ndjson" });
  try {
    await Deno.writeTextFile(file, EVENTS);
    const terminal = new FakeTerminal({ columns });
    const code = await main(["trails", ...args, "--by", "user", file], terminal);
    assertEquals([code, terminal.errText], [0, ""]);
    return terminal;
  } finally {
    await Deno.remove(file);
  }
}

const FUNNEL = ["funnel", "--step", "visit", "--step", "signup", "--step", "buy"];

Deno.test("traqq trails funnel draws bars, with shares of the first and the previous step", async () => {
  const { outText } = await asked(FUNNEL);
  assertEquals(
    outText,
    `step                                          users  of first  of previous
1 event = "visit"   ████████████████████████      3      100%
2 event = "signup"  ████████                      1       33%          33%
3 event = "buy"     ████████                      1       33%         100%
`,
  );
  const late = await asked([...FUNNEL, "--within", "1h", "--format", "csv"]);
  assertStringIncludes(late.outText, '3,"event = ""buy""",0\n');
});

Deno.test("traqq trails funnel --per has rows for each value, in every format", async () => {
  const args = [...FUNNEL.slice(0, 5), "--per", "geo"];
  assertEquals(
    (await asked([...args, "--format", "csv", "--escape-formulas"])).outText,
    'by,step,condition,users\n\'=x,1,"event = ""visit""",1\n\'=x,2,"event = ""signup""",0\n' +
      'de,1,"event = ""visit""",1\nde,2,"event = ""signup""",1\n' +
      'fr,1,"event = ""visit""",1\nfr,2,"event = ""signup""",0\n',
  );
  const lines = (await asked([...args, "--format", "ndjson"])).outText.trimEnd().split("\n");
  assertEquals(JSON.parse(lines[3]), {
    by: "de",
    step: 2,
    condition: 'event = "signup"',
    users: 1,
  });
  const json = JSON.parse((await asked([...args, "--format", "json"])).outText);
  assertEquals(json.rows.length, 3);
  assertEquals(decode((await asked([...args, "--format", "msgpack"])).outData), json);
  assertStringIncludes((await asked(args)).outText, "begins with  step");
});

Deno.test("traqq trails sessions draws their lengths and when they begin", async () => {
  const { outText } = await asked(["sessions", "--gap", "1h", "--unit", "day"]);
  assertStringIncludes(outText, "    3         4       6           50%   18s      0s\n");
  assertStringIncludes(outText, "1 to 5 m      ████████████                     1\n");
  assertStringIncludes(outText, "1970-01-02  ████████                         1\n");
  assertEquals(
    (await asked(["sessions", "--gap", "1h", "--format", "csv"])).outText,
    "users,sessions,events,single,total_seconds,median_seconds\n3,4,6,2,70,0\n",
  );
  assertEquals(
    (await asked(["sessions", "--gap", "1h", "--unit", "day", "--format", "csv"])).outText,
    "start,sessions\n1970-01-01,3\n1970-01-02,1\n",
  );
});

Deno.test("traqq trails retention draws a table of shares, as wide as the terminal", async () => {
  const args = ["retention", "--start", "visit", "--timezone", "UTC"];
  assertEquals(
    (await asked(args)).outText,
    `day         users       0    1
1970-01-01      2  █ 100%   0%
1970-01-02      1      0%
all             3   ▅ 66%   0%
`,
  );
  const narrow = await asked(args, 33);
  assertEquals(narrow.outText.split("\n").at(-2), "… 1 more day; --format csv has all");
  assertEquals(
    (await asked([...args, "--format", "csv"])).outText,
    "start,users,day,returned\n1970-01-01,2,0,2\n1970-01-01,2,1,0\n1970-01-02,1,0,0\n",
  );
});

Deno.test("traqq trails paths draws whole paths, and gives all beginnings as rows", async () => {
  const args = ["paths", "--field", "event", "--length", "2"];
  assertEquals(
    (await asked([...args, "--limit", "2"])).outText,
    `path                                      paths  share
visit           ████████████████████████      1    33%
visit → signup  ████████████████████████      1    33%
… 1 more
`,
  );
  assertEquals(
    (await asked([...args, "--format", "csv"])).outText,
    "step_1,step_2,count,ended\nvisit,,3,1\nvisit,signup,1,1\nvisit,visit,1,1\n",
  );
});

Deno.test("traqq trails: --print gives a program that is run to the same numbers", async () => {
  const { outText } = await asked([...FUNNEL, "--within", "2h", "--print"]);
  assertEquals(TrailProgram.parse(outText).results, ["#step_1", "#step_2", "#step_3"]);
  const file = await Deno.makeTempFile({ suffix: ".tr" });
  try {
    await Deno.writeTextFile(file, outText);
    const result = JSON.parse((await asked(["run", file, "--format", "json"])).outText);
    assertEquals(result["#step_3"], ["ada"]);
    assertEquals(
      decode((await asked(["run", file, "--format", "msgpack"])).outData),
      result,
    );
    const terminal = new FakeTerminal();
    assertEquals(await main(["trails", "draw", file], terminal), 0);
    assertEquals(terminal.outText, TrailProgram.parse(outText).draw("svg"));
    assertEquals(await main(["trails", "draw", "--format", "mermaid", file], terminal), 0);
    assertStringIncludes(terminal.outText, "flowchart TB");
  } finally {
    await Deno.remove(file);
  }
});

Deno.test("traqq trails: bytes are not sent to a terminal, and wrong questions are wrong usage", async () => {
  const wrong = async (message: string, ...args: string[]) => {
    const terminal = new FakeTerminal({ columns: 80 });
    assertEquals(await main(["trails", ...args], terminal), 2);
    assertStringIncludes(terminal.errText, message);
  };
  await wrong("--format msgpack is no text", "paths", "--format", "msgpack", "e.ndjson");
  await wrong("Cannot use within: wanted a duration", ...FUNNEL, "--within", "soon");
  await wrong("Cannot use mode: wanted calendar or rolling", "retention", "--mode", "x");
  await wrong("--length wants a whole number from 1", "paths", "--length", "0");
  await wrong("trails draw takes one program", "draw", "a.tr", "b.tr");
});
