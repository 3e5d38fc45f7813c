/**
 * Making an export of what another program keeps in Redis, which {@linkcode importCells} then reads
 * like any other.
 *
 * Everything is read twice. The first reading sorts the keys, checks every value and makes the export's
 * id from all there is: so an import that was stopped goes on where it was, and one that is given again
 * brings nothing twice. SCAN gives keys and fields in any order; so they are sorted. The second reading
 * gives the cells. What has changed in between is told: its cells would not be those that the id names.
 *
 * @module
 */
import { createHash, type Hash } from "node:crypto";
import { ConfigError, StorageError } from "../base/errors.ts";
import { show } from "../base/show.ts";
import { Calendar } from "../engine/bucket.ts";
import { cellLine } from "./cell_json.ts";
import { Checksum, footerLine, headerLine } from "./format.ts";
import { PieceReader } from "./redis_cells.ts";
import type { Finding, Layout, Piece } from "./redis_layout.ts";
import type { RedisSource } from "./redis_source.ts";

/** Keys that are asked for at once, for the way to the server takes longer than its answer. */
const AT_ONCE = 16;

/** What {@linkcode surveyRedis} takes. */
export interface SurveyOptions {
  /** Whose keys are read. */
  readonly prefix: string;
  /** The zone in which the other program's days begin. */
  readonly timezone: string;
  /** Called with each key or value that gives nothing, or not all. */
  readonly onFinding?: (finding: Finding) => void;
  /** Called after each piece, with what was read of them and the cells so far. */
  readonly onProgress?: (progress: { share: number; cells: number }) => void;
}

/** An export that is ready to be given out. */
export interface Survey {
  /** Cells in it. */
  readonly cells: number;
  /** Its lines, without their ends. @throws {StorageError} if Redis holds something else by now */
  lines(): AsyncGenerator<string>;
}

/** The prefixes that have sets of known keys in a layout, sorted. */
export async function prefixesIn(source: RedisSource, layout: Layout): Promise<string[]> {
  const prefixes = new Set<string>();
  for await (const keys of source.keys("*:k:*")) {
    for (const key of keys) {
      const prefix = layout.prefixOf(key);
      if (prefix !== undefined) prefixes.add(prefix);
    }
  }
  return [...prefixes].sort();
}

/** The time zone that the program keeps beside its data, or null. */
export async function timezoneIn(
  source: RedisSource,
  layout: Layout,
  prefix: string,
): Promise<string | null> {
  const key = layout.timezoneKey?.(prefix);
  if (key === undefined || await source.type(key) !== "string") return null;
  return new TextDecoder().decode(await source.bytes(key) ?? new Uint8Array()) || null;
}

/**
 * Reads everything of a prefix once, and gives what is needed to read it again.
 *
 * @throws {ConfigError} if the prefix has nothing in this layout, or days that do not begin in the zone
 * @throws {StorageError} if Redis cannot be read
 */
export async function surveyRedis(
  source: RedisSource,
  layout: Layout,
  { prefix, timezone, onFinding = () => {}, onProgress }: SurveyOptions,
): Promise<Survey> {
  const { keys, known } = await readKeys(source, layout, prefix);
  const { pieces, findings } = layout.sort(prefix, keys, known);
  if (pieces.length === 0) throw await nothing(source, layout, prefix);
  pieces.sort(comparePieces);
  refuseOtherZone(pieces, timezone);
  findings.sort((a, b) => compareText(a.key, b.key)).forEach(onFinding);

  const digests: string[] = [];
  const whole = createHash("sha256").update(JSON.stringify([layout.name, prefix, timezone]));
  let cells = 0;
  for await (const { lines, found } of readPieces(source, pieces)) {
    found.forEach(onFinding);
    const digest = digestOf(lines);
    whole.update(digest);
    digests.push(digest);
    cells += lines.length;
    onProgress?.({ share: digests.length / pieces.length, cells });
  }
  const id = uuidOf(whole);
  return { cells, lines: () => exported(source, { id, prefix, timezone, pieces, digests, cells }) };
}

async function* exported(
  source: RedisSource,
  survey: {
    readonly id: string;
    readonly prefix: string;
    readonly timezone: string;
    readonly pieces: readonly Piece[];
    readonly digests: readonly string[];
    readonly cells: number;
  },
): AsyncGenerator<string> {
  const { id, prefix, timezone, pieces, digests, cells } = survey;
  const checksum = new Checksum();
  const header = headerLine({ id, prefix, timezone });
  checksum.add(header);
  yield header;
  let next = 0;
  // What cannot be read was told by the first reading.
  for await (const { piece, lines } of readPieces(source, pieces)) {
    if (digestOf(lines) !== digests[next++]) throw changed(source, piece);
    for (const line of lines) {
      checksum.add(line);
      yield line;
    }
  }
  yield footerLine({ cells, crc32: checksum.hex });
}

