import { assertEquals, assertGreater, assertStringIncludes } from "@std/assert";
import { Client } from "../../src/client/client.ts";
import { PartialRecordError } from "../../src/client/errors.ts";
import { ask, clogged, Folder, run, Server, spawn, within } from "./_program.ts";

const KV = ["--unstable-kv", "--allow-read=traqq.db", "--allow-write=traqq.db"];

Deno.test("traqq serve says in one line where it listens, and SIGTERM and SIGINT end it with 0", async () => {
  for (const signal of ["SIGTERM", "SIGINT"] as const) {
    await using folder = new Folder();
    await using server = await Server.start(folder.path);
    const { code, out, err } = await server.stop(signal);
    assertEquals(code, 0, err);
    assertEquals(
      out,
      `traqq listens on ${server.address}, no token; storage: Deno KV ./traqq.db, prefix traqq, UTC\n`,
    );
    assertStringIncludes(err, "Stopping");
  }
});

Deno.test("traqq serve runs with exactly the permissions that --help names", async () => {
  await using folder = new Folder();
  const help = await run({ args: ["serve", "--help"] });
  const flags = /always:\n((?: {4}.*\n)+)/.exec(help.out)![1].trim().split(/\s+/);
  assertEquals(flags.length, 4);
  const port = freePort();
  const allow = flags.map((flag) => flag.replace("9876", String(port)));
  const running = spawn({
    cwd: folder.path,
    allow,
    args: ["serve", "--addr", `127.0.0.1:${port}`],
  });
  await running.out.line(/listens/);
  const server = { address: `127.0.0.1:${port}` };
  assertEquals((await ask(server, ["record", "--event", '{"event":"x"}'])).code, 0);
  assertEquals((await ask(server, ["query", "--accept", "add:*"])).code, 0);
  running.process.kill("SIGTERM");
  assertEquals((await within(running.process.status, "the end")).code, 0);
  assertEquals((await running.err.ended).split("\n").length, 2);
});

Deno.test("traqq serve loses nothing that it acknowledged when SIGTERM comes under load", async () => {
  await using folder = new Folder();
  await using server = await Server.start(folder.path);
  let signalled = false; // a second signal would force it
  const acknowledged = await Promise.all(Array.from({ length: 4 }, async () => {
    const client = await Client.connect(server.address);
    function* events() {
      for (;;) yield { event: "load", user: "someone" };
    }
    let recorded = 0;
    try {
      await client.recordMany(events(), {
        batchSize: 100,
        onProgress: (progress) => {
          recorded = progress.recorded;
          if (recorded < 2000 || signalled) return;
          signalled = true;
          server.running.process.kill("SIGTERM");
        },
      });
    } catch (error) {
      if (!(error instanceof PartialRecordError)) throw error;
      return error.report.recorded;
    } finally {
      await client.close();
    }
    return recorded;
  }));
  const { code, err } = await server.ended();
  assertEquals(code, 0, err);
  const sent = acknowledged.reduce((sum, one) => sum + one, 0);
  assertGreater(sent, 2000);

  const { out } = await run({
    cwd: folder.path,
    allow: KV,
    args: [
      "query",
      "--storage",
      "kv",
      "--days",
      "2",
      "--find",
      "add/event",
      "--merge",
      "--format",
      "csv",
    ],
  });
  const stored = Number(/load,(\d+)/.exec(out)![1]);
  // What was received but not acknowledged may be there too: at most four batches of each client.
  assertEquals(stored >= sent && stored <= sent + 4 * 4 * 100, true, `${stored} of ${sent}`);
});

Deno.test("traqq serve ends at once on a second Ctrl-C", async () => {
  await using folder = new Folder();
  await using server = await Server.start(folder.path, "--stop-timeout", "10m");
  // The first Ctrl-C waits for it.
  using _conn = await clogged(server);
  server.running.process.kill("SIGINT");
  await server.running.err.line(/Stopping/);
  const { code, err } = await server.stop("SIGINT");
  assertEquals(code, 130, err);
  assertStringIncludes(err, "Stopped at once");
});

Deno.test("traqq serve says that the port is taken, or the file is none, and exits", async () => {
  await using folder = new Folder();
  await using server = await Server.start(folder.path);
  const start = (...flags: string[]) =>
    run({
      cwd: folder.path,
      allow: ["--unstable-kv", "--allow-net", "--allow-read", "--allow-write"],
      args: ["serve", ...flags],
    });
  const taken = await start("--addr", server.address, "--storage", "memory");
  assertEquals([taken.code, taken.out], [2, ""]);
  assertStringIncludes(taken.err, "the port is taken");

  folder.write(
    "text.db",
    "this is no database, and it is long enough to be looked at as one".repeat(50),
  );
  const bad = async (path: string, message: string) => {
    const { code, err } = await start("--addr", "127.0.0.1:0", "--kv-path", path);
    assertEquals(code, 1, err);
    assertStringIncludes(err, message);
    assertEquals(err.trimEnd().includes("\n"), false, err);
  };
  await bad("text.db", "it is a file of another kind");
  await bad("nowhere/traqq.db", "there is no folder nowhere/");
  await bad(".", "it is a folder");
});

Deno.test("traqq serve asks for a token, from a file or the environment, never from a flag", async () => {
  await using folder = new Folder();
  folder.write("token", "  s3cret\n");
  await using server = await Server.start(folder.path, "--token-file", "token");
  assertStringIncludes(server.running.out.text, "with a token");

  const event = ["record", "--event", '{"event":"x"}'];
  const without = await ask(server, event);
  assertEquals(without.code, 1);
  assertStringIncludes(without.err, "The server wants a token");
  const wrong = await ask(server, event, {
    env: { TRAQQ_TOKEN: "wrong" },
    allow: ["--allow-env=TRAQQ_TOKEN"],
  });
  assertEquals(wrong.code, 1);
  assertStringIncludes(wrong.err, "not the server's token");
  const right = await ask(server, event, {
    env: { TRAQQ_TOKEN: "s3cret" },
    allow: ["--allow-env=TRAQQ_TOKEN"],
  });
  assertEquals(right.code, 0, right.err);
  const file = await ask(server, [
    "query",
    "--token-file",
    "token",
    "--find",
    "add/event",
    "--merge",
  ], {
    cwd: folder.path,
    allow: ["--allow-read=token"],
  });
  assertEquals(file.code, 0, file.err);
  assertStringIncludes(file.out, "x");
  assertEquals((await run({ args: ["serve", "--token", "s3cret"] })).code, 2);
});

Deno.test("traqq serve listens to other machines only with a token or --insecure", async () => {
  const start = (...flags: string[]) =>
    spawn({
      allow: ["--allow-net"],
      args: ["serve", "--storage", "memory", "--addr", "0.0.0.0:0", ...flags],
    });
  const refused = start();
  assertEquals((await within(refused.process.status, "the end")).code, 2);
  assertStringIncludes(await refused.err.ended, "--insecure if that is what you want");
  await refused.out.ended;
  const allowed = start("--insecure");
  await allowed.out.line(/listens on 0\.0\.0\.0:\d+, no token; storage: memory/);
  allowed.process.kill("SIGTERM");
  assertEquals((await within(allowed.process.status, "the end")).code, 0);
  await Promise.all([allowed.out.ended, allowed.err.ended]);
});

function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}
