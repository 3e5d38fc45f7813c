import { assertEquals, assertStringIncludes } from "@std/assert";
import { fileURLToPath } from "node:url";
import { Folder, Output, Server, within } from "./_program.ts";

/** Runs an example with exactly the permissions that its first comment names. */
async function example(name: string, allow: string[], ...args: string[]): Promise<string> {
  const path = fileURLToPath(new URL(`../../examples/${name}.ts`, import.meta.url));
  const command = new Deno.Command(Deno.execPath(), {
    args: ["run", "--no-prompt", "--quiet", ...allow, path, ...args],
    env: { NO_COLOR: "1" },
  });
  const { code, stdout, stderr } = await within(command.output(), name);
  assertEquals(code, 0, new TextDecoder().decode(stderr));
  return new TextDecoder().decode(stdout);
}

Deno.test("examples/library.ts runs without a permission", async () => {
  const out = await example("library", []);
  assertStringIncludes(out, "unique addresses 2");
  assertStringIncludes(out, "revenue 100\n");
  assertStringIncludes(out, '{ event: "purchase", geo: "DE", value: 1 }');
});

Deno.test("examples/kv.ts counts on where it stopped", async () => {
  await using folder = new Folder();
  const allow = ["--unstable-kv", `--allow-read=${folder.path}`, `--allow-write=${folder.path}`];
  assertStringIncludes(await example("kv", allow, folder.file("app.db")), '"/": 2');
  const out = await example("kv", allow, folder.file("app.db"));
  assertStringIncludes(out, '"/": 4');
  assertStringIncludes(out, "visitors 2");
});

Deno.test("examples/client.ts talks to traqq serve", async () => {
  await using folder = new Folder();
  await using server = await Server.start(folder.path, "--add", "event~geo", "--top", "geo");
  const out = await example("client", [`--allow-net=${server.address}`], server.address);
  assertStringIncludes(out, "3 recorded, 1 rejected");
  assertStringIncludes(out, 'countries [ [ "US", 2 ], [ "DE", 1 ] ]');
});

/** Starts an example that serves until Ctrl-C, asks it, and ends it. */
async function serving(name: string, ask: (url: string) => Promise<void>): Promise<void> {
  const path = fileURLToPath(new URL(`../../examples/${name}.ts`, import.meta.url));
  const process = new Deno.Command(Deno.execPath(), {
    args: ["run", "--no-prompt", "--allow-net=127.0.0.1", path, "0"],
    env: { NO_COLOR: "1" },
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const err = new Output(process.stderr), out = new Output(process.stdout);
  // Where Deno says it depends on its version.
  const said = await Promise.any([err.line(/Listening on/), out.line(/Listening on/)]);
  await ask(/http:\/\/[\d.:]+/.exec(said)![0]);
  process.kill("SIGINT");
  assertEquals((await within(process.status, name)).code, 0);
  await Promise.all([err.ended, out.ended]);
}

Deno.test("examples/http_serve.ts counts views, and what is sent to it", async () => {
  await serving("http_serve", async (url) => {
    assertEquals(await (await fetch(url)).text(), "view number 1 of today\n");
    const sent = await fetch(`${url}/stats/record`, { method: "POST", body: '{"event":"click"}' });
    assertEquals(await sent.json(), { recorded: 1, rejected: [] });
    const found = await fetch(`${url}/stats/find?q=add/event&merge=true`);
    assertEquals((await found.json())[0].result, { Hash: { view: 1, click: 1 } });
  });
});

Deno.test("examples/http_hono.ts lets one token write and another read", async () => {
  await serving("http_hono", async (url) => {
    assertEquals(await (await fetch(url)).text(), "hello\n");
    const status = async (path: string, token: string, init: RequestInit = {}) => {
      const headers = { Authorization: `Bearer ${token}` };
      const reply = await fetch(`${url}/analytics${path}`, { ...init, headers });
      await reply.body?.cancel();
      return reply.status;
    };
    const event = { method: "POST", body: '{"event":"click"}' };
    assertEquals(await status("/record", "may-write", event), 200);
    assertEquals(await status("/record", "may-read", event), 403);
    assertEquals(await status("/query?days=1", "may-read"), 200);
    assertEquals(await status("/query?days=1", "may-write"), 403);
  });
});
