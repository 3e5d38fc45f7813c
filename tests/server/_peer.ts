/**
 * A raw TCP client for tests of the server: text out, lines in, no protocol.
 *
 * @module
 */
import type { Target } from "../../src/protocol/dispatch.ts";
import { serveTcp, type TcpOptions, type TcpServer } from "../../src/server/tcp.ts";
import { MemoryStorage } from "../../src/storage/memory.ts";
import { Traqq } from "../../src/traqq.ts";

const encoder = new TextEncoder();

/** See the top of this file. */
export class Peer implements Disposable {
  readonly conn: Deno.Conn;
  readonly #decoder = new TextDecoder();
  readonly #buffer = new Uint8Array(1 << 16);
  #text = "";
  #ended = false;

  constructor(conn: Deno.Conn) {
    this.conn = conn;
  }

  static async connect(server: TcpServer): Promise<Peer> {
    return new Peer(await Deno.connect({ hostname: "127.0.0.1", port: server.addr.port }));
  }

  /** Writes all of it. */
  async send(data: string | Uint8Array): Promise<void> {
    const bytes = typeof data === "string" ? encoder.encode(data) : data;
    for (let at = 0; at < bytes.length;) at += await this.conn.write(bytes.subarray(at));
  }

  /** The next line, or undefined at the end of the stream. */
  async line(): Promise<string | undefined> {
    for (;;) {
      const end = this.#text.indexOf("\n");
      if (end >= 0) {
        const line = this.#text.slice(0, end);
        this.#text = this.#text.slice(end + 1);
        return line;
      }
      if (!await this.#more()) return undefined;
    }
  }

  /** Sends a line and gives its reply, parsed. */
  async ask(line: string): Promise<{ success: boolean; error?: string; data?: unknown }> {
    await this.send(`${line}\n`);
    return JSON.parse(await this.line() ?? '"the connection ended"');
  }

  /** Everything until the end of the stream. */
  async rest(): Promise<string> {
    while (await this.#more());
    const text = this.#text;
    this.#text = "";
    return text;
  }

  /** Reads and forgets until the stream ends or breaks. */
  async gone(): Promise<void> {
    try {
      while (await this.conn.read(this.#buffer) !== null);
    } catch {
      // Broken is gone too.
    }
  }

  async #more(): Promise<boolean> {
    if (this.#ended) return false;
    const count = await this.conn.read(this.#buffer);
    this.#ended = count === null;
    if (count !== null) {
      this.#text += this.#decoder.decode(this.#buffer.subarray(0, count), { stream: true });
    }
    return count !== null;
  }

  [Symbol.dispose](): void {
    try {
      this.conn.close();
    } catch {
      // It was closed already.
    }
  }
}

/** A server on a free port with a `Traqq` in memory, unless the target is given. */
export async function startServer(
  options: TcpOptions = {},
  target?: Target,
): Promise<AsyncDisposable & { server: TcpServer; traqq: Traqq }> {
  const traqq = await Traqq.open({ storage: new MemoryStorage() });
  const server = serveTcp(target ?? traqq, { port: 0, ...options });
  return {
    server,
    traqq,
    async [Symbol.asyncDispose]() {
      await server.shutdown();
      await traqq.close();
    },
  };
}

/** Counts of events by name, over all time that tests use. */
export async function countsOf(traqq: Traqq): Promise<Record<string, number>> {
  const result = await traqq.query({ from: "2026-01-01T00:00:00Z", to: "2026-01-10T00:00:00Z" });
  return { ...result.merged("add/event").counts };
}

/** A record line with a time that {@linkcode countsOf} looks at. */
export function record(name: string): string {
  return `{"cmd":"record","event":{"event":${JSON.stringify(name)}},"at":1767225600}\n`;
}

/** Resolves when the condition holds, looking again after each turn of the event loop; at most 30 s. */
export async function until(condition: () => boolean): Promise<void> {
  const deadlineMs = performance.now() + 30_000;
  while (!condition()) {
    if (performance.now() > deadlineMs) throw new Error("until() waited 30 s in vain");
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}
