import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { SignJWT } from "jose";
import { CERT, KEY } from "../server/_tls.ts";
import { ask, Folder, messages, run, Server, spawn, within } from "./_program.ts";

/** Where a server that was started with --http answers. */
function urlOf(server: Server): string {
  return / and (https?:\/\/[^,\s]+)/.exec(server.running.out.text)![1];
}

function post(url: string, body: string, headers: Record<string, string> = {}): Promise<Response> {
  return fetch(`${url}/record`, { method: "POST", body, headers });
}

async function statusOf(reply: Promise<Response>): Promise<number> {
  const { status, body } = await reply;
  await body?.cancel();
  return status;
}

const HTTP = ["--http", "127.0.0.1:0"];

Deno.test("traqq serve --http answers HTTP and TCP on the same data, and stops with 0", async () => {
  await using folder = new Folder();
  await using server = await Server.start(folder.path, ...HTTP);
  const url = urlOf(server);
  assertEquals(
    server.running.out.text,
    `traqq listens on ${server.address} and ${url}, no token; storage: Deno KV ./traqq.db, prefix traqq, UTC\n`,
  );
  assertEquals(await (await post(url, '{"event":"http"}')).json(), { recorded: 1, rejected: [] });
  assertEquals((await ask(server, ["record", "--event", '{"event":"tcp"}'])).code, 0);
  const found = await (await fetch(`${url}/find?q=add/event&merge=true&days=2`)).json();
  assertEquals(found[0].result, { Hash: { tcp: 1, http: 1 } });
  const csv = await ask(server, ["query", "--find", "add/event", "--merge", "--format", "csv"]);
  assertStringIncludes(csv.out, "http,1\ntcp,1\n");
  assertEquals(await (await fetch(`${url}/ready`)).json(), { ready: true });
  const stats = await (await fetch(`${url}/stats`)).json();
  assertEquals([stats.engine.recorded, stats.tcp.commands > 0], [2, true]);
  assertMatch(await (await fetch(`${url}/metrics`)).text(), /^traqq_tcp_commands_total \d+$/m);
  const { code, err } = await server.stop();
  assertEquals([code, messages(err).length], [0, 1], err);
});

Deno.test("traqq serve --http runs with exactly the permissions that --help names", async () => {
  await using folder = new Folder();
  const help = await run({ args: ["serve", "--help"] });
  const flags = /--http 127\.0\.0\.1:8080:\n((?: {4}.*\n)+)/.exec(help.out)![1].trim().split(/\s+/);
  const [tcp, http] = [freePort(), freePort()];
  const allow = flags.map((flag) =>
    flag.replace("9876", String(tcp)).replace("8080", String(http))
  );
  const running = spawn({
    cwd: folder.path,
    allow,
    args: ["serve", "--addr", `127.0.0.1:${tcp}`, "--http", `127.0.0.1:${http}`],
  });
  await running.out.line(/listens/);
  const url = `http://127.0.0.1:${http}`;
  assertEquals(await statusOf(post(url, '{"event":"x"}')), 200);
  for (const path of ["/query", "/metrics", "/openapi.json", "/"]) {
    assertEquals(await statusOf(fetch(url + path)), 200);
  }
  running.process.kill("SIGTERM");
  assertEquals((await within(running.process.status, "the end")).code, 0);
  await Promise.all([running.out.ended, running.err.ended]);
});

Deno.test("traqq serve --http has all in storage that it acknowledged when SIGTERM comes under load", async () => {
  await using folder = new Folder();
  await using server = await Server.start(folder.path, ...HTTP, "--data-dir", "data");
  const url = urlOf(server);
  let acknowledged = 0, unanswered = 0;
  let isStopping = false;
  const body = '{"event":"load"}\n'.repeat(50);
  const clients = Array.from({ length: 4 }, async () => {
    while (!isStopping || unanswered === 0) {
      try {
        const reply = await post(url, body, { "Content-Type": "application/x-ndjson" });
        const { recorded } = await reply.json();
        if (reply.status !== 200) return;
        acknowledged += recorded;
      } catch (error) {
        if (!isStopping) throw error;
        unanswered++;
        return;
      }
      if (acknowledged >= 5000 && !isStopping) {
        isStopping = true;
        server.running.process.kill("SIGTERM");
      }
    }
  });
  await within(Promise.all(clients), "the clients");
  const { code, err } = await server.ended();
  assertEquals(code, 0, err);
  await using again = await Server.start(folder.path, ...HTTP, "--data-dir", "data");
  const found = await fetch(`${urlOf(again)}/find?q=add/event&merge=true&days=2`);
  const stored = (await found.json())[0].result.Hash.load;
  assert(
    stored >= acknowledged && stored <= acknowledged + 50 * unanswered,
    `${stored} of ${acknowledged}, ${unanswered} without an answer`,
  );
});

