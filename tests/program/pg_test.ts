/** `traqq serve --pg`: the real program, asked by a driver of PostgreSQL. */
import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import pg from "pg";
import { Folder, run, spawn } from "./_program.ts";

const TOKEN = "a-token-that-reads";

Deno.test("traqq serve --pg answers what was written just before, and stops with 0", async () => {
  await using folder = new Folder();
  await Deno.writeTextFile(
    `${folder.path}/token`,
    `record only-records\nread ${TOKEN}\nall both\n`,
  );
  const running = spawn({
    cwd: folder.path,
    allow: [
      "--unstable-kv",
      "--allow-net=127.0.0.1",
      "--allow-read",
      "--allow-write=.",
      "--allow-ffi",
    ],
    args: [
      ...["serve", "--addr", "127.0.0.1:0", "--http", "127.0.0.1:0", "--pg", "127.0.0.1:0"],
      ...["--series", "points", "--token-file", "token", "--pg-max-connections", "3"],
    ],
  });
  const line = await running.out.line(/ listens on /);
  const [, url, port] = / and (http\S+) and 127\.0\.0\.1:(\d+) for PostgreSQL/.exec(line)!;
  const client = (password: string) =>
    new pg.Client({ host: "127.0.0.1", port: Number(port), user: "me", database: "x", password });

  const reader = client(TOKEN);
  await reader.connect();
  for (let i = 1; i <= 3; i++) {
    const response = await fetch(`${url}/write`, {
      method: "POST",
      headers: { authorization: "Token both" },
      body: `cpu,host=a usage=${i}.5 ${1609459200n + BigInt(i)}000000001`,
    });
    assertEquals(response.status, 204);
    const { rows } = await reader.query(
      "select count(*)::int as points, max(usage) as most, max(time) as last from cpu",
    );
    const last = new Date(1_609_459_200_000 + i * 1000);
    assertEquals(rows, [{ points: i, most: i + 0.5, last }]);
  }
  // A token that only records is no password, and one that does all is.
  const refused = await assertRejects(() => client("only-records").connect()) as pg.DatabaseError;
  assertEquals(refused.code, "28P01");
  const other = client("both");
  await other.connect();
  await other.end();
  await reader.end();

  running.process.kill("SIGTERM");
  const { code } = await running.process.status;
  await Promise.all([running.out.ended, running.err.ended]);
  assertEquals(code, 0);
});

Deno.test("traqq serve says what --pg lacks", async () => {
  await using folder = new Folder();
  const says = async (text: string, ...flags: string[]) => {
    const { code, err } = await run({
      cwd: folder.path,
      allow: ["--unstable-kv", "--allow-all"],
      args: ["serve", "--addr", "127.0.0.1:0", ...flags],
    });
    assertStringIncludes(err, text);
    assertEquals(code, 2);
  };
  await says("add --series DIR", "--pg", "127.0.0.1:0");
  await says("--pg-auth trust", "--pg", "127.0.0.1:0", "--series", "points");
  await says("add --pg 127.0.0.1:5432", "--pg-auth", "trust");
  await says("--pg wants HOST:PORT", "--pg", "x:y", "--series", "points");
});
