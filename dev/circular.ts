/** `deno task circular`: fails on circular imports in src and on imports against the direction of dev/architecture.ts. */
import { circles, NOT_IN_MOD, objection, roomOf } from "./architecture.ts";
import { type Graph, readGraph } from "./_graph.ts";
import { readConfig, root } from "./_root.ts";

if (import.meta.main) {
  const { exports } = await readConfig();
  const entries = Object.values(exports).concat(await sourceFiles(new URL("src/", root)));
  const graph = await readGraph(entries);
  const problems = [...graph.errors, ...problemsOf(graph, root.href)];
  for (const problem of problems) console.error(`circular: ${problem}`);
  if (problems.length > 0) Deno.exit(1);
  const count = [...graph.modules.keys()].filter((url) =>
    url.startsWith(`${root.href}src/`)
  ).length;
  console.log(`circular: ${count} modules of src import each other in one direction`);
}

/** Everything that is wrong with the graph of the repository at `rootHref`, one sentence each. */
export function problemsOf(graph: Graph, rootHref: string): string[] {
  const problems: string[] = [];
  const local = new Map<string, string[]>();
  const needed = new Map<string, string[]>(); // outside src, `import type` makes no circle
  for (const [url, imports] of graph.modules) {
    if (!url.startsWith(rootHref)) continue;
    const from = url.slice(rootHref.length);
    const inside = imports.filter(({ to }) => to.startsWith(rootHref))
      .map((found) => ({ ...found, to: found.to.slice(rootHref.length) }));
    local.set(from, inside.map(({ to }) => to));
    needed.set(
      from,
      inside.filter(({ typeOnly }) => from.startsWith("src/") || !typeOnly).map(({ to }) => to),
    );
  }

  for (const [from, targets] of local) {
    if (!from.startsWith("src/")) continue;
    for (const to of targets) {
      const why = to.startsWith("src/")
        ? objection(from.slice(4), to.slice(4))
        : to.startsWith("dev/std/")
        ? undefined
        : "src imports only src and packages";
      if (why !== undefined) problems.push(`${from} imports ${to}: ${why}`);
    }
  }

  for (const circle of circles(needed)) problems.push(`a circle: ${circle.join(" -> ")}`);

  for (const path of reachable(local, "mod.ts")) {
    const room = path.startsWith("src/") ? roomOf(path.slice(4)) : "";
    if (NOT_IN_MOD.includes(room)) problems.push(`mod.ts loads ${path}: ${room} has its own entry`);
  }
  return problems;
}

function reachable(imports: ReadonlyMap<string, string[]>, from: string): Set<string> {
  const seen = new Set<string>();
  const todo = [from];
  for (let name = todo.pop(); name !== undefined; name = todo.pop()) {
    if (seen.has(name)) continue;
    seen.add(name);
    todo.push(...(imports.get(name) ?? []));
  }
  return seen;
}

async function sourceFiles(folder: URL): Promise<string[]> {
  const files: string[] = [];
  for await (const entry of Deno.readDir(folder)) {
    const url = new URL(entry.isDirectory ? `${entry.name}/` : entry.name, folder);
    if (entry.isDirectory) files.push(...await sourceFiles(url));
    else if (entry.name.endsWith(".ts")) files.push(url.href.slice(root.href.length));
  }
  return files.sort();
}
