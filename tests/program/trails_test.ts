import { assertEquals, assertStringIncludes } from "@std/assert";
import { Client } from "../../src/client/client.ts";
import { Folder, run, Server } from "./_program.ts";

const PROGRAM = `foreach %t in @list
  start ->
    receive
      type = %t -> yield $n, yield page to &pages, repeat
      * -> repeat
`;

/** Files of a program, parameters and events. */
async function files(folder: Folder): Promise<string[]> {
  await Deno.writeTextFile(folder.file("p.tr"), PROGRAM);
  await Deno.writeTextFile(folder.file("params.json"), '{"@list": [["a"], ["b"]]}');
  await Deno.writeTextFile(
    folder.file("e.ndjson"),
    '{"u":"x","time":1,"type":"a","page":"=1,2"}\n{"u":"x","time":2,"type":"a","page":"q"}\n' +
      '{"u":"y","time":3,"type":"a","page":"q"}\n',
  );
  return [
    "--by",
    "u",
    "--params",
    folder.file("params.json"),
    folder.file("p.tr"),
    folder.file("e.ndjson"),
  ];
}

Deno.test("traqq trails run prints a table, JSON, NDJSON and CSV", async () => {
  await using folder = new Folder();
  const args = await files(folder);
  const of = async (...more: string[]) => {
    const allow = [`--allow-read=${folder.path}`];
    const { code, out, err } = await run({ allow, args: ["trails", "run", ...args, ...more] });
    assertEquals([code, err], [0, ""]);
    return out;
  };
  assertEquals(
    await of("--limit", "1"),
    "%t  $n\na    3\nb    0\n\n%t  &pages    count\na   q             2\na   … 1 more\n",
  );
  assertEquals(
    await of("--format", "json"),
    '[\n  {"%t":"a","$n":3,"&pages":{"=1,2":1,"q":2}},\n  {"%t":"b","$n":0,"&pages":{}}\n]\n',
  );
  assertEquals(
    await of("--format", "ndjson"),
    '{"vars":{"%t":"a"},"result":"$n","value":3}\n' +
      '{"vars":{"%t":"a"},"result":"&pages","tuple":"=1,2","value":1}\n' +
      '{"vars":{"%t":"a"},"result":"&pages","tuple":"q","value":2}\n' +
      '{"vars":{"%t":"b"},"result":"$n","value":0}\n',
  );
  assertEquals(
    await of("--format", "csv", "--escape-formulas"),
    '%t,result,tuple,value\na,$n,,3\na,&pages,"\'=1,2",1\na,&pages,q,2\nb,$n,,0\n',
  );
});

Deno.test("traqq trails run takes filters, window files and exclude files", async () => {
  await using folder = new Folder();
  const args = await files(folder);
  await Deno.writeTextFile(folder.file("w.csv"), "x,1,2\ny,0,0\n");
  await Deno.writeTextFile(folder.file("x.txt"), "y\n");
  const n = async (...more: string[]) => {
    const allow = [`--allow-read=${folder.path}`];
    const all = ["trails", "run", ...args, "--format", "json", ...more];
    const { out, err } = await run({ allow, args: all });
    const [row] = JSON.parse(out || err);
    return row.$n;
  };
  assertEquals(await n("--filter", '{"clauses":[[{"field":"page","value":"q"}]]}'), 2);
  assertEquals(await n("--window-file", folder.file("w.csv")), 2);
  assertEquals(
    await n("--window-file", folder.file("w.csv"), "--exclude-file", folder.file("x.txt")),
    1,
  );
});

Deno.test("traqq trails run goes without workers where Deno does not let them start", async () => {
  await using folder = new Folder();
  const args = [...await files(folder), "--workers", "2", "--format", "json"];
  const results = await Promise.all(
    [`--allow-read=${folder.path}`, "--allow-read"].map((flag) =>
      run({ allow: [flag], args: ["trails", "run", ...args] })
    ),
  );
  for (const { code, out, err } of results) {
    assertEquals([code, err, JSON.parse(out)[0].$n], [0, "", 3]);
  }
});

Deno.test("traqq trails run says what it left out, and exits with 1", async () => {
  await using folder = new Folder();
  const args = await files(folder);
  await Deno.writeTextFile(folder.file("e.ndjson"), '{"u":"x","time":1,"type":"a"}\nnot json\n');
  const allow = [`--allow-read=${folder.path}`];
  const { code, out, err } = await run({
    allow,
    args: ["trails", "run", ...args, "--format", "csv"],
  });
  assertEquals(code, 1);
  assertStringIncludes(out, "a,$n,,1\n");
  assertStringIncludes(err, "traqq: line 2: Cannot use a line: it is not JSON");
  assertStringIncludes(err, "traqq: 1 event is not in these results\n");
});

