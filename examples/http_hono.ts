/**
 * Events over HTTP, in an app of Hono's: writing needs one token, reading another.
 *
 * ```sh
 * deno run --allow-net=127.0.0.1:8000 examples/http_hono.ts
 * curl -d '{"event":"click"}' -H 'Content-Type: application/json' \
 *   -H 'Authorization: Bearer may-write' http://127.0.0.1:8000/analytics/record
 * curl -H 'Authorization: Bearer may-read' 'http://127.0.0.1:8000/analytics/query?days=1'
 * ```
 */
import { Hono } from "hono";
import { MemoryStorage, Traqq } from "@traqq/traqq";
import { handler } from "@traqq/traqq/http";

await using traqq = await Traqq.open({ storage: new MemoryStorage() });
const analytics = handler(traqq, {
  basePath: "/analytics",
  access: {
    tokens: [{ token: "may-write", right: "record" }, { token: "may-read", right: "read" }],
  },
});

const app = new Hono();
app.get("/", (c) => c.text("hello\n"));
// c.env is what Deno.serve knows of the connection: by the address, wrong tokens are counted.
app.all("/analytics/*", (c) => analytics(c.req.raw, c.env));

const server = Deno.serve(
  { hostname: "127.0.0.1", port: Number(Deno.args[0] ?? 8000) },
  app.fetch,
);
Deno.addSignalListener("SIGINT", async () => {
  await analytics.close();
  await server.shutdown();
});
await server.finished;
