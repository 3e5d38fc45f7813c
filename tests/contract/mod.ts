/**
 * The storage contract: what every adapter must do, as `Deno.test` cases. An adapter written
 * elsewhere imports it as `@traqq/traqq/contract`.
 *
 * ```ts ignore
 * import { storageContract } from "@traqq/traqq/contract";
 *
 * storageContract({
 *   name: "MyStorage",
 *   capabilities: { atomicity: "chunk", survivesProcess: true },
 *   open: () => MyStorage.openEmpty(),
 *   place: async () => ({ open: () => MyStorage.open(path), [Symbol.asyncDispose]: removePath }),
 *   skip: [{ needs: "faults", reason: "not written yet" }], // shown each time, and fails on CI
 * });
 * ```
 *
 * @module
 */
import { assertEquals, fail } from "@std/assert";
import type { Capabilities, Storage } from "../../src/storage/storage.ts";
import { CHECKPOINT_CASES } from "./checkpoint_cases.ts";
import { COMMIT_CASES } from "./commit_cases.ts";
import { FAULT_CASES } from "./fault_cases.ts";
import { META_CASES } from "./meta_cases.ts";
import { READ_CASES } from "./read_cases.ts";
import type { Case, ContractOptions, Need, Skip } from "./types.ts";

export type * from "../../src/storage/storage.ts";
export { StorageError, type StorageErrorCode } from "../../src/base/errors.ts";
export type {
  Case,
  CaseContext,
  ContractOptions,
  FaultyStore,
  Need,
  Place,
  Skip,
} from "./types.ts";

/** All points of the contract. */
export const CASES: readonly Case[] = [
  ...COMMIT_CASES,
  ...CHECKPOINT_CASES,
  ...READ_CASES,
  ...META_CASES,
  ...FAULT_CASES,
];

/**
 * Registers a `Deno.test` for each point of the contract that the adapter's capabilities do not rule
 * out, and says what was left out and why.
 */
export function storageContract(options: ContractOptions): void {
  const notes: string[] = [];
  let left = 0;
  for (const it of CASES) {
    const name = `${options.name} Storage.${it.name}`;
    const skip = options.skip?.find((one) => matches(one, it));
    if (skip === undefined) {
      Deno.test(name, () => run(options, it));
      continue;
    }
    left++;
    if (rulesOut(skip, options.capabilities)) {
      notes.push(`does not apply: ${name} (${skip.reason})`);
      continue;
    }
    notes.push(`SKIPPED ${name} (${skip.reason})`);
    Deno.test({
      name,
      ignore: !Deno.env.get("CI"),
      fn: () => fail(`skipped on CI: ${skip.reason}`),
    });
  }
  Deno.test(`${options.name} Storage declares its capabilities`, async () => {
    const storage = await options.open();
    try {
      assertEquals(storage.capabilities, options.capabilities);
      for (const { tests } of options.skip ?? []) {
        const known = tests === undefined || CASES.some(({ name }) => name.includes(tests));
        if (!known) fail(`skips ${JSON.stringify(tests)}, which is no case of the contract`);
      }
    } finally {
      await storage.close();
    }
  });
  console.log(
    `storage contract: ${options.name}: ${CASES.length - left} of ${CASES.length} cases`,
  );
  for (const note of notes) console.warn(`  ${note}`);
}

function matches(skip: Skip, it: Case): boolean {
  return (skip.needs !== undefined && skip.needs === it.needs) ||
    (skip.tests !== undefined && it.name.includes(skip.tests));
}

/** Whether there is nothing to test: the adapter cannot have it, or another run covers it. */
function rulesOut(skip: Skip, { survivesProcess, atomicity }: Capabilities): boolean {
  return (skip.capability === "survivesProcess" && !survivesProcess) ||
    (skip.capability === "atomicity" && atomicity !== "chunk") || skip.coveredBy !== undefined;
}

async function run(options: ContractOptions, it: Case): Promise<void> {
  const opened: (Storage | AsyncDisposable)[] = [];
  const keep = <T extends Storage | AsyncDisposable>(one: T): T => {
    opened.push(one);
    return one;
  };
  const missing = (need: Need): never =>
    fail(`${options.name} gives no "${need}": declare { needs: "${need}", reason } in skip`);
  try {
    await it.run({
      options,
      open: async () => keep(await options.open()),
      place: async () => keep(await options.place?.() ?? missing("place")),
      faults: async () => keep(await options.faults?.() ?? missing("faults")),
    });
  } finally {
    for (const one of opened.reverse()) {
      if ("close" in one) await one.close();
      else await one[Symbol.asyncDispose]();
    }
  }
}
