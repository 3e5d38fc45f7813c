/**
 * One server: a traqq with its storage and journal, and what listens for it. `traqq serve` runs one, and
 * each of its workers does.
 *
 * @module
 */
import { ConfigError, messageOf } from "../base/errors.ts";
import { withDeadline } from "../base/promises.ts";
import type { JournalSettings } from "../engine/journal_options.ts";
import type { Access } from "../protocol/access.ts";
import { type Address, formatAddress } from "../protocol/address.ts";
import type { PgServer } from "../series/pg/server.ts";
import type { Series } from "../series/series.ts";
import { openHandler, type SharedHandler } from "../server/http/handler.ts";
import type { HttpServer } from "../server/http.ts";
import type { Siblings } from "../server/siblings.ts";
import { serveTcp, type TcpServer } from "../server/tcp.ts";
import type { Totals } from "../server/totals.ts";
import type { LiveTrails } from "../trails/mod.ts";
import { formatNumber } from "./draw/number.ts";
import { harmless } from "./draw/text.ts";
import { durationMs } from "./duration.ts";
import { CliError, UsageError } from "./errors.ts";
import { readFile } from "./files.ts";
import { type Values, wholeNumber } from "./flags.ts";
import type { Log } from "./log.ts";
import { need } from "./permissions.ts";
import { httpPermission, type HttpSettings, openHttp, readHttp } from "./serve_http.ts";
import { readAddress } from "./shared_flags.ts";
import { type AttachTrails, closeTrails } from "./serve_trails.ts";
import { type Opened, openTraqq, storagePermissions } from "./storage.ts";
import { openPg, pgPermission, type PgSettings, readPg, readPgAddress } from "./serve_pg.ts";
import { closeSeries, openSeries, readSeriesFlags, type SeriesSettings } from "./serve_series.ts";
import type { Terminal } from "./terminal.ts";
import { readSecrets, TOKEN_VARIABLE } from "./tokens.ts";

/** What the flags say of a server. */
export interface ServeSettings {
  readonly at: Address;
  readonly http: HttpSettings | undefined;
  readonly tls: { cert: string; key: string } | undefined;
  readonly access: Access | undefined;
  readonly insecure: boolean;
  readonly maxConnections: number | undefined;
  readonly maxLineBytes: number | undefined;
  readonly idleTimeoutMs: number | undefined;
  readonly series: SeriesSettings | undefined;
  readonly pg: PgSettings | undefined;
}

/** What a server keeps, for messages. */
export interface ServerFacts {
  /** What to call the storage. */
  readonly where: string;
  readonly prefix: string;
  readonly timezone: string;
  readonly journal: Pick<JournalSettings, "directory" | "durability"> | undefined;
}

/** Ports to listen on; 0: any free one. */
export interface Ports {
  readonly tcp: number;
  /** Undefined where there is no HTTP. */
  readonly http: number | undefined;
}

/** Where a server listens. */
export interface Listening {
  /** `127.0.0.1:9876` */
  readonly address: string;
  /** `http://127.0.0.1:8080` */
  readonly url: string | undefined;
  /** `127.0.0.1:5432`, where PostgreSQL's clients are answered. */
  readonly pg?: string;
  readonly ports: Ports;
}

/** What {@linkcode OneServer.listen} takes. */
export interface ListenOptions {
  /** Default those of the flags. */
  readonly ports?: Ports;
  /** Others that are one with it to clients. */
  readonly siblings?: Siblings;
  /** Share the ports with others. */
  readonly reusePort?: boolean;
}

