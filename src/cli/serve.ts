/**
 * `traqq serve`: the TCP server on a storage, and HTTP beside it.
 *
 * @module
 */
import { ConfigError, messageOf } from "../base/errors.ts";
import type { JournalSettings } from "../engine/journal_options.ts";
import { withDeadline } from "../base/promises.ts";
import { formatAddress } from "../protocol/address.ts";
import { serveTcp } from "../server/tcp.ts";
import type { Command } from "./command.ts";
import { formatNumber } from "./draw/number.ts";
import { harmless } from "./draw/text.ts";
import { durationMs } from "./duration.ts";
import { CliError, EXIT, explain, UsageError } from "./errors.ts";
import { type Values, wholeNumber } from "./flags.ts";
import { need } from "./permissions.ts";
import { readFile } from "./files.ts";
import { type Log, LOG_FLAGS, openLog } from "./log.ts";
import { HTTP_ADDR, HTTP_FLAGS, httpPermission, openHttp, readHttp } from "./serve_http.ts";
import {
  DATA_FLAGS,
  DEFAULT_ADDR,
  DEFAULT_KV_PATH,
  MAPPING_FLAGS,
  readAddress,
  storageFlags,
  TIME_FLAGS,
  tokenFlag,
} from "./shared_flags.ts";
import { JWT_FLAG, readAccess, TOKEN_VARIABLE } from "./tokens.ts";
import { type Opened, openTraqq, storagePermissions } from "./storage.ts";
import { catchSignals } from "./signals.ts";
import type { Terminal } from "./terminal.ts";

const DEFAULT_STOP_MS = 10_000;

/** The command. */
export const serve: Command = {
  name: "serve",
  summary: "Take events and answer queries over TCP and HTTP",
  usage: "[--addr HOST:PORT] [--http HOST:PORT] [--data-dir DIR]",
  about: [
    "Listens for the wire protocol, one JSON object a line, and with --http for HTTP, and keeps what " +
    "it counts. Only this machine can connect, unless --addr or --http say otherwise, which needs a " +
    "token or --insecure.",
    "A token file has a token on each line, which allows everything, or what it allows before it: " +
    "record TOKEN, read TOKEN. # begins a comment.",
    "SIGTERM and Ctrl-C stop it: it takes no more connections, answers what it has received, brings " +
    "all of it to storage and exits with 0. A second one ends it at once.",
    "With --data-dir, what was acknowledged stands in a journal on disk until storage has it: after a " +
    "crash the next start counts it, once.",
  ],
  groups: [
    {
      title: "Server",
      flags: [
        {
          name: "addr",
          value: "HOST:PORT",
          help: `Where to listen; default ${DEFAULT_ADDR}; port 0 for any free one`,
        },
        tokenFlag("What clients must send"),
        JWT_FLAG,
        { name: "insecure", help: "Let other machines connect without a token" },
        { name: "tls-cert", value: "FILE", help: "Talk TLS: the certificate chain, PEM" },
        { name: "tls-key", value: "FILE", help: "and its private key, PEM" },
        { name: "max-connections", value: "N", help: "At a time; default 1000" },
        { name: "max-line-bytes", value: "N", help: "Longest line; default 1048576" },
        {
          name: "idle-timeout",
          value: "TIME",
          help: "Close a client after such a silence: 90s, 10m; default 10m, 0 never",
        },
        {
          name: "stop-timeout",
          value: "TIME",
          help: "How long stopping may take; default 10s",
        },
      ],
    },
    HTTP_FLAGS,
    LOG_FLAGS,
    DATA_FLAGS,
    storageFlags(`Where to keep it; default kv, in the file ${DEFAULT_KV_PATH}`),
    MAPPING_FLAGS,
    TIME_FLAGS,
  ],
  permissions: [
    {
      when: "always",
      flags: "--unstable-kv --allow-net=127.0.0.1:9876 --allow-read=traqq.db " +
        "--allow-write=traqq.db,traqq.db.refused.ndjson",
    },
    {
      when: "--data-dir",
      flags: "--unstable-kv --allow-net=127.0.0.1:9876 --allow-read=DIR --allow-write=DIR",
    },
    { when: "--storage memory", flags: "--allow-net=127.0.0.1:9876" },
    {
      when: "--storage redis",
      flags:
        "--allow-net=127.0.0.1:9876,127.0.0.1:6379 --allow-env --allow-write=traqq.refused.ndjson",
    },
    {
      when: `--http ${HTTP_ADDR}`,
      flags: `--unstable-kv --allow-net=127.0.0.1:9876,${HTTP_ADDR} --allow-read=traqq.db ` +
        "--allow-write=traqq.db,traqq.db.refused.ndjson",
    },
    {
      when: "--config, --token-file, --jwt-secret-file, --tls-cert, --tls-key",
      flags: "--allow-read=FILE",
    },
    { when: "the token from the environment", flags: "--allow-env=TRAQQ_TOKEN,TRAQQ_JWT_SECRET" },
  ],
  examples: [
    { line: "traqq serve --add event~geo --bitmap ip", does: "what to count, by flags" },
    { line: "traqq serve --config traqq.json", does: "or by a file" },
    {
      line: "traqq serve --data-dir data --retain 7d",
      does: "lose nothing in a crash, and keep a week for traqq journal dump",
    },
    { line: `traqq serve --http ${HTTP_ADDR}`, does: "HTTP beside TCP" },
    {
      line: "traqq serve --addr 0.0.0.0:9876 --token-file token --tls-cert c.pem --tls-key k.pem",
      does: "for other machines",
    },
  ],
  run,
};

