/**
 * Things that happen to Redis while a server with a journal and a Traqq without one write to it, both
 * under more load than memory may hold; and holding what was counted against what was acknowledged.
 *
 * @module
 */
import { assert, assertEquals, assertLessOrEqual } from "@std/assert";
import { Client } from "../../src/client/client.ts";
import type { RedisStorage } from "../../src/storage/redis.ts";
import { Traqq } from "../../src/traqq.ts";
import { until } from "../_redis.ts";
import { cellsOf, type Day, Load, MAPPING } from "./_load.ts";
import { Folder, messages, Server, within } from "./_program.ts";

/** Far fewer than the load has. */
export const MAX_CELLS = 1000;
/** Much at once, without waiting for replies: only the socket holds it back. */
const FLOOD = [{ batch: 1, window: 2000 }, { batch: 50, window: 40 }];
const LINES_OF_A_BATCH = 50;
const WAIT_MS = 60_000;
/** How long nothing may move until it counts as standing still. */
const STILL_MS = 300;

/** Where Redis is. */
export interface Target {
  readonly flags: readonly string[];
  open(): Promise<RedisStorage>;
}

/** What happens, and what it comes to. */
export interface Fault {
  /** Begins when both are under load. */
  hurt(load: FaultLoad): Promise<void>;
  /** Mends it. */
  heal(): Promise<void>;
  /** Whether nothing can be committed between the two. */
  readonly stalls: boolean;
}

/** What the server logs, and `onError` is told, while Redis is away. */
const EXPECTED = /^(Stopping: |Recovered |Cannot .* in Redis at |Storage did not answer )/;

/** See the top of this file. */
export class FaultLoad {
  /** What the server was sent, and what the Traqq was given. */
  readonly days: readonly [Day, Day];
  readonly server: Server;
  readonly traqq: Traqq;
  readonly #loads: Load[];
  readonly #recording: Promise<void>;
  readonly #errors: string[];
  readonly #client: Client;

  private constructor(
    days: readonly [Day, Day],
    server: Server,
    traqq: Traqq,
    loads: Load[],
    client: Client,
    errors: string[],
  ) {
    this.days = days;
    this.server = server;
    this.traqq = traqq;
    this.#loads = loads;
    this.#client = client;
    this.#errors = errors;
    this.#recording = recordAll(traqq, days[1]);
    this.#recording.catch(() => {}); // where the fault itself fails, that error says more
  }

  /** Runs a fault under load to its end, and checks that every event was counted once. */
  static async run(target: Target, days: readonly [Day, Day], fault: Fault): Promise<FaultReport> {
    await using folder = new Folder();
    folder.write(
      "serve.json",
      JSON.stringify({
        mapping: MAPPING,
        journal: { directory: "journal" },
        flush: { intervalMs: 20, maxCells: MAX_CELLS },
      }),
    );
    await using server = await Server.start(
      folder.path,
      ...["--storage", "redis", ...target.flags, "--config", "serve.json"],
    );
    await using storage = await target.open();
    const errors: string[] = [];
    await using traqq = await Traqq.open({
      storage,
      mapping: MAPPING,
      flush: { intervalMs: 20, maxCells: MAX_CELLS },
      onError: ({ message }) => errors.push(message),
    });
    await using client = await Client.connect(server.address);
    const loads = await Promise.all(FLOOD.map((one) => Load.start(server.address, days[0], one)));
    const load = new FaultLoad(days, server, traqq, loads, client, errors);
    try {
      await load.#suffer(fault);
      const stats = await load.#finish();
      await load.#check(target);
      return stats;
    } finally {
      await Promise.all(loads.map((one) => one.stop().catch(() => {})));
    }
  }

  /** Waits until both have acknowledged so many events more. */
  async more(events: number): Promise<void> {
    const wanted = this.days.map(({ acknowledged }) => acknowledged + events);
    await until(
      `${events} events more`,
      WAIT_MS,
      () =>
        this.days.every((day, i) => day.acknowledged >= wanted[i] || day.acknowledged === day.sent),
    );
  }

  /** Waits until nothing more can be taken, and looks at what memory holds then. */
  async standsStill(): Promise<void> {
    const acknowledged = () => this.days.map((day) => day.acknowledged).join();
    let last = acknowledged();
    let sinceMs = Date.now();
    await until("both to stand still", WAIT_MS, () => {
      const now = acknowledged();
      if (now !== last) [last, sinceMs] = [now, Date.now()];
      return Date.now() - sinceMs > STILL_MS;
    });
    const counters = await this.#client.stats();
    for (const { pendingCells, slowed } of [this.traqq.stats(), counters as unknown as Counters]) {
      // A delta that waits and one that is filled; a line of many events may pass the limit.
      assertLessOrEqual(pendingCells, 2 * (MAX_CELLS + 6 * LINES_OF_A_BATCH));
      assert(slowed > 0, "callers wait");
    }
    const { bytesIn } = (counters as { server: { bytesIn: number } }).server;
    const sentBytes = this.#loads.reduce((sum, load) => sum + load.sentBytes, 0);
    assert(bytesIn < sentBytes, "the server leaves what it cannot hold in the sockets");
    assert(
      this.days.every(({ sent, acknowledged }) => acknowledged < sent),
      "there is more to come",
    );
  }

  async #suffer(fault: Fault): Promise<void> {
    await this.more(1500);
    await fault.hurt(this);
    try {
      if (fault.stalls) await this.standsStill();
    } finally {
      await fault.heal();
    }
  }

  /** The rest of the load, and a flush of both; their counters. */
  async #finish(): Promise<FaultReport> {
    await within(
      Promise.all([...this.#loads.map(({ ended }) => ended), this.#recording]),
      "the rest",
    );
    assertEquals(this.#loads.flatMap(({ refused }) => refused), []);
    await this.traqq.flush();
    const from = new Date(this.days[0].start * 1000);
    await this.#client.query({ from, to: from });
    const served = await this.#client.stats() as unknown as Counters;
    const own: Counters = this.traqq.stats();
    const { code, err } = await this.server.stop();
    assertEquals(code, 0, err);
    const lines = [...messages(err), ...this.#errors];
    assertEquals(lines.filter((line) => !EXPECTED.test(line)), []);
    return { replayed: served.replayed + own.replayed, errors: lines };
  }

  async #check(target: Target): Promise<void> {
    await using storage = await target.open();
    for (const day of this.days) {
      assertEquals(day.check(await cellsOf(storage, day)), []);
      assertEquals([day.counted, day.acknowledged], [day.sent, day.sent]);
    }
  }
}

/** What a fault came to. */
export interface FaultReport {
  /** Chunks that both committed again. */
  readonly replayed: number;
  /** What both said. */
  readonly errors: readonly string[];
}

interface Counters {
  readonly pendingCells: number;
  readonly slowed: number;
  readonly replayed: number;
}

/** Records the events of a day as fast as it may. */
async function recordAll(traqq: Traqq, day: Day): Promise<void> {
  for (;;) {
    const [from, to] = day.take(LINES_OF_A_BATCH);
    if (from === to) return;
    const events = Array.from({ length: to - from }, (_, i) => JSON.parse(day.event(from + i)));
    const { rejected } = await traqq.recordMany(events, { at: day.start });
    assertEquals(rejected, []);
    day.acknowledge(from, to);
  }
}
