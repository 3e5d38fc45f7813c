/**
 * What the process and its workers say to each other. Each end calls the other and gets an answer, over
 * a {@linkcode Line}.
 *
 * @module
 */
import type { Seen } from "../../server/http/live_sample.ts";
import type { SessionChange } from "../../server/http/sessions.ts";
import type { Totals } from "../../server/totals.ts";
import type { Listening, Ports, ServerFacts } from "../serve_one.ts";

/** What the process has a worker do. */
export interface WorkerCalls {
  /** Open storage and journal, and bring to storage what the journal holds. */
  open(order: OpenOrder): ServerFacts;
  /** Listen; gives where. */
  listen(ports: Ports): Listening;
  /** Answer what came, and bring it to storage. */
  stop(timeoutMs: number): void;
  /** Count up. */
  totals(): Totals;
  /** Take over a session that another worker has opened or ended. */
  applySession(change: SessionChange): void;
  /** Another worker watches what is recorded, or no more. */
  setWatched(isWatched: boolean): void;
  /** Show what another worker has recorded. */
  hear(seen: Seen): void;
}

/** What a worker has the process do. */
export interface ProcessCalls {
  /** Add up the counters of all. */
  totals(): Totals;
  /** Have all others take over a session. */
  share(change: SessionChange): void;
  /** Have the others show what they record, or no more. */
  watch(isWatching: boolean): void;
  /** Give to all who watch. */
  show(seen: Seen): void;
}

/** What a worker is. */
export interface OpenOrder {
  /** From 1. */
  readonly worker: number;
  /** The flags of `traqq serve`. */
  readonly flags: ReadonlyMap<string, readonly string[]>;
  /** Where its journal is, if there is one. */
  readonly directory: string | undefined;
}

/** What goes over a line. */
export type Message =
  | { readonly kind: "call"; readonly id: number; readonly name: string; readonly given: unknown }
  | { readonly kind: "answer"; readonly id: number; readonly answer: unknown }
  | { readonly kind: "failure"; readonly id: number; readonly failure: Failure };

/** An error: its class does not go from one worker to another. */
export interface Failure {
  /** The exit code that it means. */
  readonly code: number;
  readonly text: string;
  readonly isUsage: boolean;
}
