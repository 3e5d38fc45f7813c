/**
 * A Deno.Kv whose answers and writes can be lost, around a real one.
 *
 * @module
 */
import { KvStorage } from "../../src/storage/kv.ts";

/** What goes wrong next. */
export class Faults {
  /** Commits that are applied while their caller gets an error. */
  loseAnswers = 0;
  /** Commits that fail with `database is locked`. */
  failWrites = 0;
  /** Commits until nothing comes through any more. */
  dieAfter = Infinity;
  /** Called with each operation just before it is committed. */
  beforeCommit: (() => void | Promise<void>) | null = null;
  /** What a commit throws instead of being applied, if it throws. */
  refuse: (() => Error | null) | null = null;
  /** The mutations of the commits so far: `set`, `sum`, `delete`, `check`, with their arguments. */
  readonly log: { readonly name: string; readonly args: readonly unknown[] }[] = [];
  /** Commits that were tried. */
  commits = 0;
  /** Keys read by `get` and `getMany`. */
  reads = 0;

  heal(): void {
    this.loseAnswers = 0;
    this.failWrites = 0;
    this.dieAfter = Infinity;
    this.refuse = null;
  }

  assertAlive(): void {
    if (this.dieAfter <= 0) throw new Deno.errors.ConnectionReset("connection reset by peer");
  }
}

/** Wraps what KvStorage uses of a Deno.Kv. */
export function faultyKv(kv: Deno.Kv, faults: Faults): Deno.Kv {
  const wrapped = {
    get(...args: Parameters<Deno.Kv["get"]>) {
      faults.reads++;
      return guarded(() => kv.get(...args));
    },
    getMany(keys: Deno.KvKey[]) {
      faults.reads += keys.length;
      return guarded(() => kv.getMany(keys));
    },
    list(...args: Parameters<Deno.Kv["list"]>) {
      faults.assertAlive();
      return kv.list(...args);
    },
    atomic: () => faultyOperation(kv.atomic(), faults),
    close: () => kv.close(),
  };
  return wrapped as unknown as Deno.Kv;

  // deno-lint-ignore require-await -- a thrown error must be a rejection
  async function guarded<T>(read: () => Promise<T>): Promise<T> {
    faults.assertAlive();
    return read();
  }
}

function faultyOperation(operation: Deno.AtomicOperation, faults: Faults): Deno.AtomicOperation {
  const log: { name: string; args: unknown[] }[] = [];
  const wrapped: Record<string, unknown> = {};
  for (const name of ["check", "set", "sum", "delete"] as const) {
    wrapped[name] = (...args: unknown[]) => {
      log.push({ name, args });
      (operation[name] as (...args: unknown[]) => unknown)(...args);
      return wrapped;
    };
  }
  wrapped.commit = async () => {
    faults.assertAlive();
    faults.commits++;
    faults.log.push(...log);
    if (faults.failWrites > 0) {
      faults.failWrites--;
      throw new TypeError("database is locked");
    }
    const refusal = faults.refuse?.() ?? null;
    if (refusal !== null) throw refusal;
    await faults.beforeCommit?.();
    faults.dieAfter--;
    const result = await operation.commit();
    if (faults.loseAnswers > 0) {
      faults.loseAnswers--;
      throw new TypeError("connection closed before message completed");
    }
    return result;
  };
  return wrapped as unknown as Deno.AtomicOperation;
}

/** A real KV in memory, one whose faults are controlled, and a storage on that. */
export async function disturbed(retries = 3): Promise<Disturbed> {
  const kv = await Deno.openKv(":memory:");
  const faults = new Faults();
  const storage = await KvStorage.open(faultyKv(kv, faults), { retries });
  return {
    kv,
    faults,
    storage,
    async [Symbol.asyncDispose]() {
      await storage.close();
      kv.close();
    },
  };
}

/** What {@linkcode disturbed} gives. */
export interface Disturbed extends AsyncDisposable {
  /** The real one. */
  readonly kv: Deno.Kv;
  readonly faults: Faults;
  readonly storage: KvStorage;
}

/** A Deno.Kv in memory that closes with its scope. */
export async function realKv(): Promise<{ kv: Deno.Kv } & Disposable> {
  const kv = await Deno.openKv(":memory:");
  return { kv, [Symbol.dispose]: () => kv.close() };
}

/** Everything below a key, as JSON of the keys; a KvU64 as its number. */
export async function entriesOf(
  kv: Deno.Kv,
  prefix: Deno.KvKey = [],
): Promise<Map<string, unknown>> {
  const entries = new Map<string, unknown>();
  for await (const { key, value } of kv.list({ prefix })) {
    entries.set(JSON.stringify(key), value instanceof Deno.KvU64 ? value.value : value);
  }
  return entries;
}
