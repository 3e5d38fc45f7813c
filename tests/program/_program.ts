import { fileURLToPath } from "node:url";

/** The program, started as a user would, with exactly the permissions that a test gives it. */
export const CLI = fileURLToPath(new URL("../../cli.ts", import.meta.url));

/** No test waits longer for anything. */
const MAX_WAIT_MS = 60_000;

/** What a process that ended has said. */
export interface Ended {
  code: number;
  out: string;
  err: string;
}

/** What `serve` has logged: the messages of its lines of JSON. */
export function messages(err: string): string[] {
  return err.trimEnd().split("\n").filter((line) => line !== "").map((line) =>
    JSON.parse(line).message
  );
}

/** What a process is given. */
export interface Start {
  /** Flags of `deno run`. */
  allow?: string[];
  args: string[];
  stdin?: string | Uint8Array;
  cwd?: string;
  env?: Record<string, string>;
  /** A shell's commands that come first, in the same process: `ulimit -n 20`. */
  first?: string;
}

/** Runs the program to its end. */
export async function run(start: Start): Promise<Ended> {
  const child = spawn(start);
  const [status, out, err] = await within(
    Promise.all([child.process.status, child.out.ended, child.err.ended]),
    `traqq ${start.args.join(" ")}`,
    () => child.process.kill("SIGKILL"),
  );
  return { code: status.code, out, err };
}

/** A process that is running. */
export interface Running {
  process: Deno.ChildProcess;
  out: Output;
  err: Output;
}

/** Starts the program. */
export function spawn({ allow = [], args, stdin, cwd, env, first }: Start): Running {
  const command = [Deno.execPath(), "run", "--no-prompt", "--quiet", ...allow, CLI, ...args];
  if (first !== undefined) command.unshift("sh", "-c", `${first}; exec "$0" "$@"`);
  const process = new Deno.Command(command[0], {
    args: command.slice(1),
    stdin: stdin === undefined ? "null" : "piped",
    stdout: "piped",
    stderr: "piped",
    cwd,
    env: { NO_COLOR: "1", ...env },
  }).spawn();
  if (stdin !== undefined) {
    const bytes = typeof stdin === "string" ? new TextEncoder().encode(stdin) : stdin;
    // The program may end before it has read all of it.
    new Blob([bytes as BlobPart]).stream().pipeTo(process.stdin).catch(() => {});
  }
  return { process, out: new Output(process.stdout), err: new Output(process.stderr) };
}

/** What a process writes, as it comes. */
export class Output {
  text = "";
  readonly ended: Promise<string>;
  #changed = Promise.withResolvers<void>();

  constructor(stream: ReadableStream<Uint8Array>) {
    this.ended = this.#read(stream);
  }

  /** The first line that matches. */
  async line(pattern: RegExp): Promise<string> {
    const seen = (async () => {
      for (;;) {
        const line = this.text.split("\n").slice(0, -1).find((line) => pattern.test(line));
        if (line !== undefined) return line;
        await Promise.race([
          this.#changed.promise,
          this.ended.then(() => {
            throw new Error(`no ${pattern} in ${JSON.stringify(this.text)}`);
          }),
        ]);
      }
    })();
    return await within(seen, String(pattern));
  }

  async #read(stream: ReadableStream<Uint8Array>): Promise<string> {
    for await (const text of stream.pipeThrough(new TextDecoderStream())) {
      this.text += text;
      this.#changed.resolve();
      this.#changed = Promise.withResolvers<void>();
    }
    return this.text;
  }
}

/** A server that may not listen yet. */
export interface StartingServer {
  readonly running: Running;
  /** Waits until it listens. */
  listening(): Promise<Server>;
}

/** A server in a process of its own. */
export class Server implements AsyncDisposable {
  readonly running: Running;
  readonly address: string;

  private constructor(running: Running, address: string) {
    this.running = running;
    this.address = address;
  }

  /** Starts `traqq serve` in a folder and waits until it listens. */
  static start(folder: string, ...flags: string[]): Promise<Server> {
    return Server.begin(folder, flags).listening();
  }

  /** The same, without waiting. */
  static begin(folder: string, flags: string[], first?: string): StartingServer {
    const running = spawn({
      cwd: folder,
      allow: [
        "--unstable-kv",
        "--allow-net",
        "--allow-read",
        "--allow-write",
        // ioredis looks through all of it.
        ...flags.includes("redis") ? ["--ignore-env"] : [],
      ],
      args: ["serve", "--addr", "127.0.0.1:0", ...flags],
      first,
    });
    return { running, listening: () => Server.#listening(running) };
  }

  static async #listening(running: Running): Promise<Server> {
    try {
      const line = await running.out.line(/ listens on /);
      return new Server(running, / listens on ([^,\s]+)/.exec(line)![1]);
    } catch (error) {
      kill(running.process, "SIGKILL");
      await running.process.status;
      throw new Error(`the server did not start: ${await running.err.ended}`, { cause: error });
    }
  }

  /** Sends a signal and waits for the end. */
  async stop(signal: Deno.Signal = "SIGTERM"): Promise<Ended> {
    kill(this.running.process, signal);
    return await this.ended();
  }

  async ended(): Promise<Ended> {
    const { process, out, err } = this.running;
    const [status, outText, errText] = await within(
      Promise.all([process.status, out.ended, err.ended]),
      "the server to end",
      () => process.kill("SIGKILL"),
    );
    return { code: status.code, out: outText, err: errText };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }
}

/** A client that asks and asks and reads no reply, until nothing more can be sent. */
export async function clogged(server: { address: string }): Promise<Deno.Conn> {
  const [hostname, port] = server.address.split(":");
  const conn = await Deno.connect({ hostname, port: Number(port) });
  const questions = new TextEncoder().encode('{"cmd":"stats"}\n'.repeat(1000));
  let stuck = false;
  while (!stuck) {
    const writing = conn.write(questions).catch(() => 0);
    const pause = new Promise<"stuck">((resolve) => setTimeout(() => resolve("stuck"), 300));
    stuck = await Promise.race([writing, pause]) === "stuck";
  }
  return conn;
}

function kill(process: Deno.ChildProcess, signal: Deno.Signal): void {
  try {
    process.kill(signal);
  } catch {
    // It has ended.
  }
}

/** A command that talks to a server, with exactly the permission it needs. */
export function ask(
  server: { address: string },
  args: string[],
  more: Omit<Start, "args"> = {},
): Promise<Ended> {
  const [name, ...rest] = args;
  return run({
    ...more,
    allow: [`--allow-net=${server.address}`, ...more.allow ?? []],
    args: [name, "--addr", server.address, ...rest],
  });
}

/** A folder that is removed again. */
export class Folder implements AsyncDisposable {
  readonly path: string = Deno.makeTempDirSync({ prefix: "traqq-test-" });

  file(name: string): string {
    return `${this.path}/${name}`;
  }

  write(name: string, text: string | Uint8Array): string {
    if (typeof text === "string") Deno.writeTextFileSync(this.file(name), text);
    else Deno.writeFileSync(this.file(name), text);
    return this.file(name);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.path, { recursive: true });
  }
}

/** Fails rather than wait for ever. */
export async function within<T>(
  promise: Promise<T>,
  what: string,
  onLate: () => void = () => {},
): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      try {
        onLate();
      } finally {
        reject(new Error(`waited too long for ${what}`));
      }
    }, MAX_WAIT_MS);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
