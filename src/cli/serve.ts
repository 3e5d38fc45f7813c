/**
 * `traqq serve`: the TCP server on a storage.
 *
 * @module
 */
import { ConfigError, messageOf } from "../base/errors.ts";
import { withDeadline } from "../base/promises.ts";
import { formatAddress } from "../protocol/address.ts";
import { serveTcp } from "../server/tcp.ts";
import type { Command } from "./command.ts";
import { formatNumber } from "./draw/number.ts";
import { harmless } from "./draw/text.ts";
import { durationMs } from "./duration.ts";
import { CliError, EXIT, UsageError } from "./errors.ts";
import { type Values, wholeNumber } from "./flags.ts";
import { need } from "./permissions.ts";
import { readFile } from "./files.ts";
import {
  DEFAULT_ADDR,
  DEFAULT_KV_PATH,
  MAPPING_FLAGS,
  readAddress,
  readToken,
  storageFlags,
  TIME_FLAGS,
  TOKEN_VARIABLE,
  tokenFlag,
} from "./shared_flags.ts";
import { type Opened, openTraqq, storagePermissions } from "./storage.ts";
import { catchSignals } from "./signals.ts";
import type { Terminal } from "./terminal.ts";

const DEFAULT_STOP_MS = 10_000;

/** The command. */
export const serve: Command = {
  name: "serve",
  summary: "Take events and answer queries over TCP",
  usage: "[--addr HOST:PORT] [--kv-path FILE]",
  about: [
    "Listens for the wire protocol, one JSON object a line, and keeps what it counts. Only this " +
    "machine can connect, unless --addr says otherwise, which needs a token or --insecure.",
    "SIGTERM and Ctrl-C stop it: it takes no more connections, answers what it has received, brings " +
    "all of it to storage and exits with 0. A second one ends it at once.",
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
    storageFlags(`Where to keep it: memory, or kv in a file; default kv at ${DEFAULT_KV_PATH}`),
    MAPPING_FLAGS,
    TIME_FLAGS,
  ],
  permissions: [
    {
      when: "always",
      flags: "--unstable-kv --allow-net=127.0.0.1:9876 --allow-read=traqq.db " +
        "--allow-write=traqq.db,traqq.db.refused.ndjson",
    },
    { when: "--storage memory", flags: "--allow-net=127.0.0.1:9876" },
    { when: "--config, --token-file, --tls-cert, --tls-key", flags: "--allow-read=FILE" },
    { when: "the token from the environment", flags: "--allow-env=TRAQQ_TOKEN" },
  ],
  examples: [
    { line: "traqq serve --add event~geo --bitmap ip", does: "what to count, by flags" },
    { line: "traqq serve --config traqq.json", does: "or by a file" },
    {
      line: "traqq serve --addr 0.0.0.0:9876 --token-file token --tls-cert c.pem --tls-key k.pem",
      does: "for other machines",
    },
  ],
  run,
};

async function run(values: Values, terminal: Terminal): Promise<number> {
  const stopMs = durationMs(values, "stop-timeout") ?? DEFAULT_STOP_MS;
  await using server = await startServer(values, terminal);
  using signals = catchSignals(() =>
    terminal.err(
      `Stopped at once: what was not in storage is ${
        server.journalled ? "in the journal" : "lost"
      }\n`,
    )
  );
  terminal.out(`${server.banner}\n`);
  await signals.stopped;
  terminal.err("Stopping: no new connections, finishing what came; again to stop at once\n");
  await server.stop(stopMs);
  return EXIT.ok;
}

/** A server that listens. */
export interface RunningServer extends AsyncDisposable {
  /** `127.0.0.1:9876` */
  readonly address: string;
  /** One line: where it listens and what it keeps. */
  readonly banner: string;
  /** Whether what is not in storage stands in a journal. */
  readonly journalled: boolean;
  /**
   * Takes no more connections, answers what came, and brings it to storage.
   *
   * @throws {CliError} if that took longer
   */
  stop(timeoutMs: number): Promise<void>;
}

/** Opens the storage and listens; used by `demo` too. */
export async function startServer(values: Values, terminal: Terminal): Promise<RunningServer> {
  const at = readAddress(values);
  const maxConnections = wholeNumber(values, "max-connections", 1);
  const maxLineBytes = wholeNumber(values, "max-line-bytes", 1);
  const idleTimeoutMs = durationMs(values, "idle-timeout");
  const address = formatAddress(at);
  need(
    `serve on ${address}`,
    // Deno takes the permission for a port of 0 only as one for the whole host.
    { name: "net", host: at.port === 0 ? at.hostname : address },
    ...storagePermissions(values),
  );
  const tls = await readTls(values);
  const token = await readToken(values);
  const opened = await openTraqq(values, terminal, { records: true });
  try {
    const server = serveTcp(opened.traqq, {
      ...at,
      token,
      insecure: values.has("insecure"),
      tls,
      maxConnections,
      maxLineBytes,
      idleTimeoutMs,
      onError: (error) => terminal.err(`${harmless(error.message)}\n`),
    });
    const listens = formatAddress({ hostname: server.addr.hostname, port: server.addr.port });
    let stopped = false;
    const stop = async (timeoutMs: number) => {
      if (stopped) return;
      stopped = true;
      const deadlineMs = performance.now() + timeoutMs;
      // At most half of the time is the clients', for what they sent must still get to storage.
      await server.shutdown({ deadlineMs: timeoutMs / 2 });
      await closeWithin(opened, deadlineMs - performance.now());
    };
    return {
      address: listens,
      banner: `traqq listens on ${listens}${tls === undefined ? "" : " (TLS)"}, ` +
        `${token === undefined ? "no token" : "with a token"}; ` +
        `storage: ${opened.where}, prefix ${opened.traqq.prefix}, ${opened.traqq.timezone}`,
      journalled: opened.traqq.stats().journal !== undefined,
      stop,
      [Symbol.asyncDispose]: () => stop(DEFAULT_STOP_MS),
    };
  } catch (error) {
    await opened[Symbol.asyncDispose]();
    if (error instanceof ConfigError && /without a token/.test(error.message)) {
      throw new UsageError(
        `Cannot listen on ${address} without a token: other machines could read and write ` +
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
    throw new CliError(
      `Cannot bring the last ${formatNumber(pending, { grouped: true })} events to storage: ${
        messageOf(error)
      }${journal === undefined ? "" : "; they are in the journal, and the next start brings them"}`,
      { cause: error },
    );
  }
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
