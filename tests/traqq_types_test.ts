/** What TypeScript makes of a selector; most of it is checked by `deno check`, and run once. */
import { assertEquals } from "@std/assert";
import {
  type AddResult,
  type AdvResult,
  type BmpResult,
  type InflatedRow,
  MemoryStorage,
  type MetricPath,
  type MetricResult,
  type MetricSelector,
  type MetricType,
  type ResultOf,
  type TopResult,
  Traqq,
} from "../mod.ts";

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends (<T>() => T extends B ? 1 : 2) ? true
  : false;

/** Compiles only for `true`. */
function typed<_T extends true>(): void {}

Deno.test("find(), merged() and inflate() are typed by their selector", async () => {
  await using traqq = await Traqq.open({ storage: new MemoryStorage() });
  const result = await traqq.queryDays(1);

  const top = result.find("top/geo");
  typed<Equal<typeof top, TopResult[]>>();
  const add = result.find("add/event~geo");
  typed<Equal<typeof add, AddResult[]>>();
  const adv = result.merged("adv/event~geo/amount");
  typed<Equal<typeof adv, AdvResult>>();
  const bmp = result.merged("bmp/ip");
  typed<Equal<typeof bmp, BmpResult>>();

  const parts = result.find({ type: "adv", key: ["event", "geo"] });
  typed<Equal<typeof parts, AdvResult[]>>();
  const oneOfTwo = result.merged({ type: "add" as "add" | "top", key: "event" });
  typed<Equal<typeof oneOfTwo, AddResult | TopResult>>();

  const path = "top/geo" as MetricPath;
  const any = result.find(path);
  typed<Equal<typeof any, MetricResult[]>>();
  const selector: MetricSelector = { type: "bmp", key: "ip" };
  const some = result.merged(selector);
  typed<Equal<typeof some, MetricResult>>();
  typed<Equal<ResultOf<`${"add"}/${string}`>, AddResult>>();
  typed<Equal<MetricResult["type"], MetricType>>();

  const ranked: [member: string, score: number][] = result.merged("top/geo").ranked;
  const rows: InflatedRow[] = result.inflate("add/event");
  assertEquals([ranked, rows, top, add], [[], [], [], []]);

  // deno-lint-ignore no-constant-condition
  if (false) {
    // @ts-expect-error: no such type
    result.find("sum/event");
    // @ts-expect-error: not a path
    result.find("event");
    // @ts-expect-error: a leaderboard has no counts
    result.merged("top/geo").counts;
    // @ts-expect-error: results are not written to
    result.merged("bmp/ip").count = 7;
    // @ts-expect-error: no such option
    await traqq.query({ from: 0, to: 1, units: "d" });
    // @ts-expect-error: no such unit
    await traqq.queryDays(1, { unit: "w" });
    // @ts-expect-error: storage is required
    await Traqq.open({ prefix: "x" });
  }
});
