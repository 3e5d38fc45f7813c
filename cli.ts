#!/usr/bin/env -S deno run
/**
 * The `traqq` program.
 *
 * ```sh
 * deno run --unstable-kv --allow-net=127.0.0.1:9876 --allow-read=traqq.db \
 *   --allow-write=traqq.db,traqq.db.refused.ndjson jsr:@traqq/traqq/cli serve
 * deno run jsr:@traqq/traqq/cli --help
 * ```
 *
 * @module
 */
import { main } from "./src/cli/main.ts";

if (import.meta.main) Deno.exit(await main(Deno.args));
