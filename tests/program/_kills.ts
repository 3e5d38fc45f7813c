/**
 * Kills a real server under load, again and again, on the same storage and journal, and looks after each
 * kill at what it left behind.
 *
 * @module
 */
import type { Durability } from "../../src/engine/journal_options.ts";
import { Directory } from "../../src/journal/directory.ts";
import { IDENTITY_NAME } from "../../src/journal/names.ts";
import type { CutHead } from "../../src/journal/records.ts";
import { readSegment, segmentsIn } from "../../src/journal/segments.ts";
import { checkpointText } from "../../src/storage/checkpoint.ts";
import { KvStorage } from "../../src/storage/kv.ts";
import type { Checkpoint, Storage } from "../../src/storage/storage.ts";
import { cellsOf, CONNECTIONS, Day, Load, randomBy, serveFlags } from "./_load.ts";
import { type Folder, type Running, Server, type StartingServer, within } from "./_program.ts";

/** Where a server keeps what it counts, and how a test looks into it. */
export interface KillPlace {
  /** Flags of `traqq serve`. */
  readonly flags: readonly string[];
  /** Opens it beside the server; the caller closes it. */
  open(): Promise<Storage>;
}

/** How much of it there is to be. */
export interface KillOptions {
  readonly seed: number;
  /** SIGKILLs. */
  readonly kills: number;
  /** A Deno KV file in the folder unless given. */
  readonly place?: KillPlace;
  /** Told how far it is. */
  readonly onProgress?: (line: string) => void;
}

/** What it came to. */
export interface KillReport {
  /** SIGKILLs under load, and while a server started. */
  kills: number;
  killsAtStart: number;
  /** SIGTERMs under load. */
  stops: number;
  /** Kills after which the last cut in the journal had several chunks, not all of them in storage. */
  inFlush: number;
  /** Those of them after which some of its chunks were in storage. */
  betweenChunks: number;
  /** The same two for kills at the start alone; they count above too. */
  inFlushAtStart: number;
  /** Kills of a server that had begun a segment and did not listen yet. */
  inRecovery: number;
  /** Kills that left a record without its rest. */
  tornTails: number;
  /** Days that were pruned after they had been checked twice. */
  pruned: number;
  sent: number;
  acknowledged: number;
  counted: number;
  /** Acknowledged with durability none, and lost. */
  lostByNone: number;
  /** Of the cuts that were found: cells in the smallest, the median and the largest. */
  cutCells: number[];
}

/** What a process may say; anything else is a failure. */
const EXPECTED = [
  /"message":"Recovered /,
  /a record whose rest was not written/,
  /segment \S+ is empty/,
  /"message":"Stopping: /,
];
const MODES: readonly Durability[] = ["every_write", "periodic", "os_default", "none"];
/** Longest time from the first event to the kill. */
const MAX_LOAD_MS = 250;
/** Share of the starts that end by a kill. */
const KILLED_STARTS = 0.2;
/** Share of the loads that end by SIGTERM. */
const STOPPED_LOADS = 0.1;
/** Days that are kept in storage, so that a long run does not grow for ever. */
const KEPT_DAYS = 100;
const KV = "traqq.db";
const JOURNAL = "journal";

interface Started {
  readonly server: StartingServer;
  readonly running: Running;
  readonly mode: Durability;
  readonly startedMs: number;
}

/** See the top of this file. @throws {Error} naming the round, and all that is wrong */
export async function killAgainAndAgain(
  folder: Folder,
  options: KillOptions,
): Promise<KillReport> {
  return await new Killer(folder, options).run();
}

