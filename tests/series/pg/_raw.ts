/**
 * A client that sends what it is told to, byte by byte, and reads messages.
 *
 * @module
 */
/** A message of the server. */
export interface Reply {
  readonly type: string;
  readonly body: Uint8Array<ArrayBuffer>;
}

const ENCODER = new TextEncoder();
const DECODER = new TextDecoder();

/** See the top of this file. */
export class RawClient implements Disposable {
  readonly #conn: Deno.Conn;
  #held = new Uint8Array(0);

  constructor(conn: Deno.Conn) {
    this.#conn = conn;
  }

  /** Connects, and says nothing. */
  static async connect(port: number): Promise<RawClient> {
    return new RawClient(await Deno.connect({ hostname: "127.0.0.1", port }));
  }

  /** Connects to a server that trusts, and starts; what follows is the first answer. */
  static async start(port: number): Promise<RawClient> {
    const client = await RawClient.connect(port);
    await client.send(startup({ user: "raw", database: "any" }));
    await client.until("Z");
    return client;
  }

  /** Sends bytes. */
  async send(...pieces: readonly Uint8Array[]): Promise<void> {
    for (const piece of pieces) {
      for (let at = 0; at < piece.length;) at += await this.#conn.write(piece.subarray(at));
    }
  }

  /** One byte, as the answer to a question about encryption is. */
  async byte(): Promise<string> {
    return String.fromCharCode((await this.#take(1))![0]);
  }

  /** The next message; undefined at the end. */
  async next(): Promise<Reply | undefined> {
    const head = await this.#take(5);
    if (head === undefined) return undefined;
    const length = new DataView(head.buffer, head.byteOffset).getInt32(1);
    const body = await this.#take(length - 4);
    return body && { type: String.fromCharCode(head[0]), body };
  }

  /** Messages up to one of this type, or to the end. */
  async until(type: string): Promise<Reply[]> {
    const replies: Reply[] = [];
    for (;;) {
      const reply = await this.next();
      if (reply === undefined) return replies;
      replies.push(reply);
      if (reply.type === type) return replies;
    }
  }

  /** A query of the simple protocol, and its answer in short: see {@linkcode shown}. */
  async query(text: string): Promise<string[]> {
    await this.send(message("Q", text));
    return (await this.until("Z")).map(shown);
  }

  /** Everything up to the end. */
  async rest(): Promise<Reply[]> {
    return await this.until("no such type");
  }

  /** No more comes from here. */
  async closeWrite(): Promise<void> {
    await this.#conn.closeWrite();
  }

  [Symbol.dispose](): void {
    this.#conn.close();
  }

  async #take(count: number): Promise<Uint8Array<ArrayBuffer> | undefined> {
    while (this.#held.length < count) {
      const buffer = new Uint8Array(65_536);
      let read: number | null;
      try {
        read = await this.#conn.read(buffer);
      } catch {
        return undefined; // the server has closed with bytes unread
      }
      if (read === null) return undefined;
      const held = new Uint8Array(this.#held.length + read);
      held.set(this.#held);
      held.set(buffer.subarray(0, read), this.#held.length);
      this.#held = held;
    }
    const bytes = this.#held.slice(0, count);
    this.#held = this.#held.slice(count);
    return bytes;
  }
}

/** What a message is made of: a text with its end, a number of bytes, or bytes. */
type Part = string | Uint8Array | { readonly int16: number } | { readonly int32: number };

/** A message of a client. */
export function message(type: string, ...parts: readonly Part[]): Uint8Array {
  const body = join(parts);
  const bytes = new Uint8Array(5 + body.length);
  bytes[0] = type.charCodeAt(0);
  new DataView(bytes.buffer).setInt32(1, 4 + body.length);
  bytes.set(body, 5);
  return bytes;
}

/** The first message of a connection, with its code. */
export function first(code: number, ...parts: readonly Part[]): Uint8Array {
  const body = join([{ int32: code }, ...parts]);
  const bytes = new Uint8Array(4 + body.length);
  new DataView(bytes.buffer).setInt32(0, bytes.length);
  bytes.set(body, 4);
  return bytes;
}

/** A start of version 3.0, or another. */
export function startup(parameters: Readonly<Record<string, string>>, code = 196_608): Uint8Array {
  return first(code, ...Object.entries(parameters).flat(), Uint8Array.of(0));
}

/** Messages of the extended protocol. */
export const say = {
  parse: (text: string, name = "", oids: readonly number[] = []) =>
    message("P", name, text, { int16: oids.length }, ...oids.map((int32) => ({ int32 }))),
  bind: (
    values: readonly (string | Uint8Array | null)[] = [],
    { portal = "", statement = "", formats = [], results = [] }: {
      portal?: string;
      statement?: string;
      formats?: readonly number[];
      results?: readonly number[];
    } = {},
  ) =>
    message(
      "B",
      portal,
      statement,
      { int16: formats.length },
      ...formats.map((int16) => ({ int16 })),
      { int16: values.length },
      ...values.flatMap((value): Part[] => {
        if (value === null) return [{ int32: -1 }];
        const bytes = typeof value === "string" ? ENCODER.encode(value) : value;
        return [{ int32: bytes.length }, bytes];
      }),
      { int16: results.length },
      ...results.map((int16) => ({ int16 })),
    ),
  describe: (target: "S" | "P", name = "") => message("D", ENCODER.encode(target), name),
  execute: (most = 0, portal = "") => message("E", portal, { int32: most }),
  close: (target: "S" | "P", name = "") => message("C", ENCODER.encode(target), name),
  sync: message("S"),
  flush: message("H"),
};

/**
 * A reply in short: its type, and of rows the values, of errors the code, of ends the tag, of readiness
 * the state of the transaction.
 */
export function shown({ type, body }: Reply): string {
  switch (type) {
    case "D":
      return `D ${values(body).join("|")}`;
    case "E":
    case "N":
      return `${type} ${fields(body).get("C")}`;
    case "C":
    case "Z":
      return `${type} ${DECODER.decode(body).replaceAll("\0", "")}`;
    case "S":
      return `S ${DECODER.decode(body).split("\0").slice(0, 2).join("=")}`;
    default:
      return type;
  }
}

/** The fields of an error, by their letter. */
export function fields(body: Uint8Array): Map<string, string> {
  return new Map(
    DECODER.decode(body).split("\0").filter((field) => field !== "").map((
      field,
    ) => [field[0], field.slice(1)]),
  );
}

/** The values of a row, as text. */
export function values(body: Uint8Array): string[] {
  const view = new DataView(body.buffer, body.byteOffset, body.length);
  const found: string[] = [];
  for (let at = 2, left = view.getInt16(0); left > 0; left--) {
    const length = view.getInt32(at);
    found.push(length < 0 ? "NULL" : DECODER.decode(body.subarray(at + 4, at + 4 + length)));
    at += 4 + Math.max(length, 0);
  }
  return found;
}

function join(parts: readonly Part[]): Uint8Array {
  const pieces = parts.map((part) => {
    if (part instanceof Uint8Array) return part;
    if (typeof part === "string") return ENCODER.encode(`${part}\0`);
    const bytes = new Uint8Array("int16" in part ? 2 : 4);
    const view = new DataView(bytes.buffer);
    if ("int16" in part) view.setInt16(0, part.int16);
    else view.setInt32(0, part.int32);
    return bytes;
  });
  const bytes = new Uint8Array(pieces.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const piece of pieces) {
    bytes.set(piece, at);
    at += piece.length;
  }
  return bytes;
}
