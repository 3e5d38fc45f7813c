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
import { openStorage, whereOf } from "./storage.ts";
import type { Terminal } from "./terminal.ts";

/** An open storage and the prefix that the flags name. */
export interface BareStorage extends AsyncDisposable {
  readonly storage: Storage;
  readonly prefix: string;
  /** What to call it in a message. */
  readonly where: string;
}

/** @param mustExist whether a file that is not there is an error rather than made */
export async function openBareStorage(
  values: Values,
  terminal: Terminal,
  mustExist: boolean,
): Promise<BareStorage> {
  const { prefix } = readConfig(await readOptions(values));
  refuseMemory(values);
  const storage = await openStorage(values, terminal, mustExist);
  return {
    storage,
    prefix,
    where: whereOf(values),
    [Symbol.asyncDispose]: () => storage.close(),
  };
}
