/**
 * Files made by the real `tdb`.
 *
 * @module
 */
import { hasTdb, HOW_TO_GET_TDB } from "../../../dev/debian.ts";
import { readPackage, type TdbPackage } from "../../../src/trails/data/tdb_package.ts";
import { TdbSource } from "../../../src/trails/data/tdb.ts";

/** Whether the tests with `tdb` are left out; loud, and an error on CI. */
export const WITHOUT_TDB: boolean = !hasTdb();
if (WITHOUT_TDB) {
  const what = `Cannot run the tests with tdb: it is missing; ${HOW_TO_GET_TDB}`;
  if (Deno.env.get("CI") !== undefined) throw new Error(what);
  console.warn(what);
}

/** An event for `tdb make`. */
export interface TdbEvent {
  /** 32 hexadecimal digits. */
  readonly uuid: string;
  readonly time: number;
  readonly [field: string]: string | number;
}

/** A user's id. */
export function uuidOf(number: number): string {
  return number.toString(16).padStart(32, "0");
}

/** Makes a file of events at `path`, and gives its path: `path.tdb`, or `path`, a directory. */
export async function makeTdb(
  path: string,
  fields: readonly string[],
  events: readonly TdbEvent[],
  format: "pkg" | "dir" = "pkg",
): Promise<string> {
  const input = `${path}.json`;
  await Deno.writeTextFile(
    input,
    events.map((event) => `${JSON.stringify({ ...event, time: String(event.time) })}\n`).join(""),
  );
  await tdb(
    "make",
    "-j",
    "-i",
    input,
    "-o",
    path,
    "-f",
    ["uuid", "time", ...fields].join(","),
    "--tdb-format",
    format,
  );
  return format === "pkg" ? `${path}.tdb` : path;
}

/** What `tdb dump` says of a file, in its order. */
export async function dumpTdb(path: string): Promise<Record<string, string>[]> {
  const text = await tdb("dump", "-j", "-i", path);
  return text.split("\n").filter((line) => line !== "").map((line) => JSON.parse(line));
}

async function tdb(...args: string[]): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command("tdb", { args }).output();
  if (!success) throw new Error(`tdb ${args.join(" ")}: ${new TextDecoder().decode(stderr)}`);
  return new TextDecoder().decode(stdout);
}

/** All events of a source, as `tdb dump` writes them. */
export function eventsOf(source: TdbSource): Record<string, string>[] {
  const reader = source.reader();
  return Array.from({ length: source.trailCount }, (_, trail) => {
    reader.read(trail);
    return Array.from({ length: reader.end - reader.start }, (_, at) => ({
      uuid: source.nameOf(trail),
      time: String(reader.times[reader.start + at]),
      ...Object.fromEntries(
        source.fields.map((field, i) => [
          field,
          source.dictionaries[i].text(reader.columns[i][reader.start + at]),
        ]),
      ),
    }));
  }).flat();
}

/** A source of a file. */
export async function openTdb(path: string): Promise<TdbSource> {
  return new TdbSource(await readPackage(path));
}

/** The same trails as version 0 has them: other names and widths, values that end in a zero. */
export function asVersion0({ path, bytes, members }: TdbPackage): TdbPackage {
  const parts = new Map<string, Uint8Array>();
  for (const [name, { offset, size }] of members) {
    const own = new Uint8Array(bytes.subarray(offset, offset + size));
    if (name === "version") continue;
    if (name === "uuids") parts.set("cookies", own);
    else if (name === "trails.codebook") parts.set(name, narrowCodebook(own));
    else if (name.startsWith("lexicon.")) parts.set(name, zeroEnded(own));
    else parts.set(name, own);
  }
  const total = [...parts.values()].reduce((sum, { length }) => sum + Math.ceil(length / 8) * 8, 0);
  const all = new Uint8Array(new SharedArrayBuffer(total));
  const places = new Map<string, { offset: number; size: number }>();
  let at = 0;
  for (const [name, part] of parts) {
    all.set(part, at);
    places.set(name, { offset: at, size: part.length });
    at += Math.ceil(part.length / 8) * 8;
  }
  return { kind: "tdb", path, bytes: all, members: places };
}

function narrowCodebook(bytes: Uint8Array): Uint8Array {
  const from = new DataView(bytes.buffer), count = bytes.length / 20;
  const into = new DataView(new ArrayBuffer(12 * count));
  for (let i = 0; i < count; i++) {
    into.setUint32(12 * i, from.getUint32(20 * i, true), true);
    into.setUint32(12 * i + 4, from.getUint32(20 * i + 8, true), true);
    into.setUint32(12 * i + 8, from.getUint32(20 * i + 16, true), true);
  }
  return new Uint8Array(into.buffer);
}

function zeroEnded(bytes: Uint8Array): Uint8Array {
  const from = new DataView(bytes.buffer);
  const count = from.getUint32(0, true);
  const into = new DataView(new ArrayBuffer(bytes.length + count));
  into.setUint32(0, count, true);
  for (let i = 0; i <= count; i++) {
    const start = from.getUint32(4 + 4 * i, true);
    into.setUint32(4 + 4 * i, start + i, true);
    if (i === count) break;
    const end = from.getUint32(8 + 4 * i, true);
    for (let at = start; at < end; at++) into.setUint8(at + i, bytes[at]);
  }
  return new Uint8Array(into.buffer);
}
