/**
 * What an adapter gives to the storage contract, and what a case of it is.
 *
 * @module
 */
import type { Capabilities, Cell, Storage } from "../../src/storage/storage.ts";

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
  /** The adapter under test. */
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
  /** What it needs beyond an empty store. */
  readonly needs?: Need;
  /** Runs it; throws if the adapter breaks the contract. */
  run(context: CaseContext): Promise<void>;
}
