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
import type { Capabilities, Cell, Storage } from "../../src/storage/storage.ts";
import { CHECKPOINT_CASES } from "./checkpoint_cases.ts";
import { COMMIT_CASES } from "./commit_cases.ts";
import { FAULT_CASES } from "./fault_cases.ts";
import { META_CASES } from "./meta_cases.ts";
import { READ_CASES } from "./read_cases.ts";

/** Somewhere that can be opened several times, as one file by several processes. */
export interface Place extends AsyncDisposable {
  /** Opens what is there; nothing the first time. */
  open(): Promise<Storage>;
}

/** A store with something real underneath, whose connection can be disturbed. */
export interface FaultyStore extends AsyncDisposable {
  /** A storage on it. */
  readonly storage: Storage;
  /** Opens another storage on the same store, as a new process would. */
  again(): Promise<Storage>;
  /** The next `times` writes are applied, but their caller gets an error instead of the answer. */
  loseAnswers(times: number): void;
  /** The next `times` writes fail before anything of them is applied, for a reason that passes. */
  failWrites(times: number): void;
  /** After so many more writes nothing comes through in either direction. */
  dieAfter(writes: number): void;
  /** The connection is back. */
  heal(): void;
  /** Puts something at a cell's place that the store cannot add to. */
  poison(prefix: string, cell: Cell): Promise<void>;
  /** Takes it away again. */
  cure(prefix: string, cell: Cell): Promise<void>;
}

/** What some cases need beyond an empty store. */
export type Need = "place" | "faults";

/** Cases that are not run, and why. */
export interface Skip {
  /** All cases that need this … */
  readonly needs?: Need;
  /** … or the cases whose names contain this. */
  readonly tests?: string;
  /** Why; shown each time. */
  readonly reason: string;
  /** The declared capability that explains it: what it lacks cannot be tested. */
  readonly capability?: keyof Capabilities;
  /** The name of another run of the contract, of the same code, that has these cases. */
  readonly coveredBy?: string;
}

/** An adapter under test. */
export interface ContractOptions {
  /** The class's name; it begins the name of each test. */
  readonly name: string;
  /** What the adapter is expected to declare. */
  readonly capabilities: Capabilities;
  /** Opens a new, empty storage. The case closes it. */
  open(): Promise<Storage>;
  /** Gives a new, empty place; needed if the adapter survives its process. */
  place?(): Promise<Place>;
  /** Gives a new, empty store to disturb. */
  faults?(): Promise<FaultyStore>;
  /** What is not run. */
  readonly skip?: readonly Skip[];
}

/** What a case is given. */
export interface CaseContext {
  readonly options: ContractOptions;
  /** A new, empty storage, closed when the case is over. */
  open(): Promise<Storage>;
  /** A new, empty place. */
  place(): Promise<Place>;
  /** A new, empty store to disturb. */
  faults(): Promise<FaultyStore>;
}

/** One point of the contract. */
export interface Case {
  /** Begins with the method: `commit() counts a repeated chunk once`. */
  readonly name: string;
  readonly needs?: Need;
  run(context: CaseContext): Promise<void>;
}

/** All points of the contract. */
export const CASES: readonly Case[] = [
  ...COMMIT_CASES,
  ...CHECKPOINT_CASES,
  ...READ_CASES,
  ...META_CASES,
  ...FAULT_CASES,
];

/** Registers a `Deno.test` for each point of the contract, and says what it skips. */
export function storageContract(options: ContractOptions): void {
  const skipped: string[] = [];
  for (const it of CASES) {
    const skip = options.skip?.find((one) => matches(one, it));
    if (skip !== undefined) skipped.push(`${it.name} — ${skip.reason}`);
    Deno.test({
      name: `${options.name} Storage.${it.name}`,
      ignore: skip !== undefined && allowed(skip, options.capabilities),
      fn: () => skip === undefined ? run(options, it) : fail(`skipped on CI: ${skip.reason}`),
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
    `storage contract: ${options.name}: ${CASES.length - skipped.length} of ${CASES.length} cases`,
  );
  for (const line of skipped) console.warn(`  SKIPPED ${options.name} ${line}`);
}

function matches(skip: Skip, it: Case): boolean {
  return (skip.needs !== undefined && skip.needs === it.needs) ||
    (skip.tests !== undefined && it.name.includes(skip.tests));
}

/** On CI only what the adapter cannot have is skipped; whatever else is missing is a failure. */
function allowed(skip: Skip, { survivesProcess, atomicity }: Capabilities): boolean {
  const lacks = (skip.capability === "survivesProcess" && !survivesProcess) ||
    (skip.capability === "atomicity" && atomicity !== "chunk");
  return lacks || skip.coveredBy !== undefined || !Deno.env.get("CI");
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
