/**
 * Files of parameters for programs over trails.
 *
 * @module
 */
import { messageOf } from "../base/errors.ts";
import { CliError } from "./errors.ts";
import { readFile } from "./files.ts";

/** Reads an object by the parameters' names with sigil. @throws {CliError} */
export async function readParameters(file: string): Promise<Record<string, unknown>> {
  const json = readJson(file, await readFile("the parameters", file));
  if (typeof json === "object" && json !== null && !Array.isArray(json)) {
    return json as Record<string, unknown>;
  }
  throw new CliError(`Cannot use ${file}: wanted an object with the parameters, as {"%a": "x"}`);
}

/** Reads JSON. @param what what messages call it. @throws {CliError} */
export function readJson(what: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new CliError(`Cannot use ${what}: it is not JSON: ${messageOf(error)}`, { cause: error });
  }
}
