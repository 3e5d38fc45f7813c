/**
 * A server that does what a test tells it, for what no real server does: wrong replies, none, and
 * connections that break at a chosen moment.
 *
 * @module
 */
import { Peer } from "../server/_peer.ts";

/** Serves every connection with `serve`, then closes it. The first command of each is answered first. */
export function scriptedServer(
  serve: (peer: Peer) => Promise<void>,
): AsyncDisposable & { address: string } {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const serving: Promise<void>[] = [];
  const accepting = (async () => {
    for await (const conn of listener) {
      serving.push((async () => {
        using peer = new Peer(conn);
        await peer.line();
        await peer.send('{"success":true}\n');
        await serve(peer);
      })());
    }
  })();
  return {
    address: `127.0.0.1:${listener.addr.port}`,
    async [Symbol.asyncDispose]() {
      listener.close();
      await accepting;
      await Promise.all(serving);
    },
  };
}
