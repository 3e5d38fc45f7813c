/**
 * A target that does what a test tells it, and says in which order things came.
 *
 * @module
 */
import type { Target } from "../../src/protocol/dispatch.ts";
import { EventError } from "../../src/base/errors.ts";
import type { QueryResult } from "../../src/engine/result.ts";

/** Counts events; `gate` holds `recordMany` back until it resolves. */
export class FakeTarget implements Target {
  /** What came: `record 3` for three events at once, `query`, … */
  readonly calls: string[] = [];
  counted = 0;
  gate: Promise<void> | undefined;
  failure: Error | undefined;

  async record(event: unknown): Promise<void> {
    await this.recordMany([event]);
  }

  async recordMany(
    events: Iterable<unknown> | AsyncIterable<unknown>,
  ): ReturnType<Target["recordMany"]> {
    const list = await Array.fromAsync(events);
    this.calls.push(`record ${list.length}`);
    await this.gate;
    if (this.failure !== undefined) throw this.failure;
    const rejected = list.flatMap((event, index) =>
      event === null ? [{ index, error: new EventError("Cannot record an event: null") }] : []
    );
    this.counted += list.length - rejected.length;
    return { recorded: list.length - rejected.length, rejected };
  }

  query(): Promise<QueryResult> {
    this.calls.push("query");
    const found = this.counted;
    return Promise.resolve({
      buckets: [{
        start: 0,
        label: "1970-01-01",
        results: [{ type: "bmp", key: ["ip"], location: "l", count: found }],
      }],
    } as unknown as QueryResult);
  }

  queryDays(): Promise<QueryResult> {
    return this.query();
  }

  stats(): ReturnType<Target["stats"]> {
    this.calls.push("stats");
    return { recorded: this.counted } as ReturnType<Target["stats"]>;
  }
}
