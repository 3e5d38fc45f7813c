/**
 * A program over trails, as a library: sessions in a few events.
 *
 * ```sh
 * deno run --allow-read=examples examples/trails.ts
 * ```
 */
import { TrailData, TrailProgram } from "@traqq/traqq/trails";

const file = new URL("trails/sessions.tr", import.meta.url);
const program = TrailProgram.parse(await Deno.readTextFile(file), { file: "sessions.tr" });
const { tests, failed } = await program.test();
console.log(`${tests.length - failed} of ${tests.length} tests passed`);

const data = TrailData.fromEvents([
  { event: "view", user: "ada", time: "2026-11-01T12:00:00Z" },
  { event: "view", user: "ada", time: "2026-11-01T12:29:59Z" },
  { event: "view", user: "ada", time: "2026-11-01T18:00:00Z" },
  { event: "view", user: "grace", time: "2026-11-01T12:00:00Z" },
], { by: "user" });
const result = await program.run(data);
console.log("sessions", result.number("$sessions"));
