/**
 * Reading segments: records in order, and what is damaged or missing between them.
 *
 * @module
 */
import { ConfigError, JournalError, messageOf } from "../base/errors.ts";
import type { Directory } from "./directory.ts";
import type { History } from "./history.ts";
import { findFrames } from "./frame.ts";
import { segmentName, segmentNumber } from "./names.ts";
import { FORMAT_VERSION, type Head, type JournalRecord, readRecord } from "./records.ts";

/** A record and where it stands. */
export interface PlacedRecord {
  readonly offset: number;
  readonly record: JournalRecord;
}

/** Numbers of the segments in a directory, ascending. */
export function segmentsIn(names: readonly string[]): number[] {
  return names.map(segmentNumber).filter((number) => number !== undefined).sort((a, b) => a - b);
}

/** What is said of a stretch that holds no record. */
export function damageText(offset: number, bytes: number, isTorn: boolean): string {
  return isTorn
    ? `ends at byte ${offset} with ${bytes} bytes of a record whose rest was not written: a process ` +
      "was stopped there, or its disk was full; what stands before is used"
    : `is damaged at byte ${offset}: ${bytes} bytes there are no record; the file is kept, and what ` +
      "stands before and behind is used";
}

/** @throws {ConfigError} if a newer traqq has written a segment */
export function refuseNewer(
  doing: "open" | "read",
  directory: Directory,
  { version }: Pick<Head, "version">,
): void {
  if (version <= FORMAT_VERSION) return;
  throw new ConfigError(
    `Cannot ${doing} the journal in ${directory.path}: it has format ${version}, and this traqq ` +
      `knows ${FORMAT_VERSION}; use a newer traqq`,
  );
}

/**
 * The records of a segment; nothing if there is no such file.
 *
 * @param onDamage told of each stretch that holds no record
 */
export async function* readSegment(
  directory: Directory,
  segment: number,
  onDamage: (error: JournalError, isTorn: boolean) => void,
): AsyncGenerator<PlacedRecord> {
  const name = segmentName(segment);
  const bytes = await directory.read(name);
  if (bytes === undefined) return;
  const file = directory.pathOf(name);
  if (bytes.length === 0) {
    onDamage(new JournalError(`The journal's segment ${file} is empty`, file, 0), true);
  }
  for (const found of findFrames(bytes)) {
    const { offset } = found;
    if (found.kind === "damage") {
      const { bytes, isTorn } = found;
      const what = damageText(offset, bytes, isTorn);
      onDamage(new JournalError(`The journal's segment ${file} ${what}`, file, offset), isTorn);
      continue;
    }
    let record: JournalRecord;
    try {
      record = readRecord(found.payload);
    } catch (cause) {
      const error = new JournalError(
        `The journal's segment ${file} has a record at byte ${offset} that cannot be read: ${
          messageOf(cause)
        }; the file is kept, and the others are used`,
        file,
        offset,
        { cause },
      );
      onDamage(error, false);
      continue;
    }
    yield { offset, record };
  }
}

/**
 * Tells a history what a segment holds, and what is damaged in it.
 *
 * @param accepts whether a record is to be told; the first that is not ends the segment
 */
export async function noteSegment(
  directory: Directory,
  segment: number,
  history: History,
  onDamage: (error: JournalError, isTorn: boolean) => void,
  accepts: (placed: PlacedRecord) => boolean,
): Promise<void> {
  const noteDamage = (error: JournalError, isTorn: boolean) => {
    history.noteDamage();
    onDamage(error, isTorn);
  };
  for await (const placed of readSegment(directory, segment, noteDamage)) {
    if (!accepts(placed)) return;
    history.note(placed.record, segment, placed.offset);
  }
}