/** The cells of each piece as lines, and what is to be said about it; in the order of the pieces. */
async function* readPieces(
  source: RedisSource,
  pieces: readonly Piece[],
): AsyncGenerator<{ piece: Piece; lines: string[]; found: Finding[] }> {
  for (let i = 0; i < pieces.length; i += AT_ONCE) {
    yield* await Promise.all(
      pieces.slice(i, i + AT_ONCE).map(async (piece) => {
        const found: Finding[] = [];
        const cells = await new PieceReader(source, (finding) => found.push(finding)).cells(piece);
        return { piece, lines: cells.map(cellLine), found };
      }),
    );
  }
}

/** All keys under a prefix but the sets of known ones, and the members of these. */
async function readKeys(
  source: RedisSource,
  layout: Layout,
  prefix: string,
): Promise<{ keys: Set<string>; known: Set<string> }> {
  const keys = new Set<string>();
  const sets = new Set<string>();
  /** Longer prefixes that begin like this one: what is under them is theirs. */
  const others = new Set<string>();
  for await (const batch of source.keys(`${globEscaped(prefix)}:*`)) {
    for (const key of batch) {
      const owner = layout.prefixOf(key);
      if (owner === prefix) sets.add(key);
      else if (owner === undefined || await source.type(key) !== "set") keys.add(key);
      else others.add(owner);
    }
  }
  for (const key of keys) {
    for (const other of others) {
      if (key.startsWith(`${other}:`)) keys.delete(key);
    }
  }
  const known = new Set<string>();
  for (const set of sets) {
    if (await source.type(set) !== "set") {
      // The keys are found without it; that it is of another kind is told.
      keys.add(set);
      continue;
    }
    for await (const members of source.members(set)) {
      for (const member of members) known.add(member);
    }
  }
  return { keys, known };
}

function globEscaped(text: string): string {
  return text.replace(/[\\*?[\]^]/g, "\\$&");
}

/** Days and hours must begin where those of the zone begin, or the numbers would stand at other dates. */
function refuseOtherZone(pieces: readonly Piece[], timezone: string): void {
  const calendar = new Calendar(timezone);
  const buckets = new Set<string>();
  const wrong = new Map<string, Piece>();
  for (const piece of pieces) {
    const name = `${piece.unit}:${piece.start}`;
    if (buckets.has(name)) continue;
    buckets.add(name);
    if (calendar.bucketAt(piece.unit, piece.start).start !== piece.start) wrong.set(name, piece);
  }
  const [first] = wrong.values();
  if (first === undefined) return;
  const time = new Date(first.start * 1000).toISOString().replace(".000Z", "Z");
  throw new ConfigError(
    `Cannot import in the time zone ${timezone}: ${wrong.size} of ${buckets.size} buckets do not begin ` +
      `where its ${first.unit === "d" ? "days" : "hours"} do, such as ${time} (${
        show(first.values ?? first.totals)
      }); give the zone of the machine that recorded them: --timezone ZONE`,
  );
}

async function nothing(source: RedisSource, layout: Layout, prefix: string): Promise<ConfigError> {
  const prefixes = await prefixesIn(source, layout);
  const there = prefixes.length === 0
    ? "no other prefix has either"
    : `there is something under ${prefixes.slice(0, 10).map(show).join(", ")}${
      prefixes.length > 10 ? ` and ${prefixes.length - 10} more` : ""
    }`;
  return new ConfigError(
    `Cannot import from Redis at ${source.address}: nothing of layout ${layout.name} stands under ` +
      `the prefix ${show(prefix)}; ${there}`,
  );
}

function changed(source: RedisSource, piece: Piece): StorageError {
  return new StorageError(
    "refused",
    `Cannot go on importing from Redis at ${source.address}: ${
      show(piece.values ?? piece.totals)
    } ` +
      "has changed since the import began; stop the program that writes there, then import anew " +
      "into a prefix that is empty",
  );
}

function digestOf(lines: readonly string[]): string {
  return createHash("sha256").update(lines.join("\n")).digest("hex");
}

/** The first 16 bytes of a hash as a UUID, with the marks of version 8, "made by other means". */
function uuidOf(hash: Hash): string {
  const bytes = hash.digest().subarray(0, 16);
  bytes[6] = bytes[6] & 0x0f | 0x80;
  bytes[8] = bytes[8] & 0x3f | 0x80;
  return bytes.toString("hex").replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
}

function comparePieces(a: Piece, b: Piece): number {
  return compareText(a.unit, b.unit) || a.start - b.start ||
    compareText(a.metric.type, b.metric.type) ||
    compareText(a.metric.addKey ?? "", b.metric.addKey ?? "") ||
    compareText(a.metric.pattern, b.metric.pattern);
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
