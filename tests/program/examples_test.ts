import { assertEquals, assertStringIncludes } from "@std/assert";
import { fileURLToPath } from "node:url";
import { Folder, run, Server, within } from "./_program.ts";

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

Deno.test("examples/trails.ts counts sessions; the tests of the programs beside it pass", async () => {
  const folder = fileURLToPath(new URL("../../examples", import.meta.url));
  const allow = [`--allow-read=${folder}`];
  assertEquals(await example("trails", allow), "1 of 1 tests passed\nsessions 3\n");
  for (const name of ["sessions.tr", "funnel.tr"]) {
    const path = `${folder}/trails/${name}`;
    const { code, out } = await run({ allow, args: ["trails", "test", path] });
    assertEquals([code, out], [0, `${path}: 1 passed, 0 failed\n`]);
  }
});
