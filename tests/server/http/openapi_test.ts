import { assert, assertEquals } from "@std/assert";
import { Validator } from "@seriousme/openapi-schema-validator";
import { parametersOf } from "../../../src/server/http/ask.ts";
import { Asking } from "./_asking.ts";

const METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"];

interface Operation {
  operationId: string;
  parameters?: { name: string }[];
  responses: Record<string, unknown>;
  security?: unknown[];
}

async function documentOf(it: Asking): Promise<{
  openapi: string;
  info: { version: string };
  paths: Record<string, Record<string, Operation>>;
}> {
  return (await it.ask("/openapi.json")).body;
}

Deno.test("GET /openapi.json is an OpenAPI 3.1 document", async () => {
  await using it = await Asking.open();
  const document = await documentOf(it);
  const validator = new Validator();
  const { valid, errors } = await validator.validate(document);
  assertEquals([valid, errors], [true, undefined]);
  assertEquals([document.openapi, validator.version], ["3.1.0", "3.1"]);
  const { version } = JSON.parse(
    await Deno.readTextFile(new URL("../../../deno.json", import.meta.url)),
  );
  assertEquals(document.info.version, version);
});

Deno.test("GET /openapi.json has every path and method that there is, and no other", async () => {
  await using it = await Asking.open();
  const { paths } = await documentOf(it);
  // What the server itself says: a path answers 405 with the methods it has, others 404.
  for (const [path, operations] of Object.entries(paths)) {
    const { status, headers } = await it.ask(path, { method: "BREW" });
    assertEquals(status, 405, path);
    const allowed = headers.get("allow")!.split(", ").filter((name) => METHODS.includes(name));
    assertEquals(Object.keys(operations).map((name) => name.toUpperCase()), allowed, path);
  }
  const source = await Deno.readTextFile(
    new URL("../../../src/server/http/handler.ts", import.meta.url),
  );
  const routes = [...source.matchAll(/^ {6}"(\/[\w./-]+)": (?:get\(|\{)/gm)].map(([, path]) =>
    path
  );
  assertEquals(Object.keys(paths).sort(), routes.sort());
});

Deno.test("GET /openapi.json has the parameters that are read, and the rights that are asked for", async () => {
  await using it = await Asking.open({ token: "t" });
  const authorization = { headers: { Authorization: "Bearer t" } };
  const { paths } = (await it.ask("/openapi.json", authorization)).body as Awaited<
    ReturnType<typeof documentOf>
  >;
  const names = (path: string, method: string) =>
    (paths[path][method].parameters ?? []).map(({ name }) => name).sort();
  assertEquals(names("/query", "get"), parametersOf("/query").sort());
  assertEquals(names("/find", "get"), parametersOf("/find").sort());
  assertEquals(names("/record", "post"), ["at", "precision"]);
  const ids = new Set<string>();
  for (const [path, operations] of Object.entries(paths)) {
    for (const [method, operation] of Object.entries(operations)) {
      assert(!ids.has(operation.operationId));
      ids.add(operation.operationId);
      const { status } = await it.ask(path, { method: method.toUpperCase() });
      const isOpen = operation.security?.length === 0;
      // An empty login is no login, and says so.
      assertEquals(status === 401, !isOpen, `${method} ${path}`);
      assert(operation.responses["200"] !== undefined);
    }
  }
});
