/**
 * The frame of an export: its first line, its last, and the checksum over all before the last.
 *
 * ```text
 * {"traqq":"export","version":1,"id":"…","prefix":"app","timezone":"UTC"}
 * {"type":"add","unit":"d","start":1767225600,"pattern":"event","field":"buy","count":12}
 * …
 * {"end":true,"cells":1,"crc32":"0a1b2c3d"}
 * ```
 *
 * @module
 */
import { crc32 } from "node:zlib";
import { show } from "../base/show.ts";

/** What this version writes, and the only one it reads. */
export const FORMAT_VERSION = 1;
/**
 * Cells that an import commits as one flush. A part of the format: what an import that was stopped has
 * left in storage is told by the number of its batch.
 */
export const BATCH_CELLS = 2000;

/** What the first line says. */
export interface Header {
  /** Random for each export: what makes importing it once possible. */
  readonly id: string;
  readonly prefix: string;
  /** Null where the prefix has none: then it held nothing. */
  readonly timezone: string | null;
}

/** What the last line says. */
export interface Footer {
  readonly cells: number;
  readonly crc32: string;
}

/** Characters that are summed at once. */
const PIECE_CHARS = 65_536;

/** CRC-32 of lines with their ends, in UTF-8. */
export class Checksum {
  #crc = 0;
  #text = "";

  /** Takes the next line, given without its end. */
  add(line: string): void {
    this.#text += `${line}\n`;
    if (this.#text.length >= PIECE_CHARS) this.#flush();
  }

  /** Eight hexadecimal digits. */
  get hex(): string {
    this.#flush();
    return this.#crc.toString(16).padStart(8, "0");
  }

  #flush(): void {
    this.#crc = crc32(this.#text, this.#crc);
    this.#text = "";
  }
}

/** The first line. */
export function headerLine({ id, prefix, timezone }: Header): string {
  return JSON.stringify({ traqq: "export", version: FORMAT_VERSION, id, prefix, timezone });
}

/** The last line. */
export function footerLine({ cells, crc32 }: Footer): string {
  return JSON.stringify({ end: true, cells, crc32 });
}

/** Whether a line is the last rather than a cell; the line may be wrong in other ways. */
export function isFooter(value: unknown): value is { readonly end: unknown } {
  return typeof value === "object" && value !== null && Object.hasOwn(value, "end");
}

/** Reads the first line. @throws {TypeError} saying what is wrong */
export function headerOf(value: unknown): Header {
  const it = value as Record<string, unknown> | null;
  if (typeof it !== "object" || it === null || it.traqq !== "export") {
    throw new TypeError(
      `wanted a traqq export, which begins with {"traqq":"export"…, received ${show(value)}`,
    );
  }
  if (it.version !== FORMAT_VERSION) {
    throw new TypeError(
      `wanted version ${FORMAT_VERSION} of the format, received ${show(it.version)}; ` +
        `a newer traqq may read it`,
    );
  }
  const { id, prefix, timezone } = it;
  if (typeof id !== "string" || !/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(id)) {
    throw new TypeError(`wanted a UUID as id, received ${show(id)}`);
  }
  if (typeof prefix !== "string" || prefix === "") {
    throw new TypeError(`wanted text as prefix, received ${show(prefix)}`);
  }
  if (timezone !== null && !(typeof timezone === "string" && isZone(timezone))) {
    throw new TypeError(`wanted an IANA time zone or null as timezone, received ${show(timezone)}`);
  }
  return { id, prefix, timezone };
}

/** Reads the last line. @throws {TypeError} saying what is wrong */
export function footerOf(value: unknown): Footer {
  const { end, cells, crc32 } = value as Record<string, unknown>;
  const wellFormed = end === true && Number.isSafeInteger(cells) && typeof crc32 === "string" &&
    /^[0-9a-f]{8}$/.test(crc32);
  if (!wellFormed) {
    throw new TypeError(`wanted {"end":true,"cells":…,"crc32":…}, received ${show(value)}`);
  }
  return { cells: cells as number, crc32 };
}

function isZone(timezone: string): boolean {
  try {
    new Intl.DateTimeFormat("en", { timeZone: timezone });
    return true;
  } catch {
    return false;
  }
}
