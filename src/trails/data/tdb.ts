/**
 * TrailDB files as a source: fields, values, users and where their events lie. Versions 1, and 0 of
 * before it. The events themselves are read by `tdb_decoder.ts`.
 *
 * | member           | holds                                                                     |
 * | ---------------- | ------------------------------------------------------------------------- |
 * | `version`        | `1`; absent in version 0                                                  |
 * | `info`           | trails, events, oldest and newest time, largest difference, as text       |
 * | `fields`         | names, one a line, the time left out                                      |
 * | `lexicon.F`      | count, offsets, bytes; version 0 ends each value with a zero              |
 * | `uuids`          | 16 bytes a trail; `cookies` in version 0                                  |
 * | `trails.codebook`| 65,536 times one or two items and a length in bits                        |
 * | `trails.toc`     | where the bits of each trail begin                                        |
 * | `trails.data`    | bits                                                                      |
 *
 * Offsets have 4 bytes, and 8 where a member is too large for that.
 *
 * @module
 */
import { TrailsError } from "../errors.ts";
import { Dictionary } from "./dictionary.ts";
import type { ReaderOptions, TrailReader, TrailSource } from "./source.ts";
import { type Codebook, readCodebook, TdbDecoder, type TdbTrails } from "./tdb_decoder.ts";
import type { TdbPackage } from "./tdb_package.ts";

const UUID_BYTES = 16;
/** What a file must be smaller than for offsets of 4 bytes. */
const NARROW_LIMIT = 2 ** 32 - 1;
const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"));

/** A TrailDB. */
export class TdbSource implements TrailSource {
  readonly fields: readonly string[];
  readonly dictionaries: readonly Dictionary[];
  readonly trailCount: number;
  readonly eventCount: number;
  readonly mergesEqual = true;
  readonly newest: number;
  readonly shared: TdbPackage;
  readonly #uuids: Uint8Array;
  readonly #trails: TdbTrails;

  /** @throws {TrailsError} if it is damaged or of a later version */
  constructor(files: TdbPackage) {
    this.shared = files;
    const members = new Members(files);
    const version = members.version();
    const [trails, events, oldest, newest, delta] = members.info();
    this.trailCount = trails;
    this.eventCount = events;
    this.newest = events === 0 ? -Infinity : newest;
    this.fields = members.fields();
    this.dictionaries = this.fields.map((field) => members.lexicon(field, version));
    this.#uuids = members.bytes(version === 0 ? "cookies" : "uuids", trails * UUID_BYTES);
    const data = members.bytes("trails.data");
    this.#trails = {
      path: files.path,
      data,
      offsets: members.offsets("trails.toc", trails + 1, data.length),
      codebook: members.codebook(version),
      oldest,
      newest,
      fieldBits: bitsFor(this.fields.length + 1),
      valueBits: [bitsFor(delta), ...this.dictionaries.map(({ size }) => bitsFor(size - 1))],
      valueCounts: [Infinity, ...this.dictionaries.map(({ size }) => size)],
    };
  }

  nameOf(trail: number): string {
    let name = "";
    for (let i = trail * UUID_BYTES; i < (trail + 1) * UUID_BYTES; i++) name += HEX[this.#uuids[i]];
    return name;
  }

  reader(options?: ReaderOptions): TrailReader {
    return new TdbDecoder(this.#trails, options);
  }
}

/** Bits that hold every number up to `most`. */
function bitsFor(most: number): number {
  return most === 0 ? 1 : Math.floor(Math.log2(most)) + 1;
}

/** The members of a file, checked. */
class Members {
  readonly #files: TdbPackage;

  constructor(files: TdbPackage) {
    this.#files = files;
  }

  /** The bytes of a member. @throws {TrailsError} if it is not there or too short */
  bytes(name: string, least = 0): Uint8Array {
    const member = this.#files.members.get(name);
    if (member === undefined) this.#fail(`the member ${name} is missing`);
    if (member.size < least) {
      this.#fail(`the member ${name} has ${member.size} bytes, ${least} are wanted`);
    }
    const { offset, size } = member;
    const bytes = this.#files.bytes.subarray(offset, offset + size);
    // Numbers are read in place where they lie well; a writer other than ours may not care.
    return offset % 8 === 0 ? bytes : new Uint8Array(bytes);
  }

  version(): 0 | 1 {
    if (!this.#files.members.has("version")) return 0;
    const text = this.#text("version");
    if (text.startsWith("1")) return 1;
    throw new TrailsError(
      `Cannot read ${this.#files.path}: it has version ${JSON.stringify(text.slice(0, 20))} of ` +
        "TrailDB; versions 0 and 1 are known",
    );
  }

  info(): readonly number[] {
    const numbers = this.#text("info").trim().split(" ").map(Number);
    const [trails, events] = numbers;
    // A file without events has times that mean nothing.
    const known = events === 0 ? [trails, events] : numbers;
    if (numbers.length !== 5 || !known.every((one) => Number.isSafeInteger(one) && one >= 0)) {
      this.#fail("info is not five numbers below 2^53");
    }
    return events === 0 ? [trails, events, 0, 0, 0] : numbers;
  }

  fields(): string[] {
    const text = this.#text("fields");
    const end = text.indexOf("\n\n");
    const names = text === "\n" ? "" : text.slice(0, end < 0 ? undefined : end).trimEnd();
    return names === "" ? [] : names.split("\n");
  }

  lexicon(field: string, version: 0 | 1): Dictionary {
    const name = `lexicon.${field}`;
    const bytes = this.bytes(name, 8);
    const isWide = bytes.length >= NARROW_LIMIT;
    const width = isWide ? 8 : 4;
    const count = this.#numbers(bytes, 1, isWide)[0];
    if ((count + 2) * width > bytes.length) this.#fail(`${name} is cut off`);
    const starts = this.#numbers(bytes.subarray(width), count + 1, isWide);
    for (let i = 0; i < starts.length; i++) {
      if (starts[i] > bytes.length || i > 0 && starts[i] < starts[i - 1]) {
        this.#fail(`the offsets of ${name} are out of order`);
      }
    }
    return new Dictionary({ bytes, starts, tail: version === 0 ? 1 : 0 });
  }

  offsets(name: string, count: number, size: number): Uint32Array | Float64Array {
    const isWide = size >= NARROW_LIMIT;
    const offsets = this.#numbers(this.bytes(name, count * (isWide ? 8 : 4)), count, isWide);
    for (let i = 0; i < count; i++) {
      if (offsets[i] > size || i > 0 && offsets[i] < offsets[i - 1]) {
        this.#fail(`the offsets of ${name} are out of order`);
      }
    }
    return offsets;
  }

  codebook(version: 0 | 1): Codebook {
    const name = "trails.codebook";
    return readCodebook(this.bytes(name, 65_536 * (version === 0 ? 12 : 20)), version);
  }

  #numbers(bytes: Uint8Array, count: number, isWide: boolean): Uint32Array | Float64Array {
    const { buffer, byteOffset } = bytes;
    if (!isWide) {
      return byteOffset % 4 === 0
        ? new Uint32Array(buffer, byteOffset, count)
        : new Uint32Array(bytes.slice(0, 4 * count).buffer);
    }
    const view = new DataView(buffer, byteOffset);
    return Float64Array.from({ length: count }, (_, i) => Number(view.getBigUint64(8 * i, true)));
  }

  #text(name: string): string {
    return new TextDecoder().decode(this.bytes(name));
  }

  #fail(what: string): never {
    throw new TrailsError(`Cannot read ${this.#files.path}: it is damaged: ${what}`);
  }
}
