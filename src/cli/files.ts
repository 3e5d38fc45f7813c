/**
 * Reading files that flags name, and what to say where that fails.
 *
 * @module
 */
import { messageOf } from "../base/errors.ts";
import { CliError } from "./errors.ts";
import { need } from "./permissions.ts";

/** Reads a file that a flag names. @throws {CliError} */
export async function readFile(what: string, path: string): Promise<string> {
  need(`read ${what}`, { name: "read", path });
  try {
    return await Deno.readTextFile(path);
  } catch (error) {
    throw new CliError(`Cannot read ${what} ${path}: ${reasonOf(error)}`, { cause: error });
  }
}

/** What the system says about a file, without Deno's copy of the path. */
export function reasonOf(error: unknown): string {
  if (error instanceof Deno.errors.NotFound) return "there is no such file";
  if (error instanceof Deno.errors.PermissionDenied) return "the system does not allow it";
  if (error instanceof Deno.errors.IsADirectory) return "it is a folder";
  return messageOf(error).replace(/: \w+ '.*'$/s, "");
}

/** Whether a KV path is a file: not `:memory:`, nor a KV Connect server. */
export function isKvFile(path: string): boolean {
  return path !== ":memory:" && !/^https?:\/\//.test(path);
}
