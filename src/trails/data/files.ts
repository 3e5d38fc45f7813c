/**
 * Opens files of trails: TrailDB, Parquet, NDJSON, CSV.
 *
 * @module
 */
import { messageOf } from "../../base/errors.ts";
import { TrailsError } from "../errors.ts";
import { CsvReader } from "./csv.ts";
import type { EventReader } from "./event_reader.ts";
import { readParquet } from "./parquet.ts";
import { TdbSource } from "./tdb.ts";
import { readPackage } from "./tdb_package.ts";
import { MAX_LINE_CHARS, readText } from "./text_file.ts";

/** Whether a path is that of a TrailDB: by its name, as a directory, or with `.tdb` added. */
export async function isTdb(path: string): Promise<boolean> {
  if (/\.tdb\/?$/i.test(path)) return true;
  try {
    return (await Deno.stat(path)).isDirectory;
  } catch {
    return await exists(`${path}.tdb`);
  }
}

/** Opens a TrailDB. @throws {TrailsError} */
export async function openTdb(path: string): Promise<TdbSource> {
  return new TdbSource(await readPackage(path));
}

/** Reads the events of a Parquet file, or of an NDJSON or CSV file, gzipped or not. @throws {TrailsError} */
export async function readEvents(path: string, reader: EventReader): Promise<void> {
  try {
    if (/\.parquet$/i.test(path)) await readParquet(path, reader);
    else if (/\.csv(\.gz)?$/i.test(path)) await readCsv(path, reader);
    else await readNdjson(path, reader);
  } catch (error) {
    if (error instanceof TrailsError) {
      throw new TrailsError(`${messageOf(error)} (in ${path})`, { cause: error });
    }
    const reason = error instanceof Deno.errors.NotFound
      ? "there is no such file"
      : messageOf(error);
    throw new TrailsError(`Cannot read ${path}: ${reason}`, { cause: error });
  }
}

async function readNdjson(path: string, reader: EventReader): Promise<void> {
  let rest = "";
  const take = (line: string): void => {
    if (line.trim() === "") return reader.skip();
    let event: unknown;
    try {
      event = JSON.parse(line);
    } catch (error) {
      return reader.reject(
        new TrailsError(`Cannot use a line: it is not JSON: ${messageOf(error)}`, { cause: error }),
      );
    }
    reader.add(event);
  };
  for await (const text of readText(path)) {
    const lines = (rest + text).split("\n");
    rest = lines.pop()!;
    if (rest.length > MAX_LINE_CHARS) {
      throw new TrailsError(`Cannot read a line: it is longer than ${MAX_LINE_CHARS} characters`);
    }
    for (const line of lines) take(line);
  }
  if (rest !== "") take(rest);
}

async function readCsv(path: string, reader: EventReader): Promise<void> {
  let names: readonly string[] | undefined;
  const rows = new CsvReader((cells) => {
    if (names === undefined) {
      names = cells;
      const twice = cells.find((name, i) => cells.indexOf(name) !== i);
      if (twice !== undefined) {
        throw new TrailsError(
          `Cannot read the CSV: its first row names ${JSON.stringify(twice)} twice`,
        );
      }
    } else if (cells.length !== names.length) {
      reader.reject(
        new TrailsError(
          `Cannot use a row: wanted ${names.length} cells, received ${cells.length}`,
        ),
      );
    } else {
      reader.addCells(names, cells);
    }
  });
  for await (const text of readText(path)) rows.feed(text);
  rows.end();
}

async function exists(path: string): Promise<boolean> {
  try {
    await Deno.stat(path);
    return true;
  } catch {
    return false;
  }
}
