/**
 * A storage without a Traqq on it, for commands that neither record nor query.
 *
 * @module
 */
import { readConfig } from "../engine/config.ts";
import type { Storage } from "../storage/storage.ts";
import type { Values } from "./flags.ts";
import { readOptions } from "./options.ts";
import { refuseMemory } from "./query.ts";
import { kvPathOf } from "./shared_flags.ts";
import { openKv } from "./storage.ts";

/** An open storage and the prefix that the flags name. */
export interface BareStorage extends AsyncDisposable {
  readonly storage: Storage;
  readonly prefix: string;
  /** What to call it in a message. */
  readonly where: string;
}

/** @param mustExist whether a file that is not there is an error rather than made */
export async function openBareStorage(values: Values, mustExist: boolean): Promise<BareStorage> {
  const { prefix } = readConfig(await readOptions(values));
  refuseMemory(values);
  const path = kvPathOf(values);
  const storage = await openKv(path, mustExist);
  return {
    storage,
    prefix,
    where: `Deno KV ${path}`,
    [Symbol.asyncDispose]: () => storage.close(),
  };
}
