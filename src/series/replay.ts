/**
 * From the log into an engine: all that it lacks, in the order in which it came.
 *
 * @module
 */
import { JournalError } from "../base/errors.ts";
import type { Engine } from "./engine/engine.ts";
import type { LoggedPoints } from "./log/log_records.ts";
import type { PointLog } from "./log/point_log.ts";
import type { LineReader, LineSource } from "./points/line_reader.ts";

/** Bytes of lines that go into one unit. */
const UNIT_BYTES = 16 << 20;

/**
 * Applies what the log has behind the engine's position.
 *
 * @param reader knows what the engine knows, and no limits
 */
export async function replay(
  engine: Engine,
  log: PointLog,
  reader: LineReader,
  onError: (error: Error) => void,
): Promise<void> {
  let position = engine.state.position;
  let bytes = 0;
  const apply = async () => {
    if (bytes === 0) return;
    await engine.apply({ position, batches: reader.take() });
    log.release(position);
    bytes = 0;
  };
  for await (const points of log.after(position)) {
    readAgain(reader, points, onError);
    position = points.first + points.count - 1;
    bytes += points.lines.length;
    if (bytes >= UNIT_BYTES) await apply();
  }
  await apply();
}

function readAgain(
  reader: LineReader,
  { first, count, mode, receivedNs, lines }: LoggedPoints,
  onError: (error: Error) => void,
): void {
  const source: LineSource = {
    bytes: lines,
    precision: mode === "event" ? "s" : mode,
    spread: mode === "event" ? first : undefined,
    nowNs: receivedNs,
    at: 0,
    line: 1,
  };
  let why = "";
  const { points } = reader.read(source, lines.length, (_, error) => {
    why = error;
  });
  if (points === count) return;
  onError(
    new JournalError(
      `BUG: the log has ${count} points behind number ${
        first - 1
      }, and ${points} of them could be ` +
        `read again; ${why}`,
      "",
    ),
  );
}