async function run(values: Values, terminal: Terminal): Promise<number> {
  const stopMs = durationMs(values, "stop-timeout") ?? DEFAULT_STOP_MS;
  using log = openLog(values, terminal);
  // Why it cannot start is said as by every other command; from here on it is the log.
  const server = await startServer(values, terminal, log);
  try {
    await serveUntilStopped(server, terminal, log, stopMs);
    return EXIT.ok;
  } catch (error) {
    const { code, text } = explain(error);
    if (log.format === "text" || text === "") throw error;
    log.fatal(text);
    return code;
  }
}

async function serveUntilStopped(
  server: RunningServer,
  terminal: Terminal,
  log: Log,
  stopMs: number,
): Promise<void> {
  await using _server = server;
  using signals = catchSignals(() => log.warning(`Stopped at once: ${server.leftBehind}`));
  terminal.out(`${server.banner}\n`);
  await signals.stopped;
  log.info("Stopping: no new connections, finishing what came; again to stop at once");
  await server.stop(stopMs);
}

/** A server that listens. */
export interface RunningServer extends AsyncDisposable {
  /** `127.0.0.1:9876` */
  readonly address: string;
  /** One line: where it listens and what it keeps. */
  readonly banner: string;
  /** What becomes of events that are not in storage, should the process end now. */
  readonly leftBehind: string;
  /**
   * Takes no more connections, answers what came, and brings it to storage.
   *
   * @throws {CliError} if that took longer
   */
  stop(timeoutMs: number): Promise<void>;
}

/** Opens the storage and listens; used by `demo` too. */
export async function startServer(
  values: Values,
  terminal: Terminal,
  log: Log,
): Promise<RunningServer> {
  const at = readAddress(values);
  const http = readHttp(values);
  const maxConnections = wholeNumber(values, "max-connections", 1);
  const maxLineBytes = wholeNumber(values, "max-line-bytes", 1);
  const idleTimeoutMs = durationMs(values, "idle-timeout");
  const address = formatAddress(at);
  need(
    `serve on ${address}`,
    // Deno takes the permission for a port of 0 only as one for the whole host.
    { name: "net", host: at.port === 0 ? at.hostname : address },
    ...http === undefined ? [] : [httpPermission(http)],
    ...storagePermissions(values),
  );
  const tls = await readTls(values);
  const access = await readAccess(values);
  const insecure = values.has("insecure");
  const opened = await openTraqq(values, terminal, {
    records: true,
    log: (message) => log.error(message),
  });
  const { journal } = opened;
  const started = new AsyncDisposableStack();
  try {
    if (journal !== undefined) sayRecovered(opened, journal, log);
    const server = started.use(serveTcp(opened.traqq, {
      ...at,
      access,
      insecure,
      tls,
      maxConnections,
      maxLineBytes,
      idleTimeoutMs,
      onError: (error) => log.error(error.message),
    }));
    const web = http && started.use(
      openHttp(http, { traqq: opened.traqq, tcp: server, access, insecure, tls, log }),
    );
    const listens = formatAddress({ hostname: server.addr.hostname, port: server.addr.port });
    let stopped = false;
    const stop = async (timeoutMs: number) => {
      if (stopped) return;
      stopped = true;
      const deadlineMs = performance.now() + timeoutMs;
      // At most half of the time is the clients', for what they sent must still get to storage.
      const options = { deadlineMs: timeoutMs / 2 };
      await Promise.all([web?.shutdown(options), server.shutdown(options)]);
      await closeWithin(opened, deadlineMs - performance.now());
    };
    return {
      address: listens,
      banner: `traqq listens on ${listens}${web === undefined ? "" : ` and ${web.url}`}` +
        `${tls === undefined ? "" : " (TLS)"}, ` +
        `${access === undefined ? "no token" : "with a token"}; ` +
        `storage: ${opened.where}, ${
          journal === undefined
            ? ""
            : `journal ${harmless(journal.directory)} (${journal.durability}), `
        }prefix ${opened.traqq.prefix}, ${opened.traqq.timezone}`,
      leftBehind: journal === undefined
        ? "what was not in storage is lost"
        : journal.durability === "none"
        ? `what is in the journal in ${
          harmless(journal.directory)
        } is brought to storage by the next start; what was only in memory is lost`
        : `all that was acknowledged is in storage or in the journal in ${
          harmless(journal.directory)
        }, and the next start brings it to storage`,
      stop,
      [Symbol.asyncDispose]: () => stop(DEFAULT_STOP_MS),
    };
  } catch (error) {
    await started.disposeAsync();
    await opened[Symbol.asyncDispose]();
    const exposed = error instanceof ConfigError &&
      /^Cannot listen on (\S+) without a token/.exec(error.message)?.[1];
    if (typeof exposed === "string") {
      throw new UsageError(
        `Cannot listen on ${exposed} without a token: other machines could read and write ` +
          `everything; give --token-file, or ${TOKEN_VARIABLE} ` +
          `(with --allow-env=${TOKEN_VARIABLE}), or --insecure if that is what you want`,
      );
    }
    throw error;
  }
}

async function closeWithin(opened: Opened, milliseconds: number): Promise<void> {
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
