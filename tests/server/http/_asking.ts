/**
 * A handler on a `Traqq` in memory, and short ways to ask it.
 *
 * @module
 */
import { gzipSync } from "node:zlib";
import { handler, type HttpHandler, type HttpOptions } from "../../../src/server/http.ts";
import { MemoryStorage } from "../../../src/storage/memory.ts";
import { Traqq, type TraqqOptions } from "../../../mod.ts";

export const MAPPING = {
  add: ["event", "event~geo"],
  bitmap: ["ip"],
  addValue: [{ key: "event~geo", addKey: "amount" }],
  top: ["geo"],
};

/** What {@linkcode Asking.ask} gives. */
export interface Reply {
  status: number;
  headers: Headers;
  text: string;
  // deno-lint-ignore no-explicit-any
  body: any;
}

/** See the top of this file. */
export class Asking implements AsyncDisposable {
  readonly traqq: Traqq;
  readonly answer: HttpHandler;

  private constructor(traqq: Traqq, options: HttpOptions) {
    this.traqq = traqq;
    this.answer = handler(traqq, options);
  }

  static async open(
    options: HttpOptions = {},
    traqqOptions: Partial<TraqqOptions> = {},
  ): Promise<Asking> {
    const traqq = await Traqq.open({
      storage: new MemoryStorage(),
      mapping: MAPPING,
      ...traqqOptions,
    });
    return new Asking(traqq, options);
  }

  async ask(path: string, init: RequestInit = {}, address = "192.0.2.1"): Promise<Reply> {
    const info = { remoteAddr: { transport: "tcp", hostname: address, port: 1 } };
    const response = await this.answer(new Request(`http://localhost${path}`, init), info);
    const text = await response.text();
    let body: unknown;
    try {
      body = JSON.parse(text);
    } catch {
      // Not all replies are JSON.
    }
    return { status: response.status, headers: response.headers, text, body };
  }

  /** `POST /record`. */
  record(
    body: BodyInit,
    headers: Record<string, string> = { "Content-Type": "application/json" },
    query = "?at=1767225600",
  ): Promise<Reply> {
    return this.ask(`/record${query}`, { method: "POST", body, headers });
  }

  /** How often each event was counted on 2026-01-01. */
  async counts(): Promise<Record<string, number>> {
    const result = await this.traqq.query({ from: 1767225600, to: 1767225600 });
    return { ...result.merged("add/event").counts };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.answer.close();
    await this.traqq.close();
  }
}

/** As a body. */
export function gzip(data: string | Uint8Array): Uint8Array<ArrayBuffer> {
  return new Uint8Array(gzipSync(data));
}
