/**
 * Events over HTTP, with Deno.serve: a page that counts its visitors and shows the count.
 *
 * ```sh
 * deno run --allow-net=127.0.0.1:8000 examples/http_serve.ts
 * curl -d '{"event":"click"}' -H 'Content-Type: application/json' http://127.0.0.1:8000/stats/record
 * curl 'http://127.0.0.1:8000/stats/find?q=add/event&merge=true'
 * ```
 */
import { MemoryStorage, Traqq } from "@traqq/traqq";
import { handler } from "@traqq/traqq/http";

await using traqq = await Traqq.open({ storage: new MemoryStorage() });
const stats = handler(traqq, { basePath: "/stats" });

const server = Deno.serve(
  { hostname: "127.0.0.1", port: Number(Deno.args[0] ?? 8000) },
  async (request, info) => {
    if (new URL(request.url).pathname.startsWith("/stats/")) return stats(request, info);
    await traqq.record({ event: "view" });
    const today = await traqq.queryDays(1);
    return new Response(`view number ${today.merged("add/event").counts.view} of today\n`);
  },
);

// Ctrl-C: answer what came, then bring it to storage.
Deno.addSignalListener("SIGINT", async () => {
  await stats.close();
  await server.shutdown();
});
await server.finished;
