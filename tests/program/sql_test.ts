import { assertEquals, assertStringIncludes } from "@std/assert";
import { fileURLToPath } from "node:url";
import { tableFromIPC } from "apache-arrow";
import { MemoryStorage, Traqq } from "../../mod.ts";
import { handler } from "../../src/server/http.ts";
import { Series } from "../../src/series/mod.ts";
import { CLI, Folder, run, spawn } from "./_program.ts";

const LINES = `cpu,host=server01 usage=64.5 1609459200000000000
cpu,host=server01 usage=62.3 1609459201000000000
cpu,host=server02 usage=71.2 1609459200000000000`;
const GROUPED =
  "SELECT host, count(*) AS n, max(usage) AS most FROM cpu GROUP BY host ORDER BY host";
const CHECKOUT = fileURLToPath(new URL("../../", import.meta.url));
/** Those of `--series DIR` in its help; from a checkout the worker's modules are files. */
const ALLOW = ["--allow-ffi", `--allow-read=points,${CHECKOUT}`, "--allow-write=points"];

async function written(): Promise<Folder> {
  const folder = new Folder();
  const series = await Series.open({ directory: `${folder.path}/points` });
  await series.write(LINES);
  await series.close();
  return folder;
}

Deno.test("traqq sql --series opens a folder with the permissions that its help names, in every format", async () => {
  await using folder = await written();
  const sql = async (...args: string[]) => {
    const ended = await run({
      cwd: folder.path,
      allow: ALLOW,
      args: ["sql", "--series", "points", ...args],
    });
    assertEquals([ended.err, ended.code], ["", 0]);
    return ended.out;
  };
  assertEquals(
    await sql(GROUPED, "--chart"),
    [
      "host      n  most",
      "server01  2  64.5  ███████████████████████▌",
      "server02  1  71.2  ██████████████████████████",
      "",
      "2 rows\n",
    ].join("\n"),
  );
  assertEquals(
    await sql(GROUPED, "--format", "csv"),
    "host,n,most\r\nserver01,2,64.5\r\nserver02,1,71.2\r\n",
  );
  assertEquals(
    await sql(GROUPED, "--format", "ndjson"),
    '{"host":"server01","n":2,"most":64.5}\n{"host":"server02","n":1,"most":71.2}\n',
  );
  assertEquals(JSON.parse(await sql("SHOW TABLES", "--format", "json")).results, [{
    fields: { name: "cpu" },
  }]);
});

Deno.test("traqq sql reads statements from a file or standard input, and writes Arrow as bytes", async () => {
  await using folder = await written();
  const allow = [...ALLOW.slice(0, 1), `--allow-read=points,report.sql,${CHECKOUT}`, ALLOW[2]];
  const statements = "-- two of them; really\nSELECT 1 AS one;\nSELECT ';' AS two;\n";
  await Deno.writeTextFile(`${folder.path}/report.sql`, statements);
  const table = "one\n  1\n\n1 row\n\ntwo\n;\n\n1 row\n";
  const args = ["sql", "--series", "points"];
  const fromFile = await run({ cwd: folder.path, allow, args: [...args, "--file", "report.sql"] });
  assertEquals([fromFile.out, fromFile.err], [table, ""]);
  const fromInput = await run({ cwd: folder.path, allow, args, stdin: statements });
  assertEquals([fromInput.out, fromInput.err], [table, ""]);

  const command = new Deno.Command(Deno.execPath(), {
    args: ["run", "--no-prompt", "--quiet", ...ALLOW, CLI, ...args, "--format", "arrow", GROUPED],
    cwd: folder.path,
  });
  const { stdout } = await command.output();
  assertEquals(tableFromIPC(stdout).getChild("n")!.toArray(), BigInt64Array.of(2n, 1n));
});

