/**
 * The server of the demo, as a user would start it.
 *
 * @module
 */
import { withDeadline } from "../base/promises.ts";
import type { FileOptions } from "../engine/config.ts";
import { CliError } from "./errors.ts";
import { readFlags } from "./flags.ts";
import { openLog } from "./log.ts";
import { isGranted } from "./permissions.ts";
import { serve } from "./serve.ts";
import { startServer } from "./serve_start.ts";
import { shellWord } from "./shell.ts";
import type { Terminal } from "./terminal.ts";

/** The program that is running, from source. */
export const PROGRAM = new URL("../../cli.ts", import.meta.url);
/** Milliseconds that the server has to start and to stop. */
const SERVER_MS = 15_000;

/** What the demo's server counts: this is its config file. */
export const DEMO_OPTIONS: FileOptions = {
  mapping: {
    add: ["event", "origin"],
    bitmap: ["origin", "origin~destination"],
    addValue: [{ key: "origin", addKey: "delay" }],
    top: ["origin"],
  },
  time: { timezone: "UTC", property: "at" },
};

/** A server with everything in a folder: a process of its own if Deno allows that, else in this one. */
export class DemoServer {
  readonly #folder: string;
  readonly #terminal: Terminal;
  #stop: (() => Promise<void>) | undefined;

  constructor(folder: string, terminal: Terminal) {
    this.#folder = folder;
    this.#terminal = terminal;
  }

  /** Gives the address once it listens. */
  async start(): Promise<string> {
    const config = `${this.#folder}/traqq.json`;
    const kvPath = `${this.#folder}/flights.db`;
    await Deno.writeTextFile(config, JSON.stringify(DEMO_OPTIONS, null, 2));
    const flags = ["--addr", "127.0.0.1:0", "--config", config, "--kv-path", kvPath];
    if (isGranted({ name: "run", command: Deno.execPath() })) return await this.#spawn(flags);
    const values = readFlags(serve.groups, flags);
    const log = openLog(values, this.#terminal);
    const server = await startServer(values, this.#terminal, log);
    this.#stop = async () => {
      await server.stop(SERVER_MS);
      log[Symbol.dispose]();
    };
    return server.address;
  }

  /** As a second Ctrl-C may come at any time, it may be called at any time. */
  async stop(): Promise<void> {
    const stop = this.#stop;
    this.#stop = undefined;
    await stop?.();
  }

  async #spawn(flags: string[]): Promise<string> {
    const { err, errStyle } = this.#terminal;
    err(`${errStyle.dim(`$ traqq serve ${flags.map(shellWord).join(" ")}`)}\n`);
    const program = Deno.build.standalone ? [] : [
      "run",
      "--no-prompt",
      "--unstable-kv",
      "--allow-net=127.0.0.1",
      `--allow-read=${this.#folder}`,
      `--allow-write=${this.#folder}`,
      PROGRAM.href,
    ];
    const child = new Deno.Command(Deno.execPath(), {
      args: [...program, "serve", ...flags],
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    this.#stop = () => stopProcess(child);
    const complaints = new Response(child.stderr).text();
    const line = await within(firstLine(child.stdout), SERVER_MS);
    const address = / listens on (\S+?)[,\s]/.exec(line)?.[1];
    if (address !== undefined) return address;
    const reason = (await within(complaints, SERVER_MS)).trim().split("\n")[0];
    throw new CliError(
      `Cannot start the server: ${reason.replace(/^traqq: /, "") || "it said nothing"}`,
    );
  }
}

async function stopProcess(child: Deno.ChildProcess): Promise<void> {
  try {
    child.kill(Deno.build.os === "windows" ? "SIGKILL" : "SIGTERM");
  } catch {
    // It has ended by itself.
  }
  await within(child.status, SERVER_MS).catch(() => child.kill("SIGKILL"));
}

async function firstLine(stream: ReadableStream<Uint8Array>): Promise<string> {
  let text = "";
  const reader = stream.pipeThrough(new TextDecoderStream()).getReader();
  while (!text.includes("\n")) {
    const { value, done } = await reader.read();
    if (done) break;
    text += value;
  }
  // Read on without looking, so that the server never waits for us.
  (async () => {
    while (!(await reader.read()).done);
  })().catch(() => {});
  return text.split("\n")[0];
}

function within<T>(promise: Promise<T>, milliseconds: number): Promise<T> {
  return withDeadline(
    promise,
    milliseconds,
    () => new CliError(`The server did not react within ${milliseconds / 1000} s`),
  );
}