Deno.test("traqq serve --http counts after kill -9 all that it acknowledged", async () => {
  await using folder = new Folder();
  const flags = [...HTTP, "--data-dir", "data", "--durability", "os_default"];
  {
    await using first = await Server.start(folder.path, ...flags);
    for (let i = 0; i < 20; i++) {
      const reply = await post(urlOf(first), '{"event":"kept"}\n{"event":"kept","x":{}}\nnonsense');
      assertEquals((await reply.json()).recorded, 2);
    }
    await first.stop("SIGKILL");
  }
  await using second = await Server.start(folder.path, ...flags);
  const found = await fetch(`${urlOf(second)}/find?q=add/event&merge=true&days=2`);
  assertEquals((await found.json())[0].result, { Hash: { kept: 40 } });
});

Deno.test("traqq serve takes tokens with rights for TCP and HTTP alike, and JWTs", async () => {
  await using folder = new Folder();
  folder.write(
    "tokens",
    "# of a test\n\nall-0123456789\nrecord w-0123456789\n read\tr-0123456789 \n",
  );
  folder.write("writer", "w-0123456789");
  const secret = "a secret of a test, 32 bytes long";
  folder.write("secret", `${secret}\n`);
  const flags = ["--token-file", "tokens", "--jwt-secret-file", "secret", "--log-level", "debug"];
  await using server = await Server.start(folder.path, ...HTTP, ...flags);
  const url = urlOf(server);
  const bearer = (token: string) => ({ Authorization: `Bearer ${token}` });
  const query = (token: string) => statusOf(fetch(`${url}/query`, { headers: bearer(token) }));
  assertEquals(await statusOf(post(url, '{"event":"a"}')), 401);
  assertEquals(await statusOf(post(url, '{"event":"a"}', bearer("w-0123456789"))), 200);
  assertEquals(await statusOf(post(url, '{"event":"a"}', bearer("r-0123456789"))), 403);
  assertEquals([await query("all-0123456789"), await query("r-0123456789")], [200, 200]);
  assertEquals([await query("w-0123456789"), await query("record w-0123456789")], [403, 401]);
  const jwt = await new SignJWT({ rights: "read" }).setProtectedHeader({ alg: "HS256" })
    .setExpirationTime("1m").sign(new TextEncoder().encode(secret));
  assertEquals(await query(jwt), 200);

  const files = { cwd: folder.path, allow: ["--allow-read"] };
  const record = ["record", "--event", '{"event":"a"}', "--token-file", "writer"];
  assertEquals((await ask(server, record, files)).code, 0);
  const asked = await ask(server, ["query", "--token-file", "writer"], files);
  assertEquals(asked.code, 1);
  assertStringIncludes(asked.err, "only the right record");
  // A server's own file will do for a client.
  assertEquals((await ask(server, ["query", "--token-file", "tokens"], files)).code, 0);

  const { err } = await server.stop();
  assertStringIncludes(err, '"path":"/query"');
  for (const secretText of ["0123456789", "of a test", jwt]) {
    assertEquals(err.includes(secretText), false, "nothing secret is logged");
  }
});

Deno.test("traqq serve takes the tokens from the environment", async () => {
  await using folder = new Folder();
  const running = spawn({
    cwd: folder.path,
    allow: ["--allow-net", "--allow-env=TRAQQ_TOKEN,TRAQQ_JWT_SECRET"],
    args: ["serve", "--storage", "memory", "--addr", "0.0.0.0:0", "--http", "0.0.0.0:0"],
    env: { TRAQQ_TOKEN: "from-the-environment", TRAQQ_JWT_SECRET: "x".repeat(32) },
  });
  const banner = await running.out.line(/, with a token; /);
  const port = /http:\/\/0\.0\.0\.0:(\d+)/.exec(banner)![1];
  const query = (headers?: Record<string, string>) =>
    statusOf(fetch(`http://127.0.0.1:${port}/query`, { headers }));
  assertEquals(await query(), 401);
  assertEquals(await query({ "X-Api-Key": "from-the-environment" }), 200);
  running.process.kill("SIGTERM");
  assertEquals((await within(running.process.status, "the end")).code, 0);
  await Promise.all([running.out.ended, running.err.ended]);
});

