/** `deno task doc:lint`: `deno doc --lint` on every entry point that deno.json exports. */
import { deno, readConfig } from "./_root.ts";

const { exports } = await readConfig();
if (!await deno(["doc", "--lint", ...Object.values(exports)])) Deno.exit(1);