Deno.test("traqq sql --server asks a running server, with the token of the environment", async () => {
  const traqq = await Traqq.open({ storage: new MemoryStorage() });
  await using series = await Series.open({ durability: "none" });
  await series.write(LINES);
  const answer = handler(traqq, { series, token: "secret" });
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, answer);
  const host = `127.0.0.1:${server.addr.port}`;
  const sql = (args: string[], env: Record<string, string> = { TRAQQ_TOKEN: "secret" }) =>
    run({
      allow: [`--allow-net=${host}`, "--allow-env=TRAQQ_TOKEN"],
      args: ["sql", "--server", `http://${host}`, ...args],
      env,
    });
  try {
    const table = await sql([GROUPED]);
    assertEquals([table.out, table.err, table.code], [
      "host      n  most\nserver01  2  64.5\nserver02  1  71.2\n\n2 rows\n",
      "",
      0,
    ]);
    const cut = await sql(["FROM range(1000)", "--limit", "2"]);
    assertEquals(cut.out, "range\n    0\n    1\n\nthe first 2 rows; --limit 0 shows all\n");
    const csv = await sql(["FROM range(100000)", "--format", "csv"]);
    assertEquals(csv.out.split("\r\n").length, 100_002);

    const refused = await sql(["SELECT * FROM read_text('/etc/passwd')"]);
    assertEquals([refused.out, refused.code], ["", 1]);
    assertStringIncludes(refused.err, "read_text() cannot be called here");
    const stranger = await sql([GROUPED], {});
    assertEquals(stranger.code, 1);
    assertStringIncludes(stranger.err, "The server wants a token");
    const broken = await sql(["FROM range(1000001)", "--format", "ndjson"]);
    assertEquals(broken.code, 1);
    assertStringIncludes(broken.err, "the server broke it off");
  } finally {
    await answer.close();
    await server.shutdown();
    await traqq.close();
  }
});

Deno.test("traqq sql is cancelled by Ctrl-C, and the folder can be opened again", async () => {
  await using folder = await written();
  const running = spawn({
    cwd: folder.path,
    allow: ALLOW,
    args: [
      ...["sql", "--series", "points", "--format", "ndjson"],
      "SELECT 1 AS x; SELECT count(*) FROM range(1000000000) a, range(1000000000) b",
    ],
  });
  await running.out.line(/"x":1/); // it has begun
  running.process.kill("SIGINT");
  const { code } = await running.process.status;
  await Promise.all([running.out.ended, running.err.ended]);
  assertEquals(code, 130);
  const { out } = await run({
    cwd: folder.path,
    allow: ALLOW,
    args: ["sql", "--series", "points", GROUPED],
  });
  assertStringIncludes(out, "server02");
});

Deno.test("traqq sql says what is wrong with its command line before it opens anything", async () => {
  await using folder = new Folder();
  const bad = async (args: string[], message: string, stdin?: string) => {
    const { code, err, out } = await run({
      cwd: folder.path,
      allow: ["--allow-all"],
      args: ["sql", ...args],
      stdin,
    });
    assertEquals([code, out], [code, ""]);
    assertStringIncludes(err, message);
    return code;
  };
  assertEquals(await bad(["SELECT 1"], "--series DIR and --server URL"), 2);
  assertEquals(
    await bad(["--series", "x", "--server", "http://h", "SELECT 1"], "one of --series"),
    2,
  );
  assertEquals(await bad(["--server", "127.0.0.1:1", "SELECT 1"], "http://127.0.0.1:8080"), 2);
  assertEquals(await bad(["--series", "nothing", "SELECT 1"], "no such folder"), 1);
  assertEquals(await bad(["--series", "x", "SELECT", "1"], "into quotes"), 2);
  assertEquals(await bad(["--series", "x", "--file", "y", "SELECT 1"], "do not go together"), 2);
  assertEquals(await bad(["--series", "x", " ; "], "needs a statement"), 2);
  assertEquals(await bad(["--series", "x"], "needs a statement", "-- nothing"), 2);
  assertEquals(await bad(["--series", "x", "--format", "xml", "SELECT 1"], "arrow"), 2);
  assertEquals(
    await bad(["--series", "x", "--format", "csv", "SELECT 1; SELECT 2"], "one statement"),
    2,
  );
  assertEquals(
    await bad(["--series", "x", "--format", "csv", "--limit", "1", "SELECT 1"], "--limit is for"),
    2,
  );
});
