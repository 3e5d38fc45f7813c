/**
 * Real Redis servers for tests: one by itself, or a cluster, on free ports of 127.0.0.1 and in
 * temporary folders. Whatever a test leaves behind ends with the test file.
 *
 * @module
 */
import { fail } from "@std/assert";
import { hasRedis, HOW_TO_GET_REDIS } from "../dev/debian.ts";

const HOST = "127.0.0.1";
/** Below the ports that systems give to outgoing connections; a cluster's bus is 10,000 above. */
const FIRST_PORT = 10_000;
const PORTS = 10_000;
const BUS_OFFSET = 10_000;
const START_ATTEMPTS = 10;
const START_MS = 60_000;
const STOP_MS = 5_000;
const CLUSTER_MS = 120_000;
const CLUSTER_NODE_TIMEOUT_MS = 1500;

/**
 * Registers tests that need Redis. Where it is missing it says so, and how to get it, instead; on CI
 * that is a failure.
 */
export async function withRedis(
  what: string,
  register: () => void | Promise<void>,
): Promise<void> {
  if (hasRedis()) return await register();
  const reason = `redis-server is missing: ${HOW_TO_GET_REDIS}`;
  console.warn(`SKIPPED ${what}: ${reason}`);
  Deno.test({
    name: `${what} needs redis-server`,
    ignore: !Deno.env.get("CI"),
    fn: () => fail(reason),
  });
}

/** How a server is started. */
export interface RedisServerOptions {
  /** More arguments: `["--appendonly", "yes"]`. By default nothing is written to disk. */
  readonly args?: readonly string[];
  /** A port that is known to be free; by default one is found. */
  readonly port?: number;
}

/** Servers that run, so that none outlives the test file. */
const running = new Set<RedisServer>();
globalThis.addEventListener("unload", () => {
  for (const server of running) {
    server.kill();
    try {
      Deno.removeSync(server.folder, { recursive: true });
    } catch {
      // It wrote a last file meanwhile: the system's folder for such files keeps it.
    }
  }
});

/** A `redis-server` of its own. */
export class RedisServer implements AsyncDisposable {
  readonly port: number;
  /** Its working directory, which goes with it. */
  readonly folder: string;
  readonly #args: readonly string[];
  #process: Deno.ChildProcess | null = null;
  #frozen = false;

  private constructor(port: number, args: readonly string[]) {
    this.port = port;
    this.#args = args;
    this.folder = Deno.makeTempDirSync({ prefix: "traqq-redis-" });
  }

  /** Starts a server and waits until it answers. */
  static async start(options: RedisServerOptions = {}): Promise<RedisServer> {
    for (let attempt = 1;; attempt++) {
      const server = new RedisServer(options.port ?? freePort(), options.args ?? []);
      try {
        await server.#run();
        return server;
      } catch (error) {
        // Someone else may have taken the port between our look and the server's.
        const log = server.log();
        await server.stop();
        if (options.port === undefined && attempt < START_ATTEMPTS && /bind/i.test(log)) continue;
        throw new Error(`Cannot start redis-server on port ${server.port}: ${log}`, {
          cause: error,
        });
      }
    }
  }

  get url(): string {
    return `redis://${HOST}:${this.port}`;
  }

  /** `127.0.0.1:port`. */
  get address(): string {
    return `${HOST}:${this.port}`;
  }

