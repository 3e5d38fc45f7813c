/**
 * The load: autocannon sends bodies over some connections, each as soon as the one before is answered;
 * prints what came of it as JSON. A process of its own, which `main.ts` starts:
 *
 *     load.ts URL EVENTS_PER_BODY REQUESTS CONNECTIONS
 *
 * @module
 */
import autocannon from "autocannon";
import { shopLines } from "../_events.ts";

/** What a load has come to. */
export interface Loaded {
  /** Requests that were answered with 200. */
  readonly answered: number;
  /** All others, and connections that broke. */
  readonly failed: number;
  readonly seconds: number;
  /** Milliseconds. */
  readonly latency: { readonly p50: number; readonly p90: number; readonly p99: number };
}

/** Different bodies, so that not one and the same is parsed again and again. */
const BODIES = 20;

const [url, perBody, amount, connections] = Deno.args;
const events = Number(perBody);
const lines = shopLines(BODIES * events);
const bodies = Array.from({ length: BODIES }, (_, i) => {
  const some = lines.slice(i * events, (i + 1) * events);
  return events === 1 ? some[0] : `[${some.join()}]`;
});

const times: number[] = [];
let lastMs = 0;
const startedMs = performance.now();
const load = autocannon({
  url: `${url}/record`,
  connections: Number(connections),
  amount: Number(amount),
  requests: bodies.map((body) => ({
    method: "POST",
    headers: { "content-type": "application/json" },
    body,
  })),
});
// Its own figures are whole milliseconds, and its clock looks once a second.
load.on("response", (_client: unknown, status: number, _bytes: number, milliseconds: number) => {
  if (status === 200) times.push(milliseconds);
  lastMs = performance.now();
});
const result = await load;
times.sort((a, b) => a - b);
const percentile = (share: number) => times[Math.ceil(share * times.length) - 1];
const loaded: Loaded = {
  answered: times.length,
  failed: result.non2xx + result.errors + result.timeouts,
  seconds: (lastMs - startedMs) / 1000,
  latency: { p50: percentile(0.5), p90: percentile(0.9), p99: percentile(0.99) },
};
console.log(JSON.stringify(loaded));
