/**
 * A TCP proxy in front of a real Redis, which loses answers, fails writes or goes dead. It takes one
 * command at a time from each connection, so it always knows what an answer belongs to.
 *
 * @module
 */

/** Commands that change something. */
const WRITES = new Set(["EVAL", "EVALSHA", "SET", "DEL", "UNLINK", "HSET", "SADD", "ZADD"]);

/** What goes wrong next; several proxies, those of a cluster's nodes, may share it. */
export class Faults {
  /** Writes that are applied while their caller's connection is cut. */
  loseAnswers = 0;
  /** Writes that are answered with `-LOADING` and not passed on. */
  failWrites = 0;
  /** Writes until nothing comes through any more. */
  dieAfter = Infinity;
  /** Called before a write is passed on; what it gives is answered instead. */
  answerInstead: ((command: string[]) => string | null) | null = null;
  /** Called when a write was applied, before its answer goes on. */
  afterWrite: ((command: string[]) => void | Promise<void>) | null = null;
  /** Commands that were passed on. */
  readonly log: string[][] = [];

  heal(): void {
    this.loseAnswers = 0;
    this.failWrites = 0;
    this.dieAfter = Infinity;
    this.answerInstead = null;
    this.afterWrite = null;
  }
}

/** Listens on a port of its own. */
export class RedisProxy implements AsyncDisposable {
  readonly #listener: Deno.TcpListener;
  readonly #targetPort: number;
  readonly #faults: Faults;
  readonly #open = new Set<Deno.Conn>();
  readonly #running: Promise<void>;

  constructor(targetPort: number, faults: Faults) {
    this.#targetPort = targetPort;
    this.#faults = faults;
    this.#listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    this.#running = this.#accept();
  }

  get port(): number {
    return this.#listener.addr.port;
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listener.close();
    this.cut();
    await this.#running;
  }

  /** Cuts all connections. */
  cut(): void {
    for (const connection of this.#open) close(connection);
  }

  async #accept(): Promise<void> {
    const serving = new Set<Promise<void>>();
    for await (const client of this.#listener) {
      const work = this.#serve(client).catch(() => {}).finally(() => serving.delete(work));
      serving.add(work);
    }
    await Promise.all(serving);
  }

  async #serve(client: Deno.TcpConn): Promise<void> {
    this.#open.add(client);
    let server: Deno.TcpConn | null = null;
    try {
      server = await Deno.connect({ hostname: "127.0.0.1", port: this.#targetPort });
      this.#open.add(server);
      for (const one of [client, server]) one.setNoDelay(); // small answers at once
      const requests = new Resp(client);
      const answers = new Resp(server);
      for (;;) {
        const request = await requests.next();
        if (request === null) return;
        const answer = await this.#pass(request, server, answers);
        if (answer === null) return;
        await writeAll(client, answer);
      }
    } finally {
      for (const one of [client, server]) {
        if (one === null) continue;
        close(one);
        this.#open.delete(one);
      }
    }
  }

  /** The answer's bytes, or null where the connection is to be cut. */
  async #pass(request: Message, server: Deno.Conn, answers: Resp): Promise<Uint8Array | null> {
    const faults = this.#faults;
    const command = request.words;
    const isWrite = WRITES.has(command[0].toUpperCase());
    if (faults.dieAfter <= 0) return this.#die();
    if (isWrite) {
      if (faults.failWrites > 0) {
        faults.failWrites--;
        return encode("-LOADING Redis is loading the dataset in memory\r\n");
      }
      const instead = faults.answerInstead?.(command) ?? null;
      if (instead !== null) return encode(`${instead}\r\n`);
    }
    faults.log.push(command);
    await writeAll(server, request.bytes);
    const answer = await answers.next();
    if (answer === null) return null;
    const text = decode(answer.bytes.subarray(0, 40));
    // A script that is not there is no write yet; one that failed before its first write neither.
    if (!isWrite || text.startsWith("-NOSCRIPT")) return answer.bytes;
    faults.dieAfter--;
    await faults.afterWrite?.(command);
    if (faults.loseAnswers > 0) {
      faults.loseAnswers--;
      return null;
    }
    return answer.bytes;
  }

  #die(): null {
    this.cut();
    return null;
  }
}

/** One command or one answer, as it came. */
interface Message {
  readonly bytes: Uint8Array;
  /** Of a command: its words. */
  readonly words: string[];
}

/** Cuts a stream into messages of the Redis protocol. */
class Resp {
  readonly #connection: Deno.Conn;
  #bytes = new Uint8Array(0);

  constructor(connection: Deno.Conn) {
    this.#connection = connection;
  }

  /** Null at the end. */
  async next(): Promise<Message | null> {
    for (;;) {
      const words: string[] = [];
      const end = this.#end(0, words);
      if (end !== null) {
        const bytes = this.#bytes.slice(0, end);
        this.#bytes = this.#bytes.slice(end);
        return { bytes, words };
      }
      const chunk = new Uint8Array(65536);
      const length = await this.#connection.read(chunk);
      if (length === null) return null;
      const joined = new Uint8Array(this.#bytes.length + length);
      joined.set(this.#bytes);
      joined.set(chunk.subarray(0, length), this.#bytes.length);
      this.#bytes = joined;
    }
  }

  /** Where the message ends that begins at `at`; null while it is not there whole. */
  #end(at: number, words: string[]): number | null {
    const line = this.#bytes.indexOf(10, at);
    if (line < 0) return null;
    const head = decode(this.#bytes.subarray(at, line - 1));
    const size = Number(head.slice(1));
    let end = line + 1;
    if (head[0] === "$" && size >= 0) {
      if (this.#bytes.length < end + size + 2) return null;
      words.push(decode(this.#bytes.subarray(end, end + size)));
      return end + size + 2;
    }
    if (head[0] === "*") {
      for (let i = 0; i < size; i++) {
        const next = this.#end(end, words);
        if (next === null) return null;
        end = next;
      }
    }
    return end;
  }
}

async function writeAll(connection: Deno.Conn, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length;) at += await connection.write(bytes.subarray(at));
}

function close(connection: Deno.Conn): void {
  try {
    connection.close();
  } catch {
    // closed by the other end
  }
}

function encode(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

function decode(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}
