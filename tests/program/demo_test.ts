import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { CLI, type Ended, Folder, run, spawn, within } from "./_program.ts";

/** What `--help` names, and what `deno task demo` gives beside it. */
const ALLOW = ["--unstable-kv", "--allow-net=127.0.0.1", "--allow-read", "--allow-write"];

function check({ code, out, err }: Ended): void {
  assertEquals(code, 0, err);
  assertStringIncludes(out, "20000 flights sent over TCP");
  assertMatch(out, /^January 2001 +6937 /m);
  assertMatch(out, /^February 2001 +5964 /m);
  assertMatch(out, /^March 2001 +7099 /m);
  assertMatch(out, /^DFW +1103 +10462 +9\.49 /m);
  assertMatch(out, /^all flights +20000 +154078 +7\.70$/m);
  assertStringIncludes(
    out.replace(/\s+/g, " "),
    "20000 flights on 90 days and a delay sum of 154078 are exact",
  );
  const [, flights, origins, routes] = /^all +(\d+) +(\d+) +(\d+)$/m.exec(out)!.map(Number);
  assertEquals(flights, 20_000);
  assert(Math.abs(origins / 220 - 1) <= 0.02, `${origins} origins`);
  assert(Math.abs(routes / 2977 - 1) <= 0.02, `${routes} routes`);
  // 90 bars: 31, 28 and 31 days, each with a number below.
  assertEquals(out.match(/ 1 +8 +15 +22( +29)?$/gm)?.length, 3);
  for (const line of out.split("\n")) assert(line.length <= 80, line);
}

/** Its own temporary folder, so that what is left in it is seen. */
async function demo(folder: Folder, allow: string[]): Promise<Ended> {
  const ended = await run({ allow, args: ["demo"], env: { TMPDIR: folder.path } });
  assertEquals([...Deno.readDirSync(folder.path)], [], "the temporary folder is left");
  return ended;
}

Deno.test("traqq demo is right with the server in this process, which is all that --help asks for", async () => {
  await using folder = new Folder();
  const help = await run({ args: ["demo", "--help"] });
  assertStringIncludes(help.out.replace(/\s+/g, " "), ALLOW.join(" "));
  const ended = await demo(folder, ALLOW);
  check(ended);
  assertEquals(ended.err, "");
});

Deno.test("traqq demo is right with the server as a process of its own", async () => {
  await using folder = new Folder();
  const ended = await demo(folder, [...ALLOW, "--allow-run"]);
  check(ended);
  assertMatch(ended.err, /^\$ traqq serve --addr 127\.0\.0\.1:0 --config /);
});

Deno.test("traqq demo removes its folder and its server on Ctrl-C", async () => {
  for (const more of [[], ["--allow-run"]]) {
    await using folder = new Folder();
    const { process, out, err } = spawn({
      allow: [...ALLOW, ...more],
      args: ["demo"],
      env: { TMPDIR: folder.path },
    });
    await within(
      (async () => {
        while ([...Deno.readDirSync(folder.path)].length === 0) {
          await new Promise((resolve) => setTimeout(resolve, 1));
        }
      })(),
      "the folder",
    );
    process.kill("SIGINT");
    const { code } = await within(process.status, "the end", () => process.kill("SIGKILL"));
    await Promise.all([out.ended, err.ended]);
    assertEquals(code, 130, err.text);
    assertEquals([...Deno.readDirSync(folder.path)], []);
  }
});

Deno.test("traqq demo ends quietly and cleanly when nobody reads on", async () => {
  await using folder = new Folder();
  const process = new Deno.Command("sh", {
    args: [
      "-c",
      `"$0" run --no-prompt --quiet ${ALLOW.join(" ")} ${CLI} demo | head -n 3`,
      Deno.execPath(),
    ],
    env: { TMPDIR: folder.path },
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const { stdout, stderr } = await within(process.output(), "head");
  assertEquals(new TextDecoder().decode(stderr), "");
  assertEquals(new TextDecoder().decode(stdout).split("\n").length, 4);
  assertEquals([...Deno.readDirSync(folder.path)], []);
});
