/**
 * How many events came, and some of them, drawn evenly: each that came has the same chance.
 *
 * @module
 */

/** What came in a while. */
export interface Seen {
  /** How many, exactly. */
  readonly count: number;
  /** Some of them, in their order. */
  readonly events: readonly SeenEvent[];
}

/** An event that was drawn. */
export interface SeenEvent {
  /** When it came, by `Date.now()`. */
  readonly atMs: number;
  /** A bounded copy. */
  readonly event: object;
}

/** Properties of an event that are shown, and characters of a string. */
const MAX_PROPERTIES = 32;
const MAX_CHARACTERS = 256;

/** Draws from events as they come, by reservoir sampling. */
export class LiveSample {
  readonly #most: number;
  #count = 0;
  #drawn: (SeenEvent & { place: number })[] = [];

  /** @param most events that are drawn at most */
  constructor(most: number) {
    this.#most = most;
  }

  /** Counts an event, and keeps a copy if it is drawn. */
  see(event: unknown): void {
    const place = this.#count++;
    if (place < this.#most) {
      this.#drawn.push({ place, atMs: Date.now(), event: shownOf(event) });
      return;
    }
    const at = Math.floor(Math.random() * (place + 1));
    if (at < this.#most) this.#drawn[at] = { place, atMs: Date.now(), event: shownOf(event) };
  }

  /** What came since the last call; undefined if nothing did. */
  take(): Seen | undefined {
    if (this.#count === 0) return undefined;
    const events = this.#drawn.sort((a, b) => a.place - b.place)
      .map(({ atMs, event }) => ({ atMs, event }));
    const seen = { count: this.#count, events };
    this.clear();
    return seen;
  }

  /** Forgets what came. */
  clear(): void {
    this.#count = 0;
    this.#drawn = [];
  }
}

/** What several have seen as one: again each event has the same chance. @param most events of it */
export function together(all: readonly Seen[], most: number): Seen {
  if (all.length === 1) return all[0];
  const groups = all.map(({ count, events }) => ({ left: count, events: [...events] }));
  const count = all.reduce((sum, seen) => sum + seen.count, 0);
  const drawn: SeenEvent[] = [];
  for (let left = count; left > 0 && drawn.length < most; left--) {
    // The group by its size, then any of its sample, which is even by itself.
    let at = Math.floor(Math.random() * left);
    const group = groups.find((group) => (at -= group.left) < 0)!;
    group.left--;
    const index = Math.floor(Math.random() * group.events.length);
    // A sample is shorter only where its maker draws fewer.
    drawn.push(...group.events.splice(index, 1));
  }
  return { count, events: drawn.sort((a, b) => a.atMs - b.atMs) };
}

/** A copy of what can be counted of an event, bounded. */
function shownOf(event: unknown): object {
  const shown: Record<string, unknown> = Object.create(null);
  try {
    for (const name of Object.keys(event as object).slice(0, MAX_PROPERTIES)) {
      const value = (event as Record<string, unknown>)[name];
      if (typeof value === "string") shown[name] = value.slice(0, MAX_CHARACTERS).toWellFormed();
      else if (typeof value === "number" || typeof value === "boolean") shown[name] = value;
    }
  } catch {
    // A property that cannot be read was not counted either.
  }
  return shown;
}
