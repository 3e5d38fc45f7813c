import { assertEquals, assertStringIncludes } from "@std/assert";
import { CERT, KEY } from "../server/_tls.ts";
import { Folder, run, Server } from "./_program.ts";

const TOKEN = "a token of a test 0123456789";

Deno.test("traqq record and query reach a server with TLS and a token, and no one else does", async () => {
  await using folder = new Folder();
  const files = {
    "cert.pem": CERT,
    "key.pem": KEY,
    "token": TOKEN,
    "other": "another token 123456",
  };
  for (const [name, text] of Object.entries(files)) folder.write(name, text);
  const flags = ["--tls-cert", "cert.pem", "--tls-key", "key.pem", "--token-file", "token"];
  await using server = await Server.start(folder.path, ...flags);
  assertStringIncludes(server.running.out.text, "(TLS), with a token");

  const traqq = (...args: string[]) =>
    run({
      cwd: folder.path,
      allow: ["--allow-net", "--allow-read"],
      args: [...args, "--addr", server.address],
    });
  const trusted = ["--tls-ca", "cert.pem"];
  const recorded = await traqq(
    ...["record", "--event", '{"event":"x"}', ...trusted, "--token-file", "token"],
  );
  assertEquals([recorded.code, recorded.out], [0, "1 recorded, 0 rejected\n"]);
  const asked = await traqq(
    ...["query", "--days", "1", "--format", "csv", "--find", "add/event", "--merge"],
    ...[...trusted, "--token-file", "token"],
  );
  assertEquals([asked.code, asked.out], [0, "event,value\nx,1\n"], asked.err);

  for (
    const [args, error] of [
      [[...trusted, "--token-file", "other"], "not the server's token"],
      [trusted, "wants a token"],
      [["--tls", "--token-file", "token"], "invalid peer certificate"],
    ] as const
  ) {
    const { code, out, err } = await traqq("query", ...args);
    assertEquals([code, out], [1, ""]);
    assertStringIncludes(err, error);
    assertEquals(err.split("\n").length, 2, "one line");
  }
  assertEquals((await server.stop()).code, 0);
});
