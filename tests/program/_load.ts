/**
 * A load whose events can be told apart in what was counted: for tests that kill, starve or stop a
 * server and then say of every single event whether it was counted once, twice or not.
 *
 * Event `n` has the field `n mod FIELDS`, and is the `n div FIELDS`-th of it, its layer. Its amount is
 * 4^layer millionths, so a field's sum, written in base 4, has a digit per event: how often that one was
 * counted. No double count can hide a loss. All other metrics must then say exactly the same.
 *
 * @module
 */
import { HyperLogLog } from "../../src/sketch/hyperloglog.ts";
import { KvStorage } from "../../src/storage/kv.ts";
import type { Durability } from "../../src/engine/journal_options.ts";
import type { Cell, Metric, Storage } from "../../src/storage/storage.ts";
import { within } from "./_program.ts";
import type { Folder } from "./_program.ts";

/** Fields of a day. An event of a field that the delta does not have yet makes six cells. */
export const FIELDS = 840;
/** A sum of four to this power in millionths is far from the 2^53 whole units that storage takes. */
const MAX_LAYERS = 30;
/** Events that a day can have. */
export const MAX_EVENTS = FIELDS * MAX_LAYERS;

/** What a server that takes the load is told to count: 6 cells a field, and a few more. */
export const MAPPING = {
  bitmap: ["f", "u"],
  add: ["event", "f", "event~f"],
  addValue: [
    { key: "event", addKey: "amount" },
    { key: "f", addKey: "amount" },
    { key: "event~f", addKey: "amount" },
  ],
  top: ["event", "f", "event~f"],
};
/** Cells of a flush that has all fields. */
export const FLUSH_CELLS = 6 * FIELDS;

const NAMES = ["buy", "view", "pay"];
const DAY = 86_400;
const FIRST_DAY = Date.UTC(2026, 0, 1) / 1000 - 5000 * DAY;
/** Millionths: even fields are sales, odd ones refunds. */
const POWERS = Array.from({ length: MAX_LAYERS }, (_, layer) => 4n ** BigInt(layer));

function amountOf(n: number): bigint {
  const power = POWERS[Math.floor(n / FIELDS)];
  return n % 2 === 0 ? power : -power;
}

/** As JSON: a number while that has all its digits, then a string. */
const AMOUNTS = POWERS.flatMap((power) =>
  ["", "-"].map((sign) => {
    const digits = String(power).padStart(7, "0");
    const text = `${sign}${digits.slice(0, -6)}.${digits.slice(-6)}`;
    return digits.length <= 15 ? text : `"${text}"`;
  })
);

/** The events of one day: what was sent, and what was acknowledged. */
export class Day {
  /** Its first second. */
  readonly start: number;
  readonly #name: number;
  readonly #maxEvents: number;
  /** Events sent: those with a lower number. */
  sent = 0;
  acknowledged = 0;
  readonly #acknowledged = new Uint8Array(MAX_EVENTS);
  /** What the last {@linkcode Day.check} found. */
  counted = 0;

  constructor(number: number, maxEvents = MAX_EVENTS) {
    this.#name = number;
    this.#maxEvents = maxEvents;
    this.start = FIRST_DAY + number * DAY;
  }

