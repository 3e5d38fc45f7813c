/**
 * `deno task test:jsr` and `ok:jsr`: runs a task with the real @std packages instead of the stand-ins of dev/std, on a machine
 * that reaches JSR. It works in a copy of the tree, so that programs which the tests start use the real packages too, and
 * nothing here changes.
 */
import { deno, fromFileUrl, root } from "./_root.ts";

const LEFT_OUT = new Set([".git", "node_modules", "coverage", "dist", "deno.lock"]);

const task = Deno.args[0];
if (task === undefined) {
  console.error("Cannot run without links: wanted the name of a task, received none");
  Deno.exit(2);
}

const copy = await Deno.makeTempDir({ prefix: "traqq_jsr_" });
const copyUrl = new URL(`file://${copy.replaceAll("\\", "/").replace(/^(?=[^/])/, "/")}/`);
let ok = false;
try {
  await copyFolder(root, copyUrl);
  const file = new URL("deno.json", copyUrl);
  const config = JSON.parse(await Deno.readTextFile(file));
  delete config.links;
  await Deno.writeTextFile(file, JSON.stringify(config, null, 2) + "\n");
  // The stand-ins' folders would be linted and checked as packages that nobody uses.
  await Deno.remove(new URL("dev/std/", copyUrl), { recursive: true });
  if (await deno(["fmt", "--quiet", "deno.json"], copyUrl)) {
    console.log(`deno task ${task} in ${fromFileUrl(copyUrl)}, with @std from JSR`);
    ok = await deno(["task", task, ...Deno.args.slice(1)], copyUrl);
  }
} finally {
  await Deno.remove(copy, { recursive: true });
}
if (!ok) Deno.exit(1);

async function copyFolder(from: URL, to: URL): Promise<void> {
  for await (const entry of Deno.readDir(from)) {
    if (LEFT_OUT.has(entry.name) || /\.db(-shm|-wal)?$/.test(entry.name)) continue;
    const name = encodeURIComponent(entry.name);
    if (entry.isDirectory) {
      await Deno.mkdir(new URL(`${name}/`, to));
      await copyFolder(new URL(`${name}/`, from), new URL(`${name}/`, to));
    } else if (entry.isFile) {
      await Deno.copyFile(new URL(name, from), new URL(name, to));
    }
  }
}
