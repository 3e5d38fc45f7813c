/**
 * What is asked while devices write: of ten questions six are those of dashboards, three look for what is
 * beyond a threshold, and one is about a single device, as in RusTs' benchmark.
 *
 * @module
 */

/** Kinds of questions. */
export const KINDS = ["dashboard", "alerting", "historical"] as const;
/** One of them. */
export type Kind = (typeof KINDS)[number];

/** A question. */
export interface Asked {
  readonly kind: Kind;
  readonly sql: string;
  readonly parameters: readonly string[];
}

/** In the order in which they are asked. */
const TURNS: readonly Kind[] = [
  ...["dashboard", "dashboard", "alerting", "dashboard", "alerting"] as const,
  ...["dashboard", "historical", "dashboard", "alerting", "dashboard"] as const,
];

const SQL: Readonly<Record<Kind, readonly string[]>> = {
  dashboard: [
    `SELECT region, avg(cpu_percent) AS cpu, avg(memory_percent) AS memory,
       count(DISTINCT device_id) AS devices
     FROM device_health WHERE time > now() - INTERVAL '15 minutes' GROUP BY region ORDER BY region`,
    `SELECT app, avg(response_ms) AS mean, quantile_cont(response_ms, 0.95) AS p95,
       sum(crashes) AS crashes
     FROM app_performance WHERE time > now() - INTERVAL '15 minutes' GROUP BY app ORDER BY app`,
    `SELECT time_bucket(INTERVAL '1 minute', time) AS minute, avg(score) AS score
     FROM experience_score WHERE time > now() - INTERVAL '1 hour' GROUP BY minute ORDER BY minute`,
    `SELECT connection, avg(latency_ms) AS latency, max(packet_loss) AS loss
     FROM network_health WHERE time > now() - INTERVAL '15 minutes'
     GROUP BY connection ORDER BY connection`,
  ],
  alerting: [
    `SELECT device_id, avg(cpu_percent) AS cpu FROM device_health
     WHERE time > now() - INTERVAL '5 minutes' GROUP BY device_id HAVING avg(cpu_percent) > 80`,
    `SELECT device_id, app, sum(crashes) AS crashes FROM app_performance
     WHERE time > now() - INTERVAL '5 minutes' GROUP BY device_id, app HAVING sum(crashes) >= 1`,
    `SELECT device_id, avg(score) AS score FROM experience_score
     WHERE time > now() - INTERVAL '5 minutes' GROUP BY device_id HAVING avg(score) < 40`,
  ],
  historical: [
    `SELECT time, cpu_percent, memory_percent FROM device_health
     WHERE device_id = $1 ORDER BY time DESC LIMIT 100`,
    `SELECT time, score FROM experience_score WHERE device_id = $1 ORDER BY time DESC LIMIT 100`,
  ],
};

/** The question of a number, from 0. @param device the one that is asked about */
export function questionAt(number: number, device: string): Asked {
  const kind = TURNS[number % TURNS.length];
  const ofKind = SQL[kind];
  const sql = ofKind[Math.floor(number / TURNS.length + number) % ofKind.length];
  return { kind, sql, parameters: kind === "historical" ? [device] : [] };
}