  /** Takes up to `most` events to send: the number of the first one and of the one behind the last. */
  take(most: number): [from: number, to: number] {
    const from = this.sent;
    this.sent = Math.min(from + most, this.#maxEvents);
    return [from, this.sent];
  }

  /** The JSON of an event. */
  event(n: number): string {
    const field = n % FIELDS;
    const amount = AMOUNTS[2 * Math.floor(n / FIELDS) + n % 2];
    // "shade" is mapped now and then, and never looked at.
    return `{"event":"${NAMES[field % 3]}","f":"f${field}","u":"${this.#user(n)}",` +
      `"shade":${n % 7},"amount":${amount}}`;
  }

  acknowledge(from: number, to: number): void {
    this.#acknowledged.fill(1, from, to);
    this.acknowledged += to - from;
  }

  /**
   * Holds what was counted against what was sent; gives what is wrong, nothing if all is well.
   *
   * @param losses whether acknowledged events may be missing
   */
  check(cells: readonly Cell[], { losses = false } = {}): string[] {
    const wrong: string[] = [];
    const found = new Found(cells, this.start);
    const counted = new Uint8Array(MAX_EVENTS);
    for (let field = 0; field < FIELDS; field++) {
      const sum = found.sums("f").get(`f${field}`) ?? 0n;
      const ownSign = field % 2 === 0 ? sum : -sum;
      if (ownSign < 0n) wrong.push(`f${field} has the sum ${sum}`);
      const digits = [...ownSign.toString(4)].reverse();
      if (digits.length > MAX_LAYERS) wrong.push(`f${field} has the sum ${sum}`);
      for (const [layer, digit] of digits.slice(0, MAX_LAYERS).entries()) {
        counted[layer * FIELDS + field] = Number(digit);
      }
    }
    const told = { lost: 0, twice: 0, unsent: 0 };
    this.counted = 0;
    const wanted = new Wanted();
    for (let n = 0; n < MAX_EVENTS; n++) {
      if (counted[n] === 0) {
        if (this.#acknowledged[n] === 1 && !losses && told.lost++ === 0) {
          wrong.push(`event ${n} was acknowledged and is lost`);
        }
        continue;
      }
      if (n >= this.sent && told.unsent++ === 0) wrong.push(`event ${n} was never sent`);
      if (counted[n] > 1 && told.twice++ === 0) {
        wrong.push(`event ${n} was counted ${counted[n]} times`);
      }
      this.counted += counted[n];
      wanted.add(n, counted[n], this.#user(n));
    }
    for (const [what, count] of Object.entries(told)) {
      if (count > 1) wrong.push(`${what}: ${count} events`);
    }
    return [...wrong, ...wanted.differences(found)];
  }

  #user(n: number): string {
    return `${this.#name}-${n}`;
  }
}

/** What a day must hold, from the events that it holds by the sums of `f`. */
class Wanted {
  readonly #counts = { event: new Map(), f: new Map(), "event~f": new Map() } as Counts;
  readonly #sums = { event: new Map(), f: new Map(), "event~f": new Map() } as Sums;
  readonly #fields = new HyperLogLog();
  readonly #users = new HyperLogLog();
  #events = 0;

  add(n: number, times: number, user: string): void {
    const f = n % FIELDS;
    const event = NAMES[f % 3];
    const amount = amountOf(n) * BigInt(times);
    const values = { event, f: `f${f}`, "event~f": `${event}~f${f}` };
    for (const pattern of PATTERNS) {
      const value = values[pattern];
      const counts = this.#counts[pattern];
      counts.set(value, (counts.get(value) ?? 0) + times);
      const sums = this.#sums[pattern];
      sums.set(value, (sums.get(value) ?? 0n) + amount);
    }
    this.#fields.add(`f${f}`);
    this.#users.add(user);
    this.#events += times;
  }

