/** The module graph as `deno info --json` tells it; shared by the scripts of this folder. */
import { fromFileUrl, root } from "./_root.ts";

/** One import of a module. */
export interface Import {
  /** The module that is imported, a URL. */
  to: string;
  /** `import type`: gone at run time. */
  typeOnly: boolean;
  /** `import()`. */
  dynamic: boolean;
}

/** What `deno info` says of a program. */
export interface Graph {
  /** Imports of each local module, by URL. */
  modules: Map<string, Import[]>;
  /** What cannot be found or read. */
  errors: string[];
}

interface InfoJson {
  modules: {
    specifier: string;
    error?: string;
    dependencies?: {
      code?: { specifier?: string; error?: string };
      type?: { specifier?: string; error?: string };
      isDynamic?: boolean;
    }[];
  }[];
}

/** The graph of all that `entries` load, paths from the repository's root. */
export async function readGraph(entries: readonly string[]): Promise<Graph> {
  const graph: Graph = { modules: new Map(), errors: [] };
  for (const entry of entries) {
    const url = new URL(entry, root).href;
    if (graph.modules.has(url)) continue;
    const command = new Deno.Command(Deno.execPath(), {
      args: ["info", "--json", url],
      cwd: fromFileUrl(root),
      stdout: "piped",
      stderr: "piped",
    });
    const { success, stdout, stderr } = await command.output();
    if (!success) {
      graph.errors.push(`${entry}: ${new TextDecoder().decode(stderr).trim()}`);
      continue;
    }
    const info: InfoJson = JSON.parse(new TextDecoder().decode(stdout));
    for (const module of info.modules) {
      if (module.error !== undefined) {
        graph.errors.push(`${module.specifier}: ${module.error}`);
        continue;
      }
      const imports: Import[] = [];
      for (const { code, type, isDynamic = false } of module.dependencies ?? []) {
        for (const side of [code, type]) {
          if (side?.error !== undefined) graph.errors.push(`${module.specifier}: ${side.error}`);
        }
        const to = code?.specifier ?? type?.specifier;
        if (to !== undefined) {
          imports.push({ to, typeOnly: code === undefined, dynamic: isDynamic });
        }
      }
      graph.modules.set(module.specifier, imports);
    }
  }
  graph.errors = [...new Set(graph.errors)];
  return graph;
}
