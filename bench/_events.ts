/**
 * The events that benches record, as lines of JSON.
 *
 * @module
 */
import type { Mapping } from "../src/engine/config.ts";

/** The mapping of the README's quick start. */
export const QUICK_START: Mapping = {
  bitmap: ["ip"],
  add: ["event", "event~geo"],
  addValue: [{ key: "event~geo", addKey: "amount" }],
  top: ["geo"],
};

/** Purchases with 17 properties, of which the quick start maps four. */
export function shopLines(count: number): string[] {
  return Array.from({ length: count }, (_, i) =>
    JSON.stringify({
      event: ["purchase", "view", "click"][i % 3],
      ip: `${i % 223}.${(i * 7) % 256}.${(i * 13) % 256}.${(i * 31) % 256}`,
      geo: ["US", "DE", "FR", "GB", "BR"][i % 5],
      utm_source: "google",
      amount: (i * 7919 % 20_000) / 100,
      page: `/products/${i % 1000}`,
      referrer: "https://www.example.com/search?q=shoes",
      browser: "Chrome",
      os: "macOS",
      device: "desktop",
      screen: "1920x1080",
      language: "en-US",
      session: `s${i}`,
      user: `u${i % 5000}`,
      campaign: "summer",
      plan: "pro",
      items: i % 7,
    }));
}

/** The demo's 20,000 flights. */
export async function flightLines(): Promise<string[]> {
  const packed = await Deno.readFile(
    new URL("../examples/data/flights.ndjson.gz", import.meta.url),
  );
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
  return (await new Response(stream).text()).trimEnd().split("\n");
}