  differences(found: Found): string[] {
    const wrong: string[] = [];
    for (const pattern of PATTERNS) {
      compare(wrong, `add/${pattern}`, this.#counts[pattern], found.counts("add", pattern));
      compare(wrong, `top/${pattern}`, this.#counts[pattern], found.counts("top", pattern));
      compare(wrong, `adv/${pattern}/amount`, this.#sums[pattern], found.sums(pattern));
      const tally = found.tally(pattern);
      if (tally !== this.#events) {
        wrong.push(`adv/${pattern}/amount: wanted ${this.#events} values, received ${tally}`);
      }
    }
    for (const [pattern, sketch] of [["f", this.#fields], ["u", this.#users]] as const) {
      const bytes = found.sketch(pattern);
      if (this.#events === 0 && bytes === undefined) continue;
      const same = bytes !== undefined &&
        HyperLogLog.fromBytes(bytes).toBytes().toHex() === sketch.toBytes().toHex();
      if (!same) wrong.push(`bmp/${pattern}: the sketch is not that of the counted events`);
    }
    return wrong;
  }
}

const PATTERNS = ["event", "f", "event~f"] as const;
type Pattern = typeof PATTERNS[number];
type Counts = Record<Pattern, Map<string, number>>;
type Sums = Record<Pattern, Map<string, bigint>>;

/** What stands in storage. */
class Found {
  readonly #counts = new Map<string, Map<string, number>>();
  readonly #sums = new Map<string, Map<string, bigint>>();
  readonly #tallies = new Map<string, number>();
  readonly #sketches = new Map<string, Uint8Array>();

  constructor(cells: readonly Cell[], start: number) {
    for (const cell of cells) {
      const { type, pattern } = cell.metric;
      if (cell.start !== start) throw new Error(`a cell of ${cell.start} among those of ${start}`);
      switch (cell.kind) {
        case "count":
          named(this.#counts, `${type}/${pattern}`).set(cell.field, cell.count);
          break;
        case "sum":
          named(this.#sums, pattern).set(cell.field, cell.sum);
          break;
        case "tally":
          this.#tallies.set(pattern, cell.count);
          break;
        case "sketch":
          this.#sketches.set(pattern, cell.sketch);
      }
    }
  }

  counts(type: "add" | "top", pattern: Pattern): Map<string, number> {
    return named(this.#counts, `${type}/${pattern}`);
  }

  sums(pattern: Pattern): Map<string, bigint> {
    return named(this.#sums, pattern);
  }

  tally(pattern: Pattern): number {
    return this.#tallies.get(pattern) ?? 0;
  }

  sketch(pattern: string): Uint8Array | undefined {
    return this.#sketches.get(pattern);
  }
}

function named<V>(maps: Map<string, Map<string, V>>, name: string): Map<string, V> {
  let map = maps.get(name);
  if (map === undefined) maps.set(name, map = new Map());
  return map;
}

function compare<V>(wrong: string[], name: string, wanted: Map<string, V>, found: Map<string, V>) {
  for (const field of new Set([...wanted.keys(), ...found.keys()])) {
    if (wanted.get(field) === found.get(field)) continue;
    wrong.push(`${name}: wanted ${field} ${wanted.get(field)}, received ${found.get(field)}`);
    return; // one of them says enough
  }
}

const METRICS: readonly Metric[] = [
  ...PATTERNS.flatMap((pattern): Metric[] => [
    { type: "add", pattern },
    { type: "top", pattern },
    { type: "adv", pattern, addKey: "amount" },
  ]),
  { type: "bmp", pattern: "f" },
  { type: "bmp", pattern: "u" },
];

/** The cells of a day. */
export async function cellsOf(storage: Storage, day: Day): Promise<Cell[]> {
  const cells: Cell[] = [];
  const range = { prefix: "traqq", unit: "d", from: day.start, to: day.start } as const;
  for (const metric of METRICS) {
    for await (const some of storage.read(metric, range)) cells.push(...some);
  }
  return cells;
}

/** How a server keeps a journal of the load. */
export interface JournalFlags {
  /** The journal's directory, in the folder. */
  readonly directory: string;
  readonly durability?: Durability;
  /** Another metric to count. */
  readonly top?: string;
  /** Whether nothing is flushed, so that all is in the events of the journal. */
  readonly holds?: boolean;
}

/** Flags of `traqq serve` for a server that takes the load, and flushes as many cells as there are. */
export function serveFlags(folder: Folder, journal: JournalFlags): string[] {
  const { directory, durability = "periodic", top, holds = false } = journal;
  const name = `${directory}.json`;
  folder.write(
    name,
    JSON.stringify({
      mapping: top === undefined ? MAPPING : { ...MAPPING, top: [...MAPPING.top, top] },
      // Segments are not kept for long: what tidies them up is under way too.
      journal: { directory, durability, syncIntervalMs: 20, replayMs: 1000 },
      flush: holds ? { intervalMs: 1e6 } : { intervalMs: 20, maxCells: FLUSH_CELLS },
    }),
  );
  return ["--config", name];
}

/** Opens a KV file for as long as it takes. */
export async function withKv<T>(path: string, use: (storage: KvStorage) => Promise<T>): Promise<T> {
  await using storage = await KvStorage.open(path);
  return await use(storage);
}

/** How a connection sends. */
export interface LoadOptions {
  /** Events of a line; 1: by `record`, else by `record_many`. */
  readonly batch: number;
  /** Lines that are unanswered at a time. */
  readonly window: number;
}

/** Several connections, as some send singly and some many at once. */
export const CONNECTIONS: readonly LoadOptions[] = [
  { batch: 100, window: 4 },
  { batch: 40, window: 8 },
  { batch: 1, window: 100 },
];

/** Sends until the day is full or the connection ends. Replies that came until then are counted. */
export class Load {
  /** Resolves when the connection has ended, or all is answered. */
  readonly ended: Promise<void>;
  /** Replies that refuse something; a load has none. */
  readonly refused: string[] = [];
  /** Bytes that the system has taken. */
  sentBytes = 0;
  readonly #conn: Deno.Conn;
  readonly #day: Day;
  readonly #options: LoadOptions;
  /** Ranges of events that are not answered, the oldest first. */
  readonly #unanswered: [from: number, to: number][] = [];
  #answered = Promise.withResolvers<void>();
  #stopping = false;
  #gone = false;

  private constructor(conn: Deno.Conn, day: Day, options: LoadOptions) {
    this.#conn = conn;
    this.#day = day;
    this.#options = options;
    this.ended = Promise.all([this.#write(), this.#read()]).then(() => {});
  }

  static async start(address: string, day: Day, options: LoadOptions): Promise<Load> {
    const [hostname, port] = address.split(":");
    return new Load(await Deno.connect({ hostname, port: Number(port) }), day, options);
  }

  /** Sends no more; resolves when all is answered. */
  async stop(): Promise<void> {
    this.#stopping = true;
    this.#answered.resolve();
    await within(this.ended, "the answers");
  }

  async #write(): Promise<void> {
    const encoder = new TextEncoder();
    try {
      while (!this.#gone) {
        if (this.#unanswered.length >= this.#options.window) {
          this.#answered = Promise.withResolvers();
          await this.#answered.promise;
          continue;
        }
        if (this.#stopping) break;
        let lines = "";
        while (this.#unanswered.length < this.#options.window) {
          const [from, to] = this.#day.take(this.#options.batch);
          if (from === to) break;
          this.#unanswered.push([from, to]);
          lines += this.#line(from, to);
        }
        if (lines === "") break;
        const bytes = encoder.encode(lines);
        for (let at = 0; at < bytes.length;) {
          const count = await this.#conn.write(bytes.subarray(at));
          at += count;
          this.sentBytes += count;
        }
      }
      await this.#conn.closeWrite();
    } catch {
      // The server is gone.
    }
  }

  #line(from: number, to: number): string {
    const at = this.#day.start + 43_200;
    if (this.#options.batch === 1) {
      return `{"cmd":"record","event":${this.#day.event(from)},"at":${at}}\n`;
    }
    const events = Array.from({ length: to - from }, (_, i) => this.#day.event(from + i));
    return `{"cmd":"record_many","events":[${events.join()}],"at":${at}}\n`;
  }

  async #read(): Promise<void> {
    const buffer = new Uint8Array(1 << 16);
    const decoder = new TextDecoder();
    let text = "";
    try {
      for (;;) {
        const count = await this.#conn.read(buffer);
        if (count === null) break;
        text += decoder.decode(buffer.subarray(0, count), { stream: true });
        const lines = text.split("\n");
        text = lines.pop()!;
        for (const line of lines) this.#reply(line);
        this.#answered.resolve();
      }
    } catch {
      // The server is gone.
    } finally {
      this.#gone = true;
      this.#answered.resolve();
      this.#conn.close();
    }
  }

  #reply(line: string): void {
    const [from, to] = this.#unanswered.shift()!;
    const wanted = this.#options.batch === 1
      ? '{"success":true}'
      : `{"success":true,"data":{"recorded":${to - from},"rejected":[]}}`;
    if (line === wanted) this.#day.acknowledge(from, to);
    else this.refused.push(line);
  }
}

/** Numbers from 0 to 1 that are the same for the same seed. */
export function randomBy(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = state + 0x6d2b79f5 | 0;
    let mixed = Math.imul(state ^ state >>> 15, 1 | state);
    mixed = mixed + Math.imul(mixed ^ mixed >>> 7, 61 | mixed) ^ mixed;
    return ((mixed ^ mixed >>> 14) >>> 0) / 2 ** 32;
  };
}
