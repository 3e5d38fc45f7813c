import { assertEquals, assertStringIncludes } from "@std/assert";
import { fileURLToPath } from "node:url";
import { DuckDBInstance } from "@duckdb/node-api";
import { Client } from "../../mod.ts";
import { Folder, run, spawn } from "./_program.ts";

/** A server with series, with exactly the permissions that its help names. */
class SeriesServer {
  readonly url: string;
  readonly address: string;
  readonly #running: ReturnType<typeof spawn>;

  private constructor(running: ReturnType<typeof spawn>, address: string, url: string) {
    this.#running = running;
    this.address = address;
    this.url = url;
  }

  static async start(folder: Folder, ...flags: string[]): Promise<SeriesServer> {
    const running = spawn({
      cwd: folder.path,
      allow: [
        "--unstable-kv",
        // A port of 0 is one of the whole host.
        "--allow-net=127.0.0.1",
        // From a checkout the worker's modules are files.
        `--allow-read=traqq.db,points,${fileURLToPath(new URL("../../", import.meta.url))}`,
        "--allow-write=traqq.db,traqq.db.refused.ndjson,points",
        "--allow-ffi",
      ],
      args: [
        ...["serve", "--addr", "127.0.0.1:0", "--http", "127.0.0.1:0"],
        ...["--series", "points", "--add", "event~geo", ...flags],
      ],
    });
    try {
      const line = await running.out.line(/ listens on /);
      const [, address, url] = / listens on (\S+) and ([^,\s]+)/.exec(line)!;
      return new SeriesServer(running, address, url);
    } catch (error) {
      throw new Error(await running.err.ended, { cause: error });
    }
  }

  async write(lines: string): Promise<number> {
    const response = await fetch(`${this.url}/write`, { method: "POST", body: lines });
    await response.body?.cancel();
    return response.status;
  }

  /** Ends it; gives its exit code, or null if a signal ended it. */
  async end(signal: Deno.Signal): Promise<number | null> {
    this.#running.process.kill(signal);
    const status = await this.#running.process.status;
    await Promise.all([this.#running.out.ended, this.#running.err.ended]);
    return status.signal === null ? status.code : null;
  }
}

/** What the database in a folder answers. */
async function ask(folder: Folder, sql: string): Promise<unknown[][]> {
  const instance = await DuckDBInstance.create(`${folder.path}/points/points.duckdb`);
  try {
    const connection = await instance.connect();
    const rows = (await connection.runAndReadAll(sql)).getRowsJson();
    connection.closeSync();
    return rows;
  } finally {
    instance.closeSync();
  }
}

Deno.test("traqq serve --series keeps lines and events, with the permissions that its help names, and stops with 0", async () => {
  await using folder = new Folder();
  const server = await SeriesServer.start(folder);
  assertEquals(await server.write("cpu,host=a usage=64.5 1609459200000000000"), 204);
  await using client = await Client.connect(server.address);
  await client.recordMany([
    { event: "buy", geo: "US", amount: 5 },
    { event: "buy", geo: "DE", amount: 7 },
  ]);
  await client.close();
  assertEquals(await server.end("SIGTERM"), 0);
  assertEquals(await ask(folder, "SELECT host, usage FROM cpu"), [["a", 64.5]]);
  assertEquals(await ask(folder, "SELECT geo, amount, event FROM buy ORDER BY time"), [
    ["US", 5, "1"],
    ["DE", 7, "1"],
  ]);
});

Deno.test("traqq serve --series that is killed has all that it acknowledged after the next start, once", async () => {
  await using folder = new Folder();
  for (let round = 0; round < 3; round++) {
    const server = await SeriesServer.start(folder, "--series-durability", "every_write");
    const numbers = Array.from({ length: 20 }, (_, i) => round * 20 + i);
    const statuses = await Promise.all(
      numbers.map((n) => server.write(`m,k=${n % 3} n=${n}i ${n}`)),
    );
    assertEquals(new Set(statuses), new Set([204]));
    const record = await fetch(`${server.url}/record`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ event: "view", geo: `round ${round}` }),
    });
    assertEquals((await record.json()).recorded, 1);
    assertEquals(await server.end("SIGKILL"), null);
  }
  const last = await SeriesServer.start(folder);
  assertEquals(await last.end("SIGTERM"), 0);
  assertEquals(
    await ask(folder, "SELECT count(*), count(DISTINCT n), sum(n)::BIGINT FROM m"),
    [["60", "60", "1770"]],
  );
  assertEquals(await ask(folder, "SELECT geo FROM view ORDER BY geo"), [
    ["round 0"],
    ["round 1"],
    ["round 2"],
  ]);
});

Deno.test("traqq serve says what is wrong with the flags of series, and which permission is missing", async () => {
  await using folder = new Folder();
  const cases: [string[], string][] = [
    [["--series", "points", "--series-durability", "none"], "leave --series out"],
    [["--series-durability", "periodic"], "add --series DIR"],
    [["--series", "points", "--series-durability", "always"], "wants every_write or periodic"],
    [["--series", "points", "--workers", "2", "--data-dir", "data"], "do not go together"],
    [["--series", "points"], "run again with --allow-ffi"],
  ];
  for (const [flags, message] of cases) {
    const { code, err } = await run({
      cwd: folder.path,
      allow: ["--unstable-kv", "--unstable-net", "--allow-net", "--allow-read", "--allow-write"],
      args: ["serve", "--addr", "127.0.0.1:0", ...flags],
    });
    assertEquals(code !== 0, true);
    assertStringIncludes(err, message);
  }
});
