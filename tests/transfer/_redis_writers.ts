/**
 * Redis as other programs leave it: the same commands with the same keys, for the same events. What the
 * Rust traqq sends stands in `src/lib.rs` and `src/storage/redis.rs` of the public repository
 * `oeo/traqq`; what trk sends in `src/module.iced` of `oeo/trk` and was seen on a real server.
 */
import type { Redis } from "ioredis";
import { importCells, type ImportReport } from "../../src/transfer/import.ts";
import type { Finding, Layout } from "../../src/transfer/redis_layout.ts";
import { RedisSource } from "../../src/transfer/redis_source.ts";
import { surveyRedis } from "../../src/transfer/redis_survey.ts";
import type { Storage } from "../../src/storage/storage.ts";

export type Event = Readonly<Record<string, string | number>>;

export interface RustMapping {
  readonly bitmap?: readonly string[];
  readonly add?: readonly string[];
  readonly addValue?: readonly { readonly key: string; readonly addKey: string }[];
  readonly top?: readonly string[];
}

/** What the Rust traqq 0.2 sends for an event that belongs to these buckets, such as `d:1767225600`. */
export async function recordAsRust(
  redis: Redis,
  prefix: string,
  buckets: readonly string[],
  mapping: RustMapping,
  event: Event,
): Promise<void> {
  for (const bucket of buckets) {
    const known: string[] = [];
    const keyOf = (type: string, rest: string) => {
      const key = `${prefix}:${type}:${bucket}:${rest}`;
      known.push(key);
      return key;
    };
    for (const pattern of mapping.bitmap ?? []) {
      await redis.pfadd(keyOf("bmp", pattern), `${valueOf(event, pattern)}`);
    }
    for (const pattern of mapping.add ?? []) {
      await redis.hincrby(keyOf("add", pattern), `${valueOf(event, pattern)}`, 1);
    }
    for (const { key, addKey } of mapping.addValue ?? []) {
      if (event[addKey] === undefined) continue;
      const amount = `${event[addKey]}`;
      await redis.hincrbyfloat(
        keyOf("adv", `${addKey}:${key}`),
        `${valueOf(event, key)}`,
        amount as never,
      );
      const totals = keyOf("adv", `${addKey}:${key}:i`);
      await redis.hincrbyfloat(totals, "sum", amount as never);
      await redis.hincrby(totals, "count", 1);
    }
    for (const pattern of mapping.top ?? []) {
      await redis.zincrby(keyOf("top", pattern), 1, `${valueOf(event, pattern)}`);
    }
    await redis.sadd(`${prefix}:k:${bucket}`, ...known);
  }
}

export interface TrkMap {
  readonly bmp?: readonly string[];
  readonly add?: readonly string[];
  readonly addv?: readonly { readonly key: string; readonly value: string }[];
  readonly top?: readonly string[];
}

/** What trk sends for an event on a day; with `heir` what trk2 sends. */
export async function recordAsTrk(
  redis: Redis,
  prefix: string,
  day: number,
  map: TrkMap,
  event: Event,
  heir = false,
): Promise<void> {
  const known: string[] = [];
  const keyOf = (rest: string) => `${prefix}:${day}:${rest}`;
  for (const pattern of map.bmp ?? []) {
    const value = valueOf(event, pattern);
    if (!value) continue;
    const ids = keyOf(`bmp:i:${pattern}`);
    let id = await redis.zscore(ids, `${value}`);
    if (id === null) {
      id = `${await redis.zcard(ids)}`;
      await redis.zadd(ids, id, `${value}`);
    }
    await redis.setbit(keyOf(`bmp:${pattern}`), Number(id), 1);
    known.push(keyOf(`bmp:${pattern}`));
  }
  for (const pattern of map.add ?? []) {
    const value = valueOf(event, pattern);
    if (!value) continue;
    await redis.hincrby(keyOf(`add:${pattern}`), `${value}`, 1);
    known.push(keyOf(`add:${pattern}`));
  }
  for (const pattern of map.top ?? []) {
    const value = valueOf(event, pattern);
    if (!value) continue;
    await redis.zincrby(keyOf(`top:${pattern}`), 1, `${value}`);
    known.push(keyOf(`top:${pattern}`));
  }
  for (const { key, value } of map.addv ?? []) {
    const label = valueOf(event, key);
    if (!label || !event[value] || Number.isNaN(Number(event[value]))) continue;
    const amount = Math.trunc(Number(event[value]));
    const totals = keyOf(heir ? `addv:${value}:${key}:i` : `addv:${value}:i`);
    known.push(keyOf(`addv:${value}:${key}`), totals);
    if (key !== value) await redis.hincrby(keyOf(`addv:${value}:${key}`), `${label}`, amount);
    await redis.hincrby(totals, "sum", amount);
    await redis.hincrby(totals, "count", 1);
  }
  await redis.sadd(`${prefix}:k:${day}${heir ? ":" : ""}`, ...known.map((key) => key.trim()));
}

/** The values of a pattern, joined; the value itself where there is one. */
function valueOf(event: Event, pattern: string): string | number | undefined {
  const names = pattern.split("~");
  return names.length === 1 ? event[pattern] : names.map((name) => event[name]).join("~");
}

/** Imports, and gives the report with all that was found. */
export async function importRedis(
  url: string,
  layout: Layout,
  target: Storage,
  options: { prefix: string; timezone: string; to?: string; merge?: boolean; signal?: AbortSignal },
): Promise<{ report: ImportReport; findings: Finding[] }> {
  const { prefix, timezone, to, merge, signal } = options;
  await using source = await RedisSource.open(url);
  const findings: Finding[] = [];
  const survey = await surveyRedis(source, layout, {
    prefix,
    timezone,
    onFinding: (finding) => findings.push(finding),
  });
  const report = await importCells(target, survey.lines(), { prefix: to, merge, signal });
  return { report, findings };
}

/** A finding as a line. */
export function told({ kind, key, field, why }: Finding): string {
  return `${kind} ${key}${field === undefined ? "" : ` ${JSON.stringify(field)}`}: ${why}`;
}
