/**
 * What `traqq serve` is compared with: a server that reads and parses the body, counts the events in it
 * and does nothing else.
 *
 * @module
 */
let recorded = 0;

const server = Deno.serve(
  { hostname: "127.0.0.1", port: 0, onListen: () => {} },
  async (request) => {
    if (request.method !== "POST") return Response.json({ engine: { recorded } });
    const body = await request.json();
    const count = Array.isArray(body) ? body.length : 1;
    recorded += count;
    return Response.json({ recorded: count, rejected: [] });
  },
);
console.log(`it listens on http://127.0.0.1:${server.addr.port},`);