Deno.test("traqq serve --http speaks TLS, shares by --cors, and keeps to its limits", async () => {
  await using folder = new Folder();
  folder.write("cert.pem", CERT);
  folder.write("key.pem", KEY);
  await using server = await Server.start(
    folder.path,
    ...[...HTTP, "--tls-cert", "cert.pem", "--tls-key", "key.pem"],
    ...["--cors", "https://a.example", "--max-body-bytes", "100", "--allow-host", "inside.example"],
  );
  using client = Deno.createHttpClient({ caCerts: [CERT] });
  const url = urlOf(server);
  assertMatch(url, /^https:/);
  assertStringIncludes(server.running.out.text, " (TLS), no token");
  const reply = await fetch(`${url}/health`, { client, headers: { Origin: "https://a.example" } });
  assertEquals(reply.headers.get("access-control-allow-origin"), "https://a.example");
  await reply.body?.cancel();
  const large = fetch(`${url}/record`, { client, method: "POST", body: "x".repeat(101) });
  assertEquals(await statusOf(large), 413);
});

Deno.test("traqq serve refuses flags of HTTP that do not fit, and a port that is taken", async () => {
  await using folder = new Folder();
  await using server = await Server.start(folder.path, ...HTTP);
  const start = (...flags: string[]) =>
    run({
      cwd: folder.path,
      allow: ["--allow-net", "--allow-read"],
      args: [
        "serve",
        "--storage=memory",
        ...flags.includes("--addr") ? [] : ["--addr=127.0.0.1:0"],
        ...flags,
      ],
    });
  const bad = async (code: number, message: string, ...flags: string[]) => {
    const ended = await start(...flags);
    assertEquals([ended.code, ended.out], [code, ""], ended.err);
    assertStringIncludes(ended.err, message);
    assertEquals(ended.err.trimEnd().includes("\n"), false, ended.err);
  };
  await bad(2, "the port is taken", "--http", new URL(urlOf(server)).host);
  await bad(2, "--http wants HOST:PORT", "--http", "8080");
  await bad(2, "--cors is for HTTP: add --http", "--cors", "*");
  await bad(2, "--access-log is for HTTP", "--access-log");
  await bad(2, "--cors wants an origin such as", ...HTTP, "--cors", "a.example");
  const both = "127.0.0.1:9876";
  await bad(2, `--addr and --http cannot both be ${both}`, "--addr", both, "--http", both);
  await bad(2, "Cannot listen on 0.0.0.0:0 without a token", "--http", "0.0.0.0:0");
  await bad(2, "--log-level wants debug or info", "--log-level", "loud");
  folder.write("short", "short");
  await bad(2, "at least 32 bytes", "--jwt-secret-file", "short");
  folder.write("empty", "# nothing\n");
  await bad(1, "there is none in it; put one on a line", "--token-file", "empty");
});

Deno.test("traqq serve logs each line as JSON or as text, from a level on", async () => {
  const log = async (...flags: string[]) => {
    await using folder = new Folder();
    await using server = await Server.start(folder.path, ...HTTP, "--storage", "memory", ...flags);
    assertEquals(await statusOf(fetch(`${urlOf(server)}/health?secret=1`)), 200);
    const { code, err } = await server.stop();
    assertEquals(code, 0);
    return err;
  };
  const [request, stopping] = (await log("--access-log")).trimEnd().split("\n").map((line) =>
    JSON.parse(line)
  );
  assertMatch(request["@timestamp"], /^\d{4}-\d\d-\d\dT[\d:.]+Z$/);
  assertEquals(
    [request.level, request.message, request.method, request.path, request.status, request.address],
    ["INFO", "GET /health 200", "GET", "/health", 200, "127.0.0.1"],
  );
  assertEquals([stopping.level, stopping.message.slice(0, 9)], ["INFO", "Stopping:"]);
  assertEquals(messages(await log()).length, 1, "requests are at the level debug");
  assertEquals(messages(await log("--log-level", "debug")).length, 2);
  assertEquals(await log("--log-level", "warning"), "");
  assertMatch(await log("--log-format", "text"), /^\S+Z INFO Stopping: no new connections, .*\n$/);
});

function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}