/** Reads the flags and the files they name, and asks for what Deno must allow. @throws {UsageError} */
export async function readSettings(values: Values): Promise<ServeSettings> {
  const at = readAddress(values);
  const http = readHttp(values);
  const series = readSeriesFlags(values);
  const pgAt = readPgAddress(values);
  if (pgAt !== undefined && series === undefined) {
    throw new UsageError("--pg answers about points, and none are kept; add --series DIR");
  }
  const limits = {
    maxConnections: wholeNumber(values, "max-connections", 1),
    maxLineBytes: wholeNumber(values, "max-line-bytes", 1),
    idleTimeoutMs: durationMs(values, "idle-timeout"),
  };
  const address = formatAddress(at);
  if (http !== undefined && at.port !== 0 && formatAddress(http.at) === address) {
    throw new UsageError(`--addr and --http cannot both be ${address}: give each its own port`);
  }
  need(
    `serve on ${address}`,
    // Deno takes the permission for a port of 0 only as one for the whole host.
    { name: "net", host: at.port === 0 ? at.hostname : address },
    ...http === undefined ? [] : [httpPermission(http)],
    ...pgAt === undefined ? [] : [pgPermission(pgAt)],
    ...storagePermissions(values),
  );
  const tls = await readTls(values);
  const { access, tokens } = await readSecrets(values);
  const pg = readPg(values, pgAt, tokens);
  return { at, http, tls, access, insecure: values.has("insecure"), ...limits, series, pg };
}

/** See the top of this file. */
export class OneServer {
  readonly #settings: ServeSettings;
  readonly #opened: Opened;
  /** Undefined where none are kept. */
  readonly #series: Series | undefined;
  readonly #log: Log;
  #tcp: TcpServer | undefined;
  #web: HttpServer | undefined;
  #pg: PgServer | undefined;
  #handler: SharedHandler | undefined;
  #trails: LiveTrails | undefined;
  #stopped: Promise<void> | undefined;

  private constructor(
    settings: ServeSettings,
    opened: Opened,
    series: Series | undefined,
    log: Log,
  ) {
    this.#settings = settings;
    this.#opened = opened;
    this.#series = series;
    this.#log = log;
  }

  /**
   * Opens the storage, and brings to it what the journal holds.
   *
   * @param settings what {@linkcode readSettings} gave: a file may be one that can be read only once
   * @param directory the journal's, in place of that of the flags
   */
  static async open(
    settings: ServeSettings,
    values: Values,
    terminal: Terminal,
    log: Log,
    directory?: string,
  ): Promise<OneServer> {
    const series = settings.series && await openSeries(settings.series, log);
    try {
      const opened = await openRecovered(values, terminal, log, directory, series);
      return new OneServer(settings, opened, series, log);
    } catch (error) {
      await series?.close();
      throw error;
    }
  }

  /** What it keeps. */
  get facts(): ServerFacts {
    const { traqq, where, journal } = this.#opened;
    return {
      where,
      prefix: traqq.prefix,
      timezone: traqq.timezone,
      journal: journal && { directory: journal.directory, durability: journal.durability },
    };
  }

  /** The HTTP side that others on the same port talk to. */
  get handler(): SharedHandler | undefined {
    return this.#handler;
  }

  /** Runs a program over what is recorded from now on. @throws {TrailsError} if it cannot be */
  attach(trails: AttachTrails): void {
    this.#trails = trails(this.#opened.traqq, this.#log);
  }

  /** The counters of this one alone. */
  totals(): Totals {
    return {
      traqq: this.#opened.traqq.stats(),
      ...this.#tcp === undefined ? {} : { tcp: this.#tcp.stats() },
      ...this.#handler?.rooms(),
    };
  }

