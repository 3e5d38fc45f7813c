import { assertEquals } from "@std/assert";
import * as procession from "../procession.ts";

Deno.test("procession.ts exports these names and no others", () => {
  assertEquals(Object.keys(procession).sort(), [
    "ConfigError",
    "Counter",
    "Gauge",
    "Histogram",
    "Procession",
    "ProcessionMeterProvider",
    "QuantileSketch",
    "processionHandler",
  ]);
});

Deno.test("Procession has these methods and no others", () => {
  assertEquals(Reflect.ownKeys(procession.Procession.prototype).map(String).sort(), [
    "constructor",
    "counter",
    "drainTo",
    "droppedCount",
    "eventCount",
    "events",
    "gauge",
    "histogram",
    "jsonLines",
    "jsonPieces",
    "memorySize",
    "resample",
    "seriesCount",
    "summarize",
    "toBytes",
    "toJSON",
    "toPrometheus",
  ]);
});
