/**
 * A server on a free port and a client that writes bytes, for what `fetch` would never send.
 *
 * @module
 */
import { type HttpServer, type HttpServerOptions, serveHttp } from "../../../src/server/http.ts";
import { MemoryStorage } from "../../../src/storage/memory.ts";
import { Traqq } from "../../../src/traqq.ts";

/** A server with a `Traqq` in memory. */
export async function startServer(
  options: HttpServerOptions = {},
): Promise<AsyncDisposable & { server: HttpServer; traqq: Traqq }> {
  const traqq = await Traqq.open({ storage: new MemoryStorage() });
  const server = serveHttp(traqq, { port: 0, ...options });
  return {
    server,
    traqq,
    async [Symbol.asyncDispose]() {
      await server.shutdown({ deadlineMs: 2000 });
      await traqq.close();
    },
  };
}

/** How often each event was counted on 2026-01-01. */
export async function countsOf(traqq: Traqq): Promise<Record<string, number>> {
  const result = await traqq.query({ from: 1767225600, to: 1767225600 });
  return { ...result.merged("add/event").counts };
}

/** A connection. */
export class Raw implements Disposable {
  readonly conn: Deno.Conn;

  private constructor(conn: Deno.Conn) {
    this.conn = conn;
  }

  static async connect({ addr }: HttpServer): Promise<Raw> {
    return new Raw(await Deno.connect({ hostname: "127.0.0.1", port: addr.port }));
  }

  /** Writes all of it, or as much as the server takes. */
  async send(data: string | Uint8Array): Promise<void> {
    const bytes = typeof data === "string" ? new TextEncoder().encode(data) : data;
    try {
      for (let at = 0; at < bytes.length;) at += await this.conn.write(bytes.subarray(at));
    } catch {
      // The server has closed: what it said before is still to be read.
    }
  }

  /** What comes until the server closes, or this matches. At most 10 s. */
  async read(enough?: RegExp): Promise<string> {
    const buffer = new Uint8Array(1 << 16);
    const decoder = new TextDecoder();
    let text = "";
    const timer = setTimeout(() => this[Symbol.dispose](), 10_000);
    try {
      while (enough === undefined || !enough.test(text)) {
        const count = await this.conn.read(buffer);
        if (count === null) break;
        text += decoder.decode(buffer.subarray(0, count), { stream: true });
      }
    } catch {
      // A reset is an end too.
    } finally {
      clearTimeout(timer);
    }
    return text;
  }

  [Symbol.dispose](): void {
    try {
      this.conn.close();
    } catch {
      // It was closed already.
    }
  }
}

/** Sends bytes and gives all that comes back. */
export async function exchange(server: HttpServer, data: string | Uint8Array): Promise<string> {
  using raw = await Raw.connect(server);
  const sent = raw.send(data);
  const text = await raw.read();
  raw[Symbol.dispose]();
  await sent;
  return text;
}
