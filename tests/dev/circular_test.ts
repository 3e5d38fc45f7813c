/** The rules of dev/architecture.ts on made-up graphs; `deno task circular` asks them of the real one. */
import { assertEquals, assertStringIncludes } from "@std/assert";
import { circles, objection } from "../../dev/architecture.ts";
import { problemsOf } from "../../dev/circular.ts";

const root = "file:///house/";

function problems(imports: Record<string, string[]>): string[] {
  const modules = new Map(
    Object.entries(imports).map(([from, targets]) => [
      root + from,
      targets.map((to) => ({ to: root + to, typeOnly: false, dynamic: false })),
    ]),
  );
  return problemsOf({ modules, errors: [] }, root);
}

Deno.test("objection() lets arrows point inward only", () => {
  const ok = (from: string, to: string) => assertEquals(objection(from, to), undefined);
  const bad = (from: string, to: string) => assertEquals(typeof objection(from, to), "string");
  ok("cli/serve.ts", "server/tcp.ts");
  ok("server/tcp.ts", "protocol/command.ts");
  ok("client/client.ts", "protocol/command.ts");
  ok("protocol/command.ts", "traqq.ts");
  ok("traqq.ts", "engine/delta.ts");
  ok("engine/query.ts", "storage/storage.ts");
  ok("writer/flush.ts", "engine/delta.ts");
  ok("storage/kv.ts", "sketch/hyperloglog.ts");
  ok("sketch/codec.ts", "base/errors.ts");
  bad("base/errors.ts", "sketch/codec.ts");
  bad("engine/query.ts", "storage/memory.ts");
  bad("engine/query.ts", "traqq.ts");
  bad("storage/kv.ts", "engine/config.ts");
  bad("server/tcp.ts", "client/client.ts");
  bad("client/client.ts", "server/tcp.ts");
  bad("traqq.ts", "protocol/command.ts");
  ok("procession/chunks.ts", "codec/bits.ts");
  bad("procession/drain.ts", "engine/event.ts");
  bad("codec/bits.ts", "base/errors.ts");
  bad("attic/new.ts", "base/errors.ts");
});

Deno.test("objection() keeps the adapters of src/storage apart", () => {
  const ok = (from: string, to: string) => assertEquals(objection(from, to), undefined);
  const bad = (from: string, to: string) => assertEquals(typeof objection(from, to), "string");
  ok("storage/kv.ts", "storage/storage.ts");
  ok("storage/kv.ts", "storage/kv_keys.ts");
  ok("storage/kv.ts", "storage/cells.ts");
  bad("storage/kv.ts", "storage/memory.ts");
  bad("storage/kv_keys.ts", "storage/memory.ts");
  bad("storage/storage.ts", "storage/kv.ts");
});

Deno.test("circles() finds each circle and nothing else", () => {
  const find = (graph: Record<string, string[]>) => circles(new Map(Object.entries(graph)));
  assertEquals(find({ a: ["b", "c"], b: ["c"], c: [] }), []);
  assertEquals(find({ a: ["b"], b: ["c"], c: ["b"] }), [["b", "c", "b"]]);
  assertEquals(find({ a: ["a"] }), [["a", "a"]]);
});

Deno.test("problemsOf() names the importer and what is wrong", () => {
  assertEquals(problems({ "mod.ts": ["src/traqq.ts"], "src/traqq.ts": ["src/engine/a.ts"] }), []);
  assertStringIncludes(
    problems({ "src/engine/a.ts": ["src/server/b.ts"] })[0],
    "src/engine/a.ts imports src/server/b.ts: src/engine may import",
  );
  assertStringIncludes(problems({ "src/cli/a.ts": ["tests/b.ts"] })[0], "imports only src");
  assertEquals(
    problems({ "src/base/a.ts": ["src/base/b.ts"], "src/base/b.ts": ["src/base/a.ts"] }),
    ["a circle: src/base/a.ts -> src/base/b.ts -> src/base/a.ts"],
  );
  assertStringIncludes(
    problems({ "mod.ts": ["src/series/a.ts"] })[0],
    "mod.ts loads src/series/a.ts",
  );
});