Deno.test("traqq trails test and check tell what is wrong with a program", async () => {
  await using folder = new Folder();
  const file = folder.file("p.tr");
  const allow = [`--allow-read=${folder.path}`];
  const tests =
    '-- unit tests --\n-- {"tests": [{"desc": "one", "trails": [{}], "expected": {"$n": 1}}]}';
  await Deno.writeTextFile(file, `s ->\n  receive\n    * -> yield $n\n${tests}\n`);
  const failed = await run({ allow, args: ["trails", "test", file] });
  assertEquals(
    [failed.code, failed.out],
    [1, `${file}: one: expected {"$n":1}, received {"$n":0}\n${file}: 0 passed, 1 failed\n`],
  );
  const checked = await run({ allow, args: ["trails", "check", file] });
  assertEquals([checked.code, checked.out], [0, `${file}: yields $n; needs nothing\n`]);
  await Deno.writeTextFile(file, "s ->\n  receive\n    * => quit\n");
  const wrong = await run({ allow, args: ["trails", "check", file] });
  assertEquals(
    [wrong.code, wrong.err],
    [1, `traqq: Cannot use ${file}:3:7: found =; wanted -> behind *\n`],
  );
});

Deno.test("traqq trails: wrong usage exits with 2 and one line", async () => {
  const usage = async (message: string, ...args: string[]) => {
    const { code, err } = await run({ args: ["trails", ...args] });
    assertEquals([code, err], [2, `traqq: ${message} (see traqq trails --help)\n`]);
  };
  await usage("trails needs a word that says what to do, such as traqq trails run");
  await usage(
    'trails cannot do "walk": there is run, test, check, draw, funnel, sessions, retention, paths',
    "walk",
  );
  await usage("trails run needs a program, such as sessions.tr", "run");
  await usage("trails run needs data, such as events.tdb", "run", "p.tr");
  const asked = "funnel, sessions, retention, paths";
  await usage(`--by is for trails run, ${asked}`, "test", "p.tr", "--by", "u");
  await usage("--step is for trails funnel", "run", "p.tr", "--step", "u");
  await usage("trails funnel needs data, such as events.tdb", "funnel", "--step", "a");
  await usage(
    "Cannot make a funnel: wanted 1 to 30 steps, received 0",
    "funnel",
    "events.ndjson",
  );
});

const LIVE = `start ->
  receive
    event = "cart", shop = %shop -> carted
    * -> repeat
carted ->
  receive
    event = "buy" -> yield cookie to &bought, start
    * -> repeat
  after 1h -> yield $left, start
`;

Deno.test("traqq serve --trails records what a program yields, and says at the end what it lacks", async () => {
  await using folder = new Folder();
  await Deno.writeTextFile(`${folder.path}/cart.tr`, LIVE);
  await Deno.writeTextFile(`${folder.path}/shop.json`, '{"%shop": "x"}');
  const flags = ["--trails-user", "user", "--trails-params", "shop.json"];
  await using server = await Server.start(
    folder.path,
    ...["--storage", "memory", "--add", "event", "--add", "event~value", "--trails", "cart.tr"],
    ...flags,
  );
  const at = 1_700_000_000;
  const lines = [["cart", "ada", 0], ["cart", "grace", 1], ["buy", "ada", 60], ["see", "ada", 59]];
  const events = [...lines, ["see", "ada", 3601]].map(([event, user, after]) => ({
    event: { event, user, shop: "x" },
    at: at + Number(after),
  }));
  await using client = await Client.connect(server.address);
  for (const { event, at } of events) await client.record(event, { at });
  const range = { from: at, to: at + 7200 };
  const [counts] = await client.find(range, "add/event", { merge: true });
  assertEquals(counts.type === "add" && { ...counts.counts }, {
    "cart": 2,
    "buy": 1,
    "see": 2,
    "trails.bought": 1,
    "trails.left": 1,
  });
  const { code, err } = await server.stop();
  assertEquals([code, err.includes("What --trails has counted is not all: late events 1")], [
    0,
    true,
  ]);
});

Deno.test("traqq serve --trails: wrong usage exits with 2, a wrong program with 1", async () => {
  await using folder = new Folder();
  await Deno.writeTextFile(
    `${folder.path}/all.tr`,
    "foreach %v\n  start ->\n    receive\n      a = %v -> yield $n, repeat\n",
  );
  const serve = async (...args: string[]) => {
    const { code, err } = await run({
      cwd: folder.path,
      allow: ["--allow-read", "--allow-net"],
      args: ["serve", "--addr", "127.0.0.1:0", "--storage", "memory", ...args],
    });
    return `${code} ${err}`;
  };
  const usage = "(see traqq serve --help)\n";
  assertEquals(
    await serve("--trails-user", "u"),
    `2 traqq: --trails-user needs --trails, the program ${usage}`,
  );
  assertEquals(
    await serve("--trails", "all.tr"),
    `2 traqq: --trails needs --trails-user, the property with the user ${usage}`,
  );
  assertEquals(
    (await serve("--trails", "all.tr", "--trails-user", "u", "--workers", "2")).startsWith(
      "2 traqq: --trails cannot be used with --workers",
    ),
    true,
  );
  assertEquals(
    (await serve("--trails", "all.tr", "--trails-user", "u")).startsWith(
      "1 traqq: Cannot attach all.tr: its foreach goes over all values",
    ),
    true,
  );
});
