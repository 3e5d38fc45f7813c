/**
 * What a journal's directory holds when it is opened: whose it is, what recovery needs of it, and what is
 * wrong with it.
 *
 * @module
 */
import { ConfigError, JournalError } from "../base/errors.ts";
import { show } from "../base/show.ts";
import type { Reach } from "./log_buffer.ts";
import type { Directory } from "./directory.ts";
import { History } from "./history.ts";
import { IDENTITY_NAME, isOwnName, segmentName } from "./names.ts";
import type { Head } from "./records.ts";
import {
  noteSegment,
  type PlacedRecord,
  readSegment,
  refuseNewer,
  segmentsIn,
} from "./segments.ts";

/** Whose journal it is, and who is told what is wrong with it. */
export interface JournalOwner {
  readonly prefix: string;
  /** The writer's id; undefined: the one of the journal, or a random one. */
  readonly writer: string | undefined;
  /** Whether the storage dies with its process: then it needs snapshots. */
  readonly forgets: boolean;
  readonly onError: (error: Error) => void;
  /** For tests. */
  readonly directory?: Directory;
  /** For tests. */
  readonly maxSegmentBytes?: number;
}

/** What is known of a segment in the directory. */
export interface Segment {
  readonly number: number;
  /** How far it reaches; undefined for one from before what recovery needed. */
  readonly reach: Reach | undefined;
  /** Since when storage has all of it. */
  doneAtMs: number | undefined;
}

/** What a directory held when it was opened. */
export interface Found {
  /** The writer's id, written down by now. */
  readonly writer: string;
  readonly history: History;
  readonly segments: Segment[];
  /** Kept whatever their age. */
  readonly damaged: Set<number>;
  /** Those of other journals; damaged too. */
  readonly foreign: ReadonlySet<number>;
  readonly neededFrom: number;
}

/** Whose a journal is. */
export interface Identity {
  readonly writer: string;
  readonly prefix: string;
}

/**
 * Looks at a directory, and writes down whose it is.
 *
 * @throws {ConfigError} if it is the journal of another prefix or writer, or of a newer traqq
 */
export async function look(directory: Directory, owner: JournalOwner): Promise<Found> {
  const { onError } = owner;
  const names = await directory.names();
  for (const name of names.filter((name) => !isOwnName(name))) {
    const file = directory.pathOf(name);
    onError(new JournalError(`The file ${file} is not the journal's; it is left alone`, file));
  }
  const numbers = segmentsIn(names);
  const identity = await readIdentity(directory);
  const head = await newestHead(directory, numbers, identity.known);
  const writer = await identify(directory, owner, identity, head, numbers.length > 0);
  const mine: Identity = { writer, prefix: owner.prefix };

  const damaged = new Set(head?.damaged);
  const foreign = new Set<number>();
  const neededFrom = head?.neededFrom ?? numbers[0] ?? 1;
  const segments: Segment[] = [];
  const history = new History(directory.path);
  let expected = neededFrom;
  for (const number of numbers) {
    if (number < neededFrom) {
      const doneAtMs = await directory.changedMs(segmentName(number)) ?? Date.now();
      segments.push({ number, reach: undefined, doneAtMs });
      continue;
    }
    if (number !== expected) {
      onError(missingSegments(directory, expected, number - 1));
      history.noteDamage();
    }
    expected = number + 1;
    const onDamage = (error: JournalError, isTorn: boolean) => {
      if (!isTorn) damaged.add(number);
      onError(error);
    };
    const accepts = ({ record }: PlacedRecord) => {
      if (record.kind !== "head") return true;
      if (isOf(record.head, mine)) {
        for (const older of record.head.damaged) damaged.add(older);
        return true;
      }
      const file = directory.pathOf(segmentName(number));
      const message = `The segment ${file} is of another journal; it is kept, and not used`;
      onError(new JournalError(message, file));
      damaged.add(number);
      foreign.add(number);
      return false;
    };
    await noteSegment(directory, number, history, onDamage, accepts);
    const reach = { event: history.lastEvent, cut: history.cuts.length };
    segments.push({ number, reach, doneAtMs: undefined });
  }
  for (const { first, last } of history.lost) {
    if (last <= history.covered) continue;
    onError(
      new JournalError(
        `The journal in ${directory.path} has lost events ${first} to ${last}, with what is damaged ` +
          "or missing; counts of that time are too low",
        directory.path,
      ),
    );
  }
  return { writer, history, segments, damaged, foreign, neededFrom };
}