  /** Brings what recovery counted anew to storage, where others can read it. Never rejects. */
  async flush(): Promise<void> {
    await flushed(this.#opened, this.#log);
  }

  /** @throws {UsageError} if other machines could reach it without a token */
  listen({ ports, siblings, reusePort = false }: ListenOptions = {}): Listening {
    const { at, http, access, insecure, tls, series: _, pg: __, ...limits } = this.#settings;
    const { traqq } = this.#opened;
    const log = this.#log;
    try {
      const tcp = this.#tcp = serveTcp(traqq, {
        ...at,
        ...ports && { port: ports.tcp },
        ...limits,
        access,
        insecure,
        tls,
        reusePort,
        totals: siblings && (() => siblings.totals()),
        onError: (error) => log.error(error.message),
      });
      const port = ports?.http;
      const settings = http && { ...http, at: port === undefined ? http.at : { ...http.at, port } };
      this.#web = settings && openHttp(settings, {
        traqq,
        tcp,
        access,
        insecure,
        tls,
        log,
        reusePort,
        series: this.#series,
        makeHandler: (target, options) => {
          return this.#handler = openHandler(target, options, siblings);
        },
      });
    } catch (error) {
      throw withoutToken(error);
    }
    return {
      address: formatAddress({ hostname: this.#tcp.addr.hostname, port: this.#tcp.addr.port }),
      url: this.#web?.url,
      ports: { tcp: this.#tcp.addr.port, http: this.#web?.addr.port },
    };
  }

  /** Listens for PostgreSQL's clients too, if the flags say so; where. */
  async listenPg(): Promise<string | undefined> {
    const { pg, tls } = this.#settings;
    if (pg === undefined || this.#series === undefined) return undefined;
    this.#pg = await openPg(pg, { series: this.#series, tls, log: this.#log });
    return formatAddress(this.#pg.addr);
  }

  /**
   * Takes no more connections, answers what came, and brings it to storage.
   *
   * @throws {CliError} if that took longer
   */
  stop(timeoutMs: number): Promise<void> {
    return this.#stopped ??= this.#stop(timeoutMs);
  }

  async #stop(timeoutMs: number): Promise<void> {
    const deadlineMs = performance.now() + timeoutMs;
    // At most half of the time is the clients', for what they sent must still get to storage.
    const options = { deadlineMs: timeoutMs / 2 };
    await Promise.all([
      this.#web?.shutdown(options),
      this.#tcp?.shutdown(options),
      this.#pg?.shutdown(options),
    ]);
    if (this.#trails !== undefined) {
      await closeTrails(this.#trails, this.#log, (deadlineMs - performance.now()) / 2);
    }
    try {
      await closeWithin(this.#opened, deadlineMs - performance.now());
    } finally {
      if (this.#series !== undefined) {
        await closeSeries(this.#series, this.#settings.series!, deadlineMs - performance.now());
      }
    }
  }
}

/**
 * Opens a traqq, and says what it brought to storage.
 *
 * @param directory of the journal
 * @param series get each event, too
 */
export async function openRecovered(
  values: Values,
  terminal: Terminal,
  log: Log,
  directory?: string,
  series?: Series,
): Promise<Opened> {
  const opened = await openTraqq(values, terminal, {
    records: true,
    log: (message) => log.error(message),
    directory,
    keeper: series && ((mapping) => series.keeper(mapping)),
  });
  if (opened.journal !== undefined) sayRecovered(opened, opened.journal, log);
  return opened;
}

/** Flushes; should that fail, it is said, and tried again by itself. */
export async function flushed(opened: Opened, log: Log): Promise<void> {
  try {
    await opened.traqq.flush();
  } catch (error) {
    log.error(`Not in storage yet: ${messageOf(error)}; it is tried again`);
  }
}

/** Closes it. @throws {CliError} if that took longer, saying where what it holds is */
export async function closeWithin(opened: Opened, milliseconds: number): Promise<void> {
  try {
    await withDeadline(
      opened[Symbol.asyncDispose](),
      milliseconds,
      () => new CliError("storage took too long; raise --stop-timeout"),
    );
  } catch (error) {
    const { pending, journal } = opened.traqq.stats();
    const events = some(pending, "event", "events");
    // How many and where is said here, with the directory.
    const reason = messageOf(error).replace(/^Closed with \d+ events that [^:]*: /, "");
    // What the disk does not take is in memory alone.
    const isKept = journal !== undefined && (journal.failures === 0 || journal.heldBytes === 0);
    throw new CliError(
      isKept
        ? `Not in storage yet: ${events} (${reason}). Nothing is lost: the journal in ` +
          `${opened.journal?.directory} has them, and the next start brings them to storage`
        : `Cannot bring the last ${events} to storage${
          journal === undefined ? "" : ", and the journal could not be written"
        }: ${reason}`,
      { cause: error },
    );
  }
}

/** What becomes of events that are not in storage, should the process end now. */
export function leftBehind({ journal }: Pick<ServerFacts, "journal">): string {
  if (journal === undefined) return "what was not in storage is lost";
  const where = harmless(journal.directory);
  return journal.durability === "none"
    ? `what is in the journal in ${where} is brought to storage by the next start; what was only ` +
      "in memory is lost"
    : `all that was acknowledged is in storage or in the journal in ${where}, and the next start ` +
      "brings it to storage";
}

/** One line: where a server listens and what it keeps. */
export function bannerOf(
  { address, url, pg }: Listening,
  { where, prefix, timezone, journal }: ServerFacts,
  { tls, access, series }: ServeSettings,
  workers: number,
): string {
  return `traqq listens on ${address}${url === undefined ? "" : ` and ${url}`}` +
    `${pg === undefined ? "" : ` and ${pg} for PostgreSQL`}` +
    `${tls === undefined ? "" : " (TLS)"}, ` +
    `${workers === 1 ? "" : `${workers} workers, `}` +
    `${access === undefined ? "no token" : "with a token"}; ` +
    `storage: ${where}, ${series === undefined ? "" : `${seriesText(series)}, `}${
      journal === undefined
        ? ""
        : `journal ${harmless(journal.directory)} (${journal.durability}), `
    }prefix ${prefix}, ${timezone}`;
}

function seriesText({ directory, durability }: SeriesSettings): string {
  return directory === undefined
    ? "series in memory"
    : `series ${harmless(directory)} (${durability})`;
}

/** One line about what an earlier process has left. */
function sayRecovered(opened: Opened, journal: JournalSettings, log: Log): void {
  const { recovered, replayed } = opened.traqq.stats();
  const { uncounted } = opened;
  const parts = [
    ...recovered > 0 ? [some(recovered, "event", "events")] : [],
    ...replayed > 0 ? [some(replayed, "commit", "commits")] : [],
  ];
  if (parts.length === 0 && uncounted === 0) return;
  log.info(
    `Recovered ${parts.join(" and ") || "nothing"} from the journal in ${
      harmless(journal.directory)
    }${
      uncounted === 0 ? "" : `; ${some(uncounted, "event", "events")} could not be counted again`
    }`,
  );
}

function some(count: number, one: string, many: string): string {
  return `${formatNumber(count, { grouped: true })} ${count === 1 ? one : many}`;
}

/** What the library says of options, in words of flags. */
function withoutToken(error: unknown): unknown {
  const exposed = error instanceof ConfigError &&
    /^Cannot listen on (\S+) without a token/.exec(error.message)?.[1];
  if (typeof exposed !== "string") return error;
  return new UsageError(
    `Cannot listen on ${exposed} without a token: other machines could read and write ` +
      `everything; give --token-file, or ${TOKEN_VARIABLE} ` +
      `(with --allow-env=${TOKEN_VARIABLE}), or --insecure if that is what you want`,
  );
}

async function readTls(values: Values): Promise<{ cert: string; key: string } | undefined> {
  const cert = values.get("tls-cert");
  const key = values.get("tls-key");
  if (cert === undefined && key === undefined) return undefined;
  if (cert === undefined || key === undefined) {
    throw new UsageError("--tls-cert and --tls-key go together; give both");
  }
  return {
    cert: await readFile("the certificate", cert),
    key: await readFile("the private key", key),
  };
}