class Killer {
  readonly #folder: Folder;
  readonly #options: KillOptions;
  readonly #place: KillPlace;
  readonly #random: () => number;
  readonly #report: KillReport = {
    kills: 0,
    killsAtStart: 0,
    stops: 0,
    inFlush: 0,
    betweenChunks: 0,
    inFlushAtStart: 0,
    inRecovery: 0,
    tornTails: 0,
    pruned: 0,
    sent: 0,
    acknowledged: 0,
    counted: 0,
    lostByNone: 0,
    cutCells: [],
  };
  /** In storage, oldest first; `losses`: acknowledged with durability none. */
  #days: { readonly day: Day; readonly losses: boolean; readonly round: number }[] = [];
  /** Of those, how many are checked. */
  #checked = 0;
  #starts = 0;
  #running: Running | undefined;
  /** The newest segment that was seen. */
  #segment = 0;
  /** How long a start takes. */
  #startMs = 200;
  /** What the last kill left, for messages. */
  #left = "";

  constructor(folder: Folder, options: KillOptions) {
    this.#folder = folder;
    this.#options = options;
    this.#place = options.place ?? {
      flags: ["--kv-path", KV],
      open: () => KvStorage.open(folder.file(KV)),
    };
    this.#random = randomBy(options.seed);
  }

  async run(): Promise<KillReport> {
    try {
      return await this.#run();
    } finally {
      await this.#leaveNone();
    }
  }

  async #run(): Promise<KillReport> {
    const report = this.#report;
    for (let round = 0; report.kills < this.#options.kills; round++) {
      try {
        while (round > 0 && this.#random() < KILLED_STARTS) await this.#killAtStart();
        await this.#round(round);
        if (this.#days.length === 2 * KEPT_DAYS) await this.#prune();
        if (round % 100 === 99) this.#options.onProgress?.(JSON.stringify(this.#summary()));
      } catch (cause) {
        throw new Error(
          `round ${round}, seed ${this.#options.seed}, ${
            JSON.stringify(this.#summary())
          }; ${this.#left}`,
          { cause },
        );
      }
    }
    await this.#finish();
    return this.#summary();
  }

  async #leaveNone(): Promise<void> {
    if (this.#running === undefined) return;
    try {
      this.#running.process.kill("SIGKILL");
    } catch {
      // It has ended, as it should have.
    }
    await Promise.all([
      this.#running.process.status,
      this.#running.out.ended,
      this.#running.err.ended,
    ]);
  }

  #summary(): KillReport {
    const cells = this.#report.cutCells.toSorted((a, b) => a - b);
    const cutCells = [0, cells.length >> 1, cells.length - 1].map((i) => cells[i]);
    return { ...this.#report, cutCells };
  }

  async #round(round: number): Promise<void> {
    const server = this.#start();
    const address = await this.#listening(server);
    await this.#checkBehind(address);

    const day = new Day(round);
    const loads = await Promise.all(
      CONNECTIONS.map((connection) => Load.start(address, day, connection)),
    );
    await new Promise((resolve) => setTimeout(resolve, this.#random() * MAX_LOAD_MS));
    const isStop = this.#random() < STOPPED_LOADS;
    const status = await this.#end(server, isStop ? "SIGTERM" : "SIGKILL");
    await Promise.all(loads.map(({ ended }) => ended));

    const report = this.#report;
    report.sent += day.sent;
    report.acknowledged += day.acknowledged;
    this.#days.push({ day, losses: server.mode === "none" && !isStop, round });
    const refused = loads.flatMap((load) => load.refused);
    if (refused.length > 0) throw new Error(`a reply was ${refused[0]}`);
    if (isStop) {
      report.stops++;
      if (status.code !== 0) throw new Error(`SIGTERM ended it with ${status.code}`);
    } else {
      report.kills++;
    }
    await this.#inspect(isStop ? "stopped" : "under load");
  }

  async #killAtStart(): Promise<void> {
    const server = this.#start();
    const afterMs = this.#startMs * (0.6 + 0.6 * this.#random());
    await new Promise((resolve) => setTimeout(resolve, afterMs));
    await this.#end(server, "SIGKILL");
    const report = this.#report;
    report.kills++;
    report.killsAtStart++;
    const before = this.#segment;
    await this.#inspect("at start");
    const isListening = server.running.out.text !== "";
    if (!isListening && this.#segment > before) report.inRecovery++;
  }

  #start(): Started {
    const count = this.#starts++;
    const mode = MODES[count % MODES.length];
    // Another metric comes and goes, so a cut that were planned anew would have other chunks.
    const flags = serveFlags(this.#folder, {
      directory: JOURNAL,
      durability: mode,
      top: count % 3 === 0 ? "shade" : undefined,
    });
    const server = Server.begin(this.#folder.path, [...this.#place.flags, ...flags]);
    this.#running = server.running;
    return { server, running: server.running, mode, startedMs: performance.now() };
  }

  async #listening({ server, startedMs }: Started): Promise<string> {
    const { address } = await server.listening();
    this.#startMs = 0.8 * this.#startMs + 0.2 * (performance.now() - startedMs);
    return address;
  }

  async #end({ running }: Started, signal: Deno.Signal): Promise<Deno.CommandStatus> {
    try {
      running.process.kill(signal);
    } catch (cause) {
      throw new Error(`it had ended: ${await running.err.ended}`, { cause });
    }
    const [status, , err] = await within(
      Promise.all([running.process.status, running.out.ended, running.err.ended]),
      "the server to end",
    );
    const unexpected = err.split("\n")
      .filter((line) => line !== "" && !EXPECTED.some((pattern) => pattern.test(line)));
    if (unexpected.length > 0) throw new Error(`it said ${unexpected.join("\n")}`);
    return status;
  }

  /** What the process left behind. */
  async #inspect(end: "under load" | "at start" | "stopped"): Promise<void> {
    const directory = new Directory(this.#folder.file(JOURNAL));
    const segments = segmentsIn(await directory.names());
    let cut: { head: CutHead; cells: number } | undefined;
    let isTorn = false;
    for (const segment of segments.toReversed()) {
      const onDamage = (error: Error, isTail: boolean) => {
        if (!isTail) throw error;
        isTorn ||= segment === segments.at(-1);
      };
      for await (const { record } of readSegment(directory, segment, onDamage)) {
        if (record.kind !== "cut") continue;
        cut = { head: record.head, cells: record.chunks().flat().length };
      }
      if (cut !== undefined) break;
    }
    if (isTorn) this.#report.tornTails++;
    this.#segment = segments.at(-1) ?? 0;
    const { writer } = JSON.parse(await Deno.readTextFile(directory.pathOf(IDENTITY_NAME)));
    const stored = await this.#look((storage) => storage.checkpoint("traqq", writer));
    const parts = cut?.head.parts;
    this.#left = `the last cut is flush ${cut?.head.flush} with ${parts} parts of ` +
      `${cut?.head.incarnation}, storage has ${checkpointText(stored)}` +
      `${isTorn ? ", the tail is torn" : ""}`;
    if (cut === undefined) return;
    const from = partsIn(stored, cut.head);
    if (end === "stopped") {
      if (from < cut.head.parts) throw new Error(`SIGTERM left a flush: ${this.#left}`);
      return;
    }
    if (end === "under load") this.#report.cutCells.push(cut.cells);
    if (cut.head.parts < 2 || from === cut.head.parts) return;
    this.#report.inFlush++;
    if (end === "at start") this.#report.inFlushAtStart++;
    if (from > 0) this.#report.betweenChunks++;
  }

  /** The days that are not checked yet, in a server that has recovered. */
  async #checkBehind(address: string): Promise<void> {
    if (this.#checked === this.#days.length) return;
    await flush(address);
    await this.#look(async (storage) => {
      for (; this.#checked < this.#days.length; this.#checked++) {
        await this.#check(storage, this.#checked);
        const { day, losses } = this.#days[this.#checked];
        this.#report.counted += day.counted;
        if (losses) this.#report.lostByNone += Math.max(0, day.acknowledged - day.counted);
      }
    });
  }

  /** Opens the storage for as long as it takes. */
  async #look<T>(use: (storage: Storage) => Promise<T>): Promise<T> {
    const storage = await this.#place.open();
    try {
      return await use(storage);
    } finally {
      await storage.close();
    }
  }

  async #check(storage: Storage, index: number): Promise<void> {
    const { day, losses, round } = this.#days[index];
    const wrong = day.check(await cellsOf(storage, day), { losses });
    if (wrong.length === 0) return;
    throw new Error(`the day of round ${round} is wrong:\n${wrong.join("\n")}`);
  }

  /** Lets the last server stop in peace, and looks at all days again. */
  async #finish(): Promise<void> {
    const server = this.#start();
    await this.#checkBehind(await this.#listening(server));
    const { code } = await this.#end(server, "SIGTERM");
    if (code !== 0) throw new Error(`SIGTERM ended the last server with ${code}`);
    await this.#look(async (storage) => {
      for (let i = 0; i < this.#days.length; i++) await this.#check(storage, i);
    });
  }

  /** Removes days that are long past, once they have been looked at again. */
  async #prune(): Promise<void> {
    const many = Math.min(this.#days.length - KEPT_DAYS, this.#checked);
    await this.#look(async (storage) => {
      for (let i = 0; i < many; i++) await this.#check(storage, i);
      const before = this.#days[many].day.start;
      await storage.prune({ prefix: "traqq", unit: "d", before });
    });
    this.#days = this.#days.slice(many);
    this.#checked -= many;
    this.#report.pruned += many;
  }
}

/** How many parts of a cut are in storage. */
function partsIn(stored: Checkpoint | null, { incarnation, flush, parts }: CutHead): number {
  if (stored?.incarnation !== incarnation || stored.flush < flush) return 0;
  if (stored.flush > flush) return parts;
  return stored.applied === undefined ? stored.part + 1 : stored.part;
}

/** A query flushes. */
async function flush(address: string): Promise<void> {
  const [hostname, port] = address.split(":");
  using conn = await Deno.connect({ hostname, port: Number(port) });
  const command = { cmd: "find", min: 0, max: 0, metric_type: "add", key: "event" };
  await conn.write(new TextEncoder().encode(`${JSON.stringify(command)}\n`));
  const buffer = new Uint8Array(1 << 16);
  const count = await conn.read(buffer);
  const reply = new TextDecoder().decode(buffer.subarray(0, count ?? 0));
  if (reply !== '{"success":true,"data":[]}\n') throw new Error(`a flush was answered ${reply}`);
}
