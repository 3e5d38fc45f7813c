/**
 * `traqq serve`: the TCP server on a storage, and HTTP beside it.
 *
 * @module
 */
import { messageOf } from "../base/errors.ts";
import { CONFIG_SAMPLE } from "./config_sample.ts";
import type { Command } from "./command.ts";
import { durationMs } from "./duration.ts";
import { EXIT, explain } from "./errors.ts";
import type { Values } from "./flags.ts";
import { type Log, LOG_FLAGS, openLog } from "./log.ts";
import { HTTP_ADDR, HTTP_FLAGS } from "./serve_http.ts";
import { PG_ADDR, PG_FLAGS } from "./serve_pg.ts";
import { SERIES_FLAGS } from "./serve_series.ts";
import { DEFAULT_STOP_MS, type RunningServer } from "./running_server.ts";
import { startServer, WORKER_FLAGS } from "./serve_start.ts";
import { TRAILS_FLAGS } from "./serve_trails.ts";
import {
  DATA_FLAGS,
  DEFAULT_ADDR,
  DEFAULT_KV_PATH,
  MAPPING_FLAGS,
  storageFlags,
  TIME_FLAGS,
  tokenFlag,
} from "./shared_flags.ts";
import { catchSignals } from "./signals.ts";
import type { Terminal } from "./terminal.ts";
import { withConfig } from "./with_config.ts";
import { JWT_FLAG } from "./tokens.ts";

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
    "With --series DIR it also keeps every point: line protocol that comes to /write over HTTP, as " +
    "clients of InfluxDB send it, and each event that is recorded, in DuckDB, in that folder.",
    "With --pg HOST:PORT beside it, psql, drivers and Grafana ask for these points as if it were " +
    "PostgreSQL; the password is a token.",
    "With --workers N it uses N cores: threads that share the ports, each with a journal of its own. A " +
    "client sees what it has recorded itself on the same connection; what came over others, within a " +
    "second.",
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
          name: "generate-config",
          help: "Print a config file with comments, and exit",
        },
        {
          name: "stop-timeout",
          value: "TIME",
          help: "How long stopping may take; default 10s",
        },
      ],
    },
    HTTP_FLAGS,
    SERIES_FLAGS,
    PG_FLAGS,
    WORKER_FLAGS,
    TRAILS_FLAGS,
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
      when: "--series DIR",
      flags: "--unstable-kv --allow-net=127.0.0.1:9876 --allow-read=traqq.db,DIR " +
        "--allow-write=traqq.db,traqq.db.refused.ndjson,DIR --allow-ffi",
    },
    {
      when: `--series DIR --pg ${PG_ADDR}`,
      flags:
        `--unstable-kv --allow-net=127.0.0.1:9876,${PG_ADDR} --allow-read=traqq.db,DIR,token ` +
        "--allow-write=traqq.db,traqq.db.refused.ndjson,DIR --allow-ffi",
    },
    {
      when: "--workers N",
      flags: "--unstable-kv --unstable-net --allow-net=127.0.0.1:9876 --allow-read=traqq.db " +
        "--allow-write=traqq.db,traqq.db.refused.ndjson",
    },
    {
      when:
        "--config, --token-file, --jwt-secret-file, --tls-cert, --tls-key, --trails, --trails-params",
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
      line: `traqq serve --http ${HTTP_ADDR} --series points`,
      does: "keep every point, too",
    },
    {
      line: `traqq serve --series points --pg ${PG_ADDR} --token-file token`,
      does: "ask for them by psql",
    },
    {
      line: `traqq serve --workers 2 --data-dir data --http ${HTTP_ADDR}`,
      does: "on two cores",
    },
    {
      line: "traqq serve --trails sessions.tr --trails-user user",
      does: "count each user's sessions as they end",
    },
    {
      line: "traqq serve --addr 0.0.0.0:9876 --token-file token --tls-cert c.pem --tls-key k.pem",
      does: "for other machines",
    },
  ],
  run,
};

async function run(given: Values, terminal: Terminal): Promise<number> {
  if (given.has("generate-config")) {
    terminal.out(CONFIG_SAMPLE);
    return EXIT.ok;
  }
  const { values, remarks } = await withConfig(given);
  const stopMs = durationMs(values, "stop-timeout") ?? DEFAULT_STOP_MS;
  using log = openLog(values, terminal);
  for (const remark of remarks) log.warning(`${values.get("config")}: ${remark}`);
  // Why it cannot start is said as by every other command; from here on it is the log.
  return await runServer(await startServer(values, terminal, log), terminal, log, stopMs);
}

/** Runs a server until a signal comes, or until it dies, and gives the exit code. */
export async function runServer(
  server: RunningServer,
  terminal: Terminal,
  log: Log,
  stopMs: number,
): Promise<number> {
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
  const died = await Promise.race([signals.stopped, ...server.died ? [server.died] : []]);
  if (died instanceof Error) {
    // The others bring to storage what they have; why it ended is said last.
    await server.stop(stopMs).catch((error) => log.error(messageOf(error)));
    throw died;
  }
  log.info("Stopping: no new connections, finishing what came; again to stop at once");
  await server.stop(stopMs);
}
