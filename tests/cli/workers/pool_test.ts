import { assertEquals, assertMatch, assertRejects } from "@std/assert";
import { readFlags } from "../../../src/cli/flags.ts";
import { openLog } from "../../../src/cli/log.ts";
import type { RunningServer } from "../../../src/cli/running_server.ts";
import { runServer, serve } from "../../../src/cli/serve.ts";
import { startServer } from "../../../src/cli/serve_start.ts";
import { startWorkers } from "../../../src/cli/workers/pool.ts";
import { Client } from "../../../src/client/client.ts";
import { FakeTerminal } from "../_fake_terminal.ts";
import { Folder } from "../../program/_program.ts";

/** A server in this process, whose workers a test can let die. */
class Mortal {
  readonly workers: Worker[] = [];
  readonly terminal = new FakeTerminal();

  async start(folder: string): Promise<RunningServer> {
    const values = readFlags(serve.groups, ["--addr=127.0.0.1:0", `--data-dir=${folder}`]);
    const log = openLog(values, this.terminal);
    return await startWorkers(values, this.terminal, log, 2, () => {
      const url = new URL("./_mortal_worker.ts", import.meta.url);
      this.workers.push(new Worker(url, { type: "module" }));
      return this.workers.at(-1)!;
    });
  }
}

Deno.test("startWorkers: a worker that dies ends the server with exit code 1, and the next start has all", async () => {
  await using folder = new Folder();
  const mortal = new Mortal();
  const server = await mortal.start(folder.path);
  const log = openLog(readFlags(serve.groups, []), mortal.terminal);
  const ended = runServer(server, mortal.terminal, log, 5000);
  for (let i = 0; i < 20; i++) {
    await using client = await Client.connect(server.address);
    await client.record({ event: "kept" });
  }
  mortal.workers[1].postMessage("die");
  assertEquals(await ended, 1);
  const lines = mortal.terminal.errText.trimEnd().split("\n").map((line) => JSON.parse(line));
  assertEquals(lines.map(({ level }) => level), ["FATAL"]);
  assertMatch(lines[0].message, /^Worker 2 has died: .*as it was told; all that was acknowledged /);
  await assertRejects(() => Client.connect(server.address), "nobody listens any more");

  const values = readFlags(serve.groups, ["--addr=127.0.0.1:0", `--data-dir=${folder.path}`]);
  await using again = await startServer(values, mortal.terminal, log);
  await using client = await Client.connect(again.address);
  const now = new Date();
  const [found] = await client.find({ from: now, to: now }, "add/event");
  assertEquals(found.type === "add" && { ...found.counts }, { kept: 20 });
});

Deno.test("startWorkers: a worker that dies while it starts is an error, and nobody listens", async () => {
  await using folder = new Folder();
  const mortal = new Mortal();
  const starting = mortal.start(folder.path);
  while (mortal.workers.length < 2) await new Promise((resolve) => setTimeout(resolve, 1));
  mortal.workers[0].postMessage("die");
  await assertRejects(() => starting, Error, "Worker 1 has died");
});
