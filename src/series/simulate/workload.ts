/**
 * What the agents on a company's computers tell of them: RusTs' endpoint-monitoring workload. Each device
 * writes of itself, its network, what its user makes of it, and of four or five apps: 7.5 series a device.
 * The same seed gives the same devices and the same values.
 *
 * @module
 */
import { encodePoints } from "../points/encode.ts";
import type { Point } from "../points/point.ts";

/** The measurements of the workload. */
export const MEASUREMENTS = [
  "device_health",
  "app_performance",
  "network_health",
  "experience_score",
] as const;

const REGIONS = ["us-east", "us-west", "eu-central", "eu-west", "ap-south"];
const SYSTEMS = ["windows-11", "windows-10", "macos-15", "ubuntu-24.04"];
const CONNECTIONS = ["wifi", "ethernet", "vpn"];
const APPS = ["browser", "mail", "chat", "video", "office", "ide", "erp", "crm"];

/** A computer with an agent. */
export class Device {
  readonly id: string;
  readonly #random: () => number;
  readonly #tags: Readonly<Record<string, string>>;
  readonly #connection: string;
  readonly #apps: readonly string[];
  #cpu: number;
  #memory: number;
  #latency: number;

  /** @param number from 0 */
  constructor(number: number, seed: number) {
    const random = this.#random = randomOf(seed * 1_000_003 + number);
    this.id = `device-${String(number).padStart(5, "0")}`;
    this.#tags = {
      device_id: this.id,
      os: pick(SYSTEMS, random),
      region: REGIONS[number % REGIONS.length],
    };
    this.#connection = pick(CONNECTIONS, random);
    const first = Math.floor(random() * APPS.length);
    const count = 4 + number % 2;
    this.#apps = Array.from({ length: count }, (_, i) => APPS[(first + i) % APPS.length]);
    this.#cpu = 10 + random() * 40;
    this.#memory = 30 + random() * 40;
    this.#latency = 5 + random() * 60;
  }

  /** How many series it has. */
  get seriesCount(): number {
    return 3 + this.#apps.length;
  }

  /** What it writes at a moment, as line protocol: a point for each of its series. */
  report(unixMs: number): string {
    return encodePoints(this.#points(new Date(unixMs)));
  }

  *#points(time: Date): Generator<Point> {
    const random = this.#random;
    this.#cpu = walk(this.#cpu, 12, 0, 100, random);
    this.#memory = walk(this.#memory, 4, 5, 100, random);
    this.#latency = walk(this.#latency, 8, 1, 400, random);
    const loss = random() < 0.9 ? 0 : random() * 5;
    const tags = this.#tags;
    yield {
      ...{ measurement: "device_health", tags, time },
      fields: {
        cpu_percent: cut(this.#cpu),
        memory_percent: cut(this.#memory),
        disk_percent: cut(40 + random() * 20),
        battery_percent: BigInt(Math.floor(random() * 101)),
      },
    };
    yield {
      ...{ measurement: "network_health", tags: { ...tags, connection: this.#connection }, time },
      fields: {
        latency_ms: cut(this.#latency),
        jitter_ms: cut(random() * 10),
        packet_loss: cut(loss),
        signal_dbm: BigInt(-30 - Math.floor(random() * 60)),
      },
    };
    let worst = 0;
    for (const app of this.#apps) {
      const response = 50 + this.#cpu * 8 * random();
      worst = Math.max(worst, response);
      yield {
        ...{ measurement: "app_performance", tags: { ...tags, app }, time },
        fields: {
          response_ms: cut(response),
          cpu_percent: cut(this.#cpu / this.#apps.length),
          memory_mb: cut(100 + random() * 900),
          crashes: random() < 0.002 ? 1n : 0n,
        },
      };
    }
    const score = 100 - this.#cpu * 0.3 - this.#latency * 0.1 - loss * 4 - worst * 0.02;
    yield {
      ...{ measurement: "experience_score", tags, time },
      fields: { score: cut(Math.max(0, score)), device: cut(100 - this.#cpu * 0.5) },
    };
  }
}

function walk(
  value: number,
  step: number,
  least: number,
  most: number,
  random: () => number,
): number {
  return Math.min(most, Math.max(least, value + (random() - 0.5) * 2 * step));
}

function pick(from: readonly string[], random: () => number): string {
  return from[Math.floor(random() * from.length)];
}

/** Two decimals, as agents send them. */
function cut(value: number): number {
  return Math.round(value * 100) / 100;
}

/** Numbers from 0 to 1 that depend on a seed alone: mulberry32. */
export function randomOf(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
