/**
 * What `serve` says while it runs: one line each on standard error, readable on a terminal, JSON
 * elsewhere. The lines are LogTape's; it is set up here and nowhere else, and never by the library.
 *
 * @module
 */
import {
  configureSync,
  getJsonLinesFormatter,
  getLogger,
  getTextFormatter,
  resetSync,
} from "@logtape/logtape";
import { harmless } from "./draw/text.ts";
import type { FlagGroup } from "./flags.ts";
import { oneOf, type Values } from "./flags.ts";
import type { Terminal } from "./terminal.ts";

/** How much is said: each level says what those behind it say too. */
export const LOG_LEVELS = ["debug", "info", "warning", "error"] as const;

/** How a server writes its log. */
export const LOG_FLAGS: FlagGroup = {
  title: "Log (standard error)",
  flags: [
    {
      name: "log-format",
      value: "json|text",
      help: "One line each: JSON, or for people; default text on a terminal, else json",
    },
    {
      name: "log-level",
      value: "LEVEL",
      help: `From which level on: ${LOG_LEVELS.join(", ")}; default info`,
    },
    {
      name: "access-log",
      help: "Log each HTTP request at the level info; without it, at debug",
    },
  ],
};

/** Members of a line of JSON besides its message. */
export type LogDetails = Readonly<Record<string, string | number>>;

/** Writes lines until it is disposed of. */
export interface Log extends Disposable {
  readonly format: "json" | "text";
  debug(message: string, details?: LogDetails): void;
  info(message: string, details?: LogDetails): void;
  warning(message: string, details?: LogDetails): void;
  error(message: string, details?: LogDetails): void;
  /** Why the program ends. */
  fatal(message: string, details?: LogDetails): void;
}

const toJson = getJsonLinesFormatter({ categorySeparator: ".", properties: "flatten" });
const toText = getTextFormatter({
  timestamp: "rfc3339",
  level: "FULL",
  format: ({ timestamp, level, message }) => `${timestamp} ${level} ${message}`,
});

/**
 * Opens the log that the flags ask for. There is one at a time.
 *
 * @param always members of each line
 * @throws {UsageError}
 */
export function openLog(values: Values, terminal: Terminal, always: LogDetails = {}): Log {
  const format = oneOf(values, "log-format", ["json", "text"]) ??
    (terminal.errColumns === undefined ? "json" : "text");
  const level = oneOf(values, "log-level", LOG_LEVELS) ?? "info";
  configureSync({
    // A second server in one process, as the tests have it, takes over.
    reset: true,
    sinks: { terminal: (record) => terminal.err((format === "json" ? toJson : toText)(record)) },
    loggers: [
      { category: ["traqq"], sinks: ["terminal"], lowestLevel: level },
      // LogTape would say that it is set up.
      { category: ["logtape", "meta"], sinks: [], lowestLevel: "error" },
    ],
  });
  const logger = getLogger(["traqq"]);
  const at =
    (level: "debug" | "info" | "warning" | "error" | "fatal") =>
    (message: string, details: LogDetails = {}) =>
      logger[level](literal(message), { ...always, ...details });
  return {
    format,
    debug: at("debug"),
    info: at("info"),
    warning: at("warning"),
    error: at("error"),
    fatal: at("fatal"),
    [Symbol.dispose]: () => resetSync(),
  };
}

/** The message on one line, without what a terminal would obey; braces are names to LogTape. */
function literal(message: string): string {
  return harmless(message.replace(/\s*\n\s*/g, " ").trim())
    .replaceAll("{", "{{").replaceAll("}", "}}");
}