function missingSegments(directory: Directory, first: number, last: number): JournalError {
  const file = directory.pathOf(segmentName(first));
  const what = first === last
    ? `segment ${file} is`
    : `segments ${file} to ${segmentName(last)} are`;
  return new JournalError(`The journal's ${what} missing; the others are used`, file);
}

function isOf(a: Identity, b: Identity): boolean {
  return a.writer === b.writer && a.prefix === b.prefix;
}

/**
 * The last head of the newest segment that has one of this journal.
 *
 * @param identity whose it is; undefined: whatever comes first
 */
async function newestHead(
  directory: Directory,
  numbers: readonly number[],
  identity: Identity | undefined,
): Promise<Head | undefined> {
  for (const number of numbers.toReversed()) {
    let head: Head | undefined;
    for await (const { record } of readSegment(directory, number, () => {})) {
      if (record.kind !== "head") continue;
      refuseNewer("open", directory, record.head);
      if (identity !== undefined && !isOf(record.head, identity)) break;
      head = record.head;
    }
    if (head !== undefined) return head;
  }
  return undefined;
}

/** The writer's id; written down where it was not. */
async function identify(
  directory: Directory,
  { prefix, writer, onError }: JournalOwner,
  identity: { known?: Identity; isDamaged: boolean },
  head: Head | undefined,
  hasSegments: boolean,
): Promise<string> {
  const known = identity.known ?? head;
  const file = directory.pathOf(IDENTITY_NAME);
  if (known === undefined && (identity.isDamaged || hasSegments)) {
    throw new ConfigError(
      `Cannot open the journal in ${directory.path}: ${file} is ${
        identity.isDamaged ? "damaged" : "missing"
      }, and no segment says whose journal it is; move the directory away to begin anew`,
    );
  }
  if (known !== undefined && known.prefix !== prefix) {
    throw new ConfigError(
      `Cannot open the journal in ${directory.path}: it is that of prefix ${show(known.prefix)}, ` +
        `received ${show(prefix)}; give each prefix a directory of its own`,
    );
  }
  if (known !== undefined && writer !== undefined && known.writer !== writer) {
    throw new ConfigError(
      `Cannot open the journal in ${directory.path}: it is that of writer ${show(known.writer)}, ` +
        `received ${show(writer)}; leave writer out, or give each writer a directory of its own`,
    );
  }
  const id = known?.writer ?? writer ?? crypto.randomUUID();
  if (identity.isDamaged) {
    onError(
      new JournalError(`The journal's ${file} is damaged; its segments say what stood there`, file),
    );
  }
  if (identity.known === undefined) {
    await directory.replace(IDENTITY_NAME, [`${JSON.stringify({ writer: id, prefix })}\n`]);
  }
  return id;
}

/** What the directory says of whose it is. @throws {StorageError} if that cannot be read */
export async function readIdentity(
  directory: Directory,
): Promise<{ known?: Identity; isDamaged: boolean }> {
  const bytes = await directory.read(IDENTITY_NAME);
  if (bytes === undefined) return { isDamaged: false };
  try {
    const { writer, prefix } = JSON.parse(new TextDecoder().decode(bytes));
    if (typeof writer === "string" && typeof prefix === "string") {
      return { known: { writer, prefix }, isDamaged: false };
    }
  } catch {
    // It is damaged.
  }
  return { isDamaged: true };
}
