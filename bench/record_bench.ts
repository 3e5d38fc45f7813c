import { MemoryStorage } from "../src/storage/memory.ts";
import { Traqq } from "../src/traqq.ts";
import { flightLines, QUICK_START, shopLines } from "./_events.ts";

// What an event costs beside parsing it. Ratios from interleaved rounds: bench/ingest.

const COUNT = 20_000;
const inputs = { shop: shopLines(COUNT), flights: await flightLines() };

for (const [name, lines] of Object.entries(inputs)) {
  const events = lines.map((line) => JSON.parse(line));
  const group = `${name}: ${COUNT} events`;
  const traqq = await Traqq.open({ storage: new MemoryStorage(), mapping: QUICK_START });

  Deno.bench({ name: `JSON.parse, ${name}`, group, baseline: true }, () => {
    for (const line of lines) JSON.parse(line);
  });

  Deno.bench({ name: `Traqq.record() of objects, ${name}`, group }, async (bench) => {
    const before = traqq.stats().recorded;
    bench.start();
    for (const event of events) traqq.record(event);
    bench.end();
    if (traqq.stats().recorded - before !== COUNT) throw new Error("BUG: events are missing");
    await traqq.flush();
  });

  Deno.bench({ name: `Traqq.recordMany() of objects, ${name}`, group }, async (bench) => {
    bench.start();
    const report = await traqq.recordMany(events);
    bench.end();
    if (report.recorded !== COUNT) throw new Error("BUG: events are missing");
    await traqq.flush();
  });
}
