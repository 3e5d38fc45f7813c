/**
 * The worker that owns the database. It answers calls one after the other; questions come by ports of their
 * own (see `attach`) and run beside them.
 *
 * A worker that simply ends leaves the database open in this process for ever (measured: Deno frees nothing
 * of a native module), and a second instance on the same file would break it. So whatever is thrown here, by
 * whomever, ends in {@linkcode die}: the database is closed, and then the host is told.
 *
 * @module
 */
import { messageOf } from "../../../base/errors.ts";
import { EngineError } from "../errors.ts";
import type { CallName, Calls, ToHost, ToWorker } from "./messages.ts";
import { Store } from "./store.ts";

/** Of a worker's own world, what is used here. */
interface WorkerScope {
  onmessage: ((event: MessageEvent<ToWorker>) => void) | null;
  postMessage(message: ToHost): void;
  addEventListener(type: "error", listener: (event: ErrorEvent) => void): void;
  addEventListener(
    type: "unhandledrejection",
    listener: (event: PromiseRejectionEvent) => void,
  ): void;
}

const scope = self as unknown as WorkerScope;
let store: Store | undefined;
let isWriting: Int32Array<SharedArrayBuffer> | undefined;
let isDead = false;
/** The end of the last call: the next one waits for it. */
let turn: Promise<void> = Promise.resolve();

/** What answers each call. */
const answers: { [Name in CallName]: (argument: Calls[Name][0]) => Promise<Calls[Name][1]> } = {
  async open(options) {
    store = await Store.open(options);
    return {
      id: store.id,
      position: store.position,
      measurements: [...store.schema.measurements()].map(
        ({ name, table, tags, fields, series }) => ({
          name,
          table,
          tags,
          fields,
          seriesCount: series,
        }),
      ),
    };
  },
  series: ({ measurement, from, count }) => opened().seriesPage(measurement, from, count),
  async apply(unit) {
    await opened().apply(unit);
    return { ...opened().stats };
  },
  async command(sql) {
    await opened().command(sql);
    return undefined;
  },
  aggregates: () => Promise.resolve(opened().aggregates.list()),
  maintain: (start) => opened().maintain(start),
  async close() {
    await store?.close();
    store = undefined;
    return undefined;
  },
};

function opened(): Store {
  if (store === undefined) throw new Error("BUG: the engine is not open");
  return store;
}

async function answer(number: number, name: CallName, argument: unknown): Promise<void> {
  if (isDead) return;
  setWriting(1);
  const said = await reply(number, name, argument);
  // Before the host hears of it: it may end this worker at once.
  setWriting(0);
  scope.postMessage(said);
  if (said.kind === "failure" && said.failure.code === "died") void die(said.failure.message);
}

async function reply(number: number, name: CallName, argument: unknown): Promise<ToHost> {
  try {
    const value = await (answers[name] as (argument: unknown) => Promise<unknown>)(argument);
    return { kind: "answer", number, value };
  } catch (error) {
    const code = error instanceof EngineError ? error.code : "failed";
    return { kind: "failure", number, failure: { code, message: messageOf(error) } };
  }
}

function setWriting(value: 0 | 1): void {
  if (isWriting !== undefined) Atomics.store(isWriting, 0, value);
}

/** Closes the database and says so; nothing is answered afterwards. */
async function die(reason: unknown): Promise<void> {
  if (isDead) return;
  isDead = true;
  try {
    // A call that is under way fails by that, or ends well: its threads must not outlive the database.
    store?.database.interrupt();
    await turn;
    await store?.abandon();
  } finally {
    setWriting(0);
    scope.postMessage({ kind: "died", message: messageOf(reason) });
  }
}

/** Loads who answers questions. */
async function attach(module: string, port: MessagePort): Promise<void> {
  if (isDead) return;
  const loaded = await import(module);
  const end = await loaded.attach(opened(), port);
  if (typeof end === "function") opened().endBeforeClose(end);
}

scope.onmessage = ({ data }) => {
  switch (data.kind) {
    case "hello":
      isWriting = data.isWriting;
      return;
    case "call":
      turn = turn.then(() => answer(data.number, data.name, data.argument));
      return;
    case "attach":
      turn = turn.then(() => attach(data.module, data.port).catch(die));
  }
};
scope.addEventListener("error", (event) => {
  event.preventDefault();
  void die(event.error ?? event.message);
});
scope.addEventListener("unhandledrejection", (event) => {
  event.preventDefault();
  void die(event.reason);
});
