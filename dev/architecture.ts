/** The rules of the house: who may import whom (design, section 3). `dev/circular.ts` asks them of the real graph. */

/**
 * A room is a folder or a file of src. What each may import besides itself: a room, or one file of it.
 * A new room gets a line here, or the check fails.
 */
export const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = (() => {
  const base = ["base"];
  const sketch = [...base, "sketch"];
  const codec = ["codec"];
  const storage = [...sketch];
  const engine = [...sketch, "storage/storage.ts", "storage/metric.ts"];
  const journal = [...engine, ...codec, "storage/checkpoint.ts", "engine"];
  const writer = [...journal, "storage", "journal", "transfer"];
  const transfer = [...engine, "storage/cells.ts", "engine/bucket.ts", "engine/field.ts"];
  const traqq = [...writer, "writer"];
  const protocol = [...traqq, "traqq.ts"];
  const ends = [...protocol, "protocol"];
  return {
    base: [],
    codec: [],
    sketch: base,
    storage,
    engine,
    journal,
    writer,
    transfer,
    "traqq.ts": traqq,
    protocol,
    server: [...ends, "series/http/routes.ts"],
    client: ends,
    cli: [...ends, "server", "client", "procession", "series", "trails"],
    procession: [...sketch, ...codec],
    series: [...writer, "protocol/address.ts", "protocol/attempts.ts"],
    trails: protocol,
  };
})();

/** The adapters in src/storage. */
export const ADAPTERS: readonly string[] = ["memory", "kv", "redis"];

/** Rooms that `mod.ts` must not load, not even late: each is an entry point of its own. */
export const NOT_IN_MOD: readonly string[] = ["procession", "series", "trails", "server", "cli"];

/** The room of a path below src: `storage/kv.ts` is in `storage`, `traqq.ts` is a room by itself. */
export function roomOf(path: string): string {
  return path.split("/", 1)[0];
}

/** Why `from` may not import `to`, both paths below src; undefined if it may. */
export function objection(from: string, to: string): string | undefined {
  const room = roomOf(from);
  if (room === roomOf(to)) {
    return room === "storage" ? storageObjection(from, to) : undefined;
  }
  if (!Object.hasOwn(MAY_IMPORT, room)) return `the room ${room} is not in dev/architecture.ts`;
  const allowed = MAY_IMPORT[room];
  if (allowed.includes(to) || allowed.includes(roomOf(to))) return undefined;
  return `src/${room} may import ${allowed.join(", ") || "nothing outside itself"}`;
}

/** An adapter knows no other adapter, and what they share knows none of them. `kv.ts`, `kv_keys.ts` and `kv/…` are one. */
function storageObjection(from: string, to: string): string | undefined {
  const adapter = (path: string) =>
    ADAPTERS.find((name) => new RegExp(`^storage/${name}(_.*\\.ts$|\\.ts$|/)`).test(path));
  if (adapter(to) === undefined || adapter(from) === adapter(to)) return undefined;
  return "files of src/storage do not import an adapter, nor adapters each other";
}

/** Circles in a graph of names: each as the names on it, the first one repeated at the end. */
export function circles(imports: ReadonlyMap<string, Iterable<string>>): string[][] {
  const found: string[][] = [];
  const done = new Set<string>();
  const path: string[] = [];
  const visit = (name: string): void => {
    const at = path.indexOf(name);
    if (at >= 0) {
      found.push([...path.slice(at), name]);
      return;
    }
    if (done.has(name)) return;
    path.push(name);
    for (const next of imports.get(name) ?? []) visit(next);
    path.pop();
    done.add(name);
  };
  for (const name of imports.keys()) visit(name);
  return found;
}