  /** @throws if it does not run */
  get pid(): number {
    if (this.#process === null) throw new Error(`redis-server ${this.port} does not run`);
    return this.#process.pid;
  }

  /** What it wrote to its log so far. */
  log(): string {
    try {
      return Deno.readTextFileSync(`${this.folder}/redis.log`);
    } catch {
      return "";
    }
  }

  /** Runs `redis-cli` on it; gives what that printed, without the last line break. */
  async cli(...args: string[]): Promise<string> {
    return await redisCli("-p", `${this.port}`, ...args);
  }

  /** Ends it as an operator would, and removes its folder. */
  async stop(): Promise<void> {
    await this.#end("SIGTERM");
    await Deno.remove(this.folder, { recursive: true }).catch(() => {});
  }

  /** Ends it at once, as a crash does; {@linkcode restart} brings it back. */
  kill(): void {
    signal(this.#process, "SIGKILL");
    running.delete(this);
  }

  /** It answers nothing until {@linkcode thaw}. */
  freeze(): void {
    signal(this.#process, "SIGSTOP");
    this.#frozen = true;
  }

  thaw(): void {
    signal(this.#process, "SIGCONT");
    this.#frozen = false;
  }

  /** Whether it can be asked something: it was neither killed nor frozen. */
  get answers(): boolean {
    return running.has(this) && !this.#frozen;
  }

  /**
   * Ends it and starts it on the same port and folder. What it had not written to disk is gone.
   *
   * @param how `SIGKILL` for a crash; with `SIGTERM` it saves what it is configured to save
   */
  async restart(how: "SIGTERM" | "SIGKILL" = "SIGTERM"): Promise<void> {
    await this.#end(how);
    await this.#run();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  async #run(): Promise<void> {
    const process = new Deno.Command("redis-server", {
      args: [
        ...["--port", `${this.port}`, "--bind", HOST, "--dir", this.folder],
        ...["--logfile", "redis.log", "--daemonize", "no", "--save", "", "--appendonly", "no"],
        ...this.#args,
      ],
      stdin: "null",
      stdout: "null",
      stderr: "null",
    }).spawn();
    process.unref();
    this.#process = process;
    running.add(this);
    let ended = false;
    process.status.then(() => ended = true);
    await until(`redis-server on port ${this.port} to answer`, START_MS, async () => {
      if (ended) throw new Error("it ended by itself");
      return await speaks(this.port);
    });
  }

  async #end(how: "SIGTERM" | "SIGKILL"): Promise<void> {
    const process = this.#process;
    if (process === null) return;
    this.thaw(); // one that is frozen would not hear SIGTERM
    this.#process = null;
    signal(process, how);
    const timer = setTimeout(() => signal(process, "SIGKILL"), STOP_MS);
    process.ref();
    await process.status;
    clearTimeout(timer);
    running.delete(this);
  }
}

/** Three masters and three replicas. Starting it takes seconds: one for a test file. */
export class RedisCluster implements AsyncDisposable {
  /** All six. Which of them are masters can change; ask {@linkcode masterOf}. */
  readonly nodes: readonly RedisServer[];

  private constructor(nodes: readonly RedisServer[]) {
    this.nodes = nodes;
  }

  /** Starts six servers, joins them and waits until every slot has a master with a replica. */
  static async start(options: { args?: readonly string[] } = {}): Promise<RedisCluster> {
    const args = [
      ...["--cluster-enabled", "yes", "--cluster-config-file", "nodes.conf"],
      ...["--cluster-node-timeout", `${CLUSTER_NODE_TIMEOUT_MS}`],
      // A replica that could not hear its master for long, on a busy machine, may still take over.
      ...["--cluster-replica-validity-factor", "0"],
      ...["--repl-diskless-sync-delay", "0"],
      ...options.args ?? [],
    ];
    const nodes: RedisServer[] = [];
    const cluster = new RedisCluster(nodes);
    try {
      for (let i = 0; i < 6; i++) nodes.push(await RedisServer.start({ args }));
      await redisCli(
        ...["--cluster", "create", ...nodes.map(({ address }) => address)],
        ...["--cluster-replicas", "1", "--cluster-yes"],
      );
      await cluster.ready();
      return cluster;
    } catch (error) {
      await cluster.stop();
      throw error;
    }
  }

  get urls(): string[] {
    return this.nodes.map(({ url }) => url);
  }

  /** Waits until all nodes that run agree that every slot is served, and replicas are connected. */
  async ready(): Promise<void> {
    await until("the cluster to be whole", CLUSTER_MS, async () => {
      for (const node of this.nodes) {
        const info = await node.cli("cluster", "info");
        if (!info.includes("cluster_state:ok")) return false;
        const replication = await node.cli("info", "replication");
        const whole = /^role:master/m.test(replication)
          ? /^slave0:.*state=online/m.test(replication)
          : /^master_link_status:up/m.test(replication);
        if (!whole) return false;
      }
      return true;
    });
  }

  /** Empties it. */
  async flush(): Promise<void> {
    await Promise.all(this.nodes.map(async (node) => {
      const text = await node.cli("flushall");
      // Replicas are emptied by their masters.
      if (text !== "OK" && !text.startsWith("READONLY")) throw new Error(text);
    }));
  }

  /** The server that is master for a key, as a node that answers sees it. */
  async masterOf(key: string): Promise<RedisServer> {
    const asked = this.nodes.find((node) => node.answers);
    if (asked === undefined) throw new Error("no node of the cluster answers");
    const slot = Number(await asked.cli("cluster", "keyslot", key));
    for (const line of (await asked.cli("cluster", "nodes")).split("\n")) {
      const [, address, flags, , , , , ...slots] = line.split(" ");
      if (!flags?.includes("master") || flags.includes("fail")) continue;
      const has = slots.some((range) => {
        const [first, last = first] = range.split("-").map(Number);
        return slot >= first && slot <= last;
      });
      const port = Number(/:(\d+)@/.exec(address)?.[1]);
      const node = has ? this.nodes.find((it) => it.port === port) : undefined;
      if (node !== undefined) return node;
    }
    throw new Error(`no master for slot ${slot}`);
  }

  /** The server that copies a master. */
  async replicaOf(master: RedisServer): Promise<RedisServer> {
    const text = await master.cli("info", "replication");
    const port = Number(/^slave0:.*port=(\d+)/m.exec(text)?.[1]);
    const node = this.nodes.find((it) => it.port === port);
    if (node === undefined) throw new Error(`no replica of ${master.port}: ${text}`);
    return node;
  }

  /** Waits until a master's replica has all that was written so far: WAIT is about its own connection. */
  async copied(master: RedisServer): Promise<void> {
    const info = () => master.cli("info", "replication");
    const offset = Number(/^master_repl_offset:(\d+)/m.exec(await info())![1]);
    await until("the replica to have all", CLUSTER_MS, async () => {
      const copied = Number(/^slave0:.*state=online,offset=(\d+)/m.exec(await info())?.[1]);
      return copied >= offset;
    });
  }

  async stop(): Promise<void> {
    await Promise.all(this.nodes.map((node) => node.stop()));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }
}

/** Waits, bounded, until `done` says true. */
export async function until(
  what: string,
  ms: number,
  done: () => Promise<boolean> | boolean,
): Promise<void> {
  const endMs = Date.now() + ms;
  while (!await done()) {
    if (Date.now() > endMs) throw new Error(`waited ${ms} ms for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** A port that nobody listens on, nor on the one that would be the cluster's bus. */
export function freePort(): number {
  for (;;) {
    const port = FIRST_PORT + Math.floor(Math.random() * PORTS);
    try {
      for (const one of [port, port + BUS_OFFSET]) {
        Deno.listen({ hostname: HOST, port: one }).close();
      }
      return port;
    } catch (error) {
      if (!(error instanceof Deno.errors.AddrInUse)) throw error;
    }
  }
}

async function redisCli(...args: string[]): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command("redis-cli", {
    args,
    stdin: "null",
  }).output();
  const text = new TextDecoder().decode(stdout).trimEnd();
  if (success) return text;
  throw new Error(`redis-cli ${args.join(" ")}: ${text}${new TextDecoder().decode(stderr)}`);
}

/** Whether something speaks Redis there: also one that wants a password first, not one that loads. */
async function speaks(port: number): Promise<boolean> {
  try {
    using connection = await Deno.connect({ hostname: HOST, port });
    await connection.write(new TextEncoder().encode("PING\r\n"));
    const bytes = new Uint8Array(512);
    const length = await connection.read(bytes);
    const reply = new TextDecoder().decode(bytes.subarray(0, length ?? 0));
    return reply.startsWith("+PONG") || reply.startsWith("-NOAUTH");
  } catch {
    return false;
  }
}

function signal(process: Deno.ChildProcess | null, name: Deno.Signal): void {
  try {
    process?.kill(name);
  } catch {
    // It has ended.
  }
}
