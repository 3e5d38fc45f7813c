/**
 * The errors of this room: one for the text of a program, with its place, one for everything else
 * that stops a run.
 *
 * @module
 */
import { show } from "../base/show.ts";

/** A place in the text of a program, both from 1. */
export interface Place {
  /** The line. */
  readonly line: number;
  /** The column, in UTF-16 units. */
  readonly column: number;
}

/** A program cannot be used: the message has file, line, column, what was found and what is right. */
export class ProgramError extends Error {
  /** The name of the class. */
  override name = "ProgramError";
  /** The file of the program, or what stands for it. */
  readonly file: string;
  /** The line, from 1. */
  readonly line: number;
  /** The column, from 1. */
  readonly column: number;

  /** Made by the parser and the checker; `what` says what was found and what would be right. */
  constructor(file: string, place: Place, what: string) {
    super(`Cannot use ${file}:${place.line}:${place.column}: ${what}`);
    this.file = file;
    this.line = place.line;
    this.column = place.column;
  }
}

/** A run cannot go on: parameters, data or options do not fit, or a file is damaged. */
export class TrailsError extends Error {
  /** The name of the class. */
  override name = "TrailsError";
}

/** Checks the option `compat`. @throws {TrailsError} */
export function readCompat(value: unknown): Compat {
  if (value === undefined || value === "trck") return value;
  throw new TrailsError(
    `Cannot use compat: wanted "trck" or nothing, received ${show(value)}`,
  );
}

/** `"trck"`: the original's answers, also where they are wrong; undefined: ours. */
export type Compat = "trck" | undefined;
