/**
 * What a server asks of others that share its port: to clients they are one. Whoever starts them makes
 * the connection between them.
 *
 * @module
 */
import type { Seen } from "./http/live_sample.ts";
import type { SessionChange } from "./http/sessions.ts";
import type { Totals } from "./totals.ts";

/** The others, as one of them sees them. */
export interface Siblings {
  /** The counters of all together, one's own too. */
  totals(): Promise<Totals>;
  /** Has the others know of a session; resolves when they do. */
  share(change: SessionChange): Promise<void>;
  /** Says whether the others shall {@linkcode Siblings.show} what they record; resolves when they do. */
  watch(isWatching: boolean): Promise<void>;
  /** Shows what came to those who watch. */
  show(seen: Seen): void;
}
