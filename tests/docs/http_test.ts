/** Holds docs/http.md to the code. */
import { assert, assertEquals } from "@std/assert";
import { COMMANDS } from "../../src/cli/main.ts";
import { serveTcp } from "../../src/server/tcp.ts";
import { parametersOf } from "../../src/server/http/ask.ts";
import { kindOf } from "../../src/server/http/events.ts";
import { Asking } from "../server/http/_asking.ts";
import { after, block, code, numberOf, read, table } from "./_pages.ts";
import { fits } from "./_transcript.ts";

const PAGE = "docs/http.md";

interface Operation {
  security?: unknown[];
}

Deno.test("docs/http.md: the table of paths has every path, its methods and its right", async () => {
  await using it = await Asking.open({
    access: { tokens: ["all", { token: "w", right: "record" }, { token: "r", right: "read" }] },
  });
  const ask = async (path: string, method: string, token: string) =>
    (await it.ask(path, { method, headers: { Authorization: `Bearer ${token}` } })).status;
  const { body } = await it.ask("/openapi.json", { headers: { Authorization: "Bearer all" } });
  const paths = body.paths as Record<string, Record<string, Operation>>;
  const rows = table(PAGE, "paths");
  assertEquals(
    rows.map(([path, methods]) => [code(path), methods]).sort(),
    Object.entries(paths).map(([path, operations]) => [
      path,
      Object.keys(operations).map((method) => method.toUpperCase()).join(", "),
    ]).sort(),
  );
  for (const [path, method, right] of rows) {
    // HEAD, for /live would go on.
    const used = method === "GET" ? "HEAD" : method;
    const isRefused = [
      await ask(code(path), used, "w") === 403,
      await ask(code(path), used, "r") === 403,
    ];
    const wanted = { record: [false, true], read: [true, false], none: [false, false] };
    assertEquals(isRefused, wanted[code(right) as "read"], path);
  }
});

Deno.test("docs/http.md: the content types are those that are read", () => {
  const known = table(PAGE, "content types").flatMap(([type, meaning]) => [
    code(type),
    ...[...meaning.matchAll(/`(\w+\/[\w-]+)`/g)].map(([, name]) => name),
  ]);
  for (const type of known) kindOf(type);
  const source = read("src/server/http/events.ts");
  const inCode = [...source.matchAll(/^ {2}"(\w+\/[\w-]+)": "/gm)].map(([, type]) => type)
    .filter((type) => type !== "application/x-jsonlines"); // a name that hardly anybody uses
  assertEquals(known.sort(), inCode.sort());
});

Deno.test("docs/http.md: the conversation is the server's", async () => {
  await using it = await Asking.open();
  const exchanges = block(PAGE, "conversation").split(/^(?=> (?:GET|POST) )/m);
  assert(exchanges.length > 8);
  for (const exchange of exchanges) {
    const lines = exchange.trimEnd().split("\n");
    const [, method, path, type] = /^> (\w+) (\S+) ?(\S*)$/.exec(lines[0])!;
    const body = lines.slice(1, -1).map((line) => line.slice(2)).join("\n");
    const init = method === "GET" ? {} : { method, body, headers: { "Content-Type": type } };
    const { status, text } = await it.ask(path, init);
    const got = `${status} ${text.trimEnd().replaceAll("\n", " ")}`;
    const wanted = lines.at(-1)!.slice(2);
    if (!fits(wanted, got)) assertEquals(got, wanted);
  }
});

Deno.test("docs/http.md: the table of statuses has those that POST /record can give", async () => {
  const listed = table(PAGE, "statuses").flatMap(([status]) => status.split(", "));
  await using it = await Asking.open();
  const { body } = await it.ask("/openapi.json");
  const inDocument = Object.keys(body.paths["/record"].post.responses);
  assertEquals(listed.filter((status) => status !== "none").sort(), inDocument.sort());
});

Deno.test("docs/http.md: the table of parameters has every parameter", () => {
  const rows = table(PAGE, "parameters");
  const names = (paths: string[]) =>
    rows.filter(([, of]) => paths.includes(of)).map(([name]) => code(name)).sort();
  assertEquals(names(["both"]), parametersOf("/query").sort());
  assertEquals(names(["both", "find"]), parametersOf("/find").sort());
});

Deno.test("docs/http.md: the table of options has every option, its default and its flag", () => {
  const source = read("src/server/http/handler.ts");
  const members = /export interface HttpOptions \{(.*?)^\}/ms.exec(
    read("src/server/http/options.ts"),
  )![1];
  const options = [...members.matchAll(/\/\*\*(.*?)\*\/\s+(\w+)\?:/gs)];
  const rows = table(PAGE, "options");
  assertEquals(rows.map(([name]) => code(name)), options.map(([, , name]) => name));
  const flags = COMMANDS.find(({ name }) => name === "serve")!.groups.flatMap(({ flags }) => flags);
  for (const [i, [name, flag, value]] of rows.entries()) {
    if (flag !== "") assert(flags.some((one) => `--${one.name}` === code(flag)), flag);
    if (!/^[\d,]+$/.test(value)) continue;
    const said = /[Dd]efault ([\d,]+)( MiB)?/.exec(options[i][1])!;
    const inCode = numberOf(said[1]) * (said[2] === undefined ? 1 : 2 ** 20);
    assertEquals(numberOf(value), inCode, name);
    assert(
      source.includes(`options.${code(name)} ?? ${numberLiteral(inCode)}`),
      `${name} is ${value} in the code`,
    );
  }
});

/** A number as the sources write it. */
function numberLiteral(value: number): string {
  if (value === 10 << 20) return "10 << 20";
  return value < 10_000 ? String(value) : value.toLocaleString("en").replaceAll(",", "_");
}

Deno.test("docs/http.md: the table of metrics has every metric, its type and its labels", async () => {
  const directory = await Deno.makeTempDir({ prefix: "traqq-test-" });
  try {
    let stats = () => ({}) as ReturnType<ReturnType<typeof serveTcp>["stats"]>;
    await using it = await Asking.open({ tcp: () => stats() }, { journal: { directory } });
    await using tcp = serveTcp(it.traqq, { port: 0 });
    stats = () => tcp.stats();
    await it.ask("/health");
    const { text } = await it.ask("/metrics");
    const wanted = [...text.matchAll(/^# TYPE (\w+) (\w+)$/gm)].map(([, name, type]) => {
      const sample = new RegExp(`^${name}\\{(.*)\\}`, "m").exec(text)?.[1] ?? "";
      return [name, type, [...sample.matchAll(/(\w+)="/g)].map(([, label]) => label).join(", ")];
    });
    assertEquals(
      table(PAGE, "metrics").map(([name, type, labels]) => [
        code(name),
        type,
        labels.replaceAll("`", ""),
      ]),
      wanted,
    );
    const reasons = [...text.matchAll(/reason="(\w+)"/g)].map(([, reason]) => reason);
    for (const reason of reasons) assert(after(PAGE, "metrics").includes(`\`${reason}\``), reason);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});
