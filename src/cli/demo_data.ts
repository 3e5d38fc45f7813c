/**
 * The flights of the demo, and what they say when they are counted without traqq.
 *
 * @module
 */
import { CliError } from "./errors.ts";
import type { Input } from "./input.ts";
import { need } from "./permissions.ts";
import { reasonOf } from "./files.ts";

const DATA = new URL("../../examples/data/flights.ndjson.gz", import.meta.url);

/** The flights: a file beside this module, or, from JSR, one to be fetched. */
export async function flights(): Promise<Input> {
  const name = "flights.ndjson.gz";
  if (DATA.protocol === "file:") {
    try {
      const { size } = await Deno.stat(DATA);
      return { name, bytes: size, open: async () => (await Deno.open(DATA)).readable };
    } catch (error) {
      throw new CliError(`Cannot read ${DATA.pathname}: ${reasonOf(error)}`, { cause: error });
    }
  }
  need(`fetch the flights from ${DATA.host}`, { name: "net", host: DATA.host });
  const response = await fetch(DATA).catch((cause) => {
    throw new CliError(`Cannot fetch ${DATA}: look at the network; ${reasonOf(cause)}`, { cause });
  });
  if (!response.ok || response.body === null) {
    throw new CliError(
      `Cannot fetch ${DATA}: ${response.status} ${response.statusText}; get the repository and ` +
        "run deno task demo in it",
    );
  }
  const { body } = response;
  const bytes = Number(response.headers.get("content-length")) || undefined;
  return { name, bytes, open: () => Promise.resolve(body) };
}

/** An event of the file. */
export interface Flight {
  at: string;
  origin: string;
  destination: string;
  delay: number;
}

/** What the file says, counted without any of traqq. */
export class Truth {
  events = 0;
  delaySum = 0;
  readonly byDay = new Map<string, number>();
  readonly routes = new Set<string>();
  readonly origins = new Map<string, { flights: number; delaySum: number }>();

  add({ at, origin, destination, delay }: Flight): void {
    this.events++;
    this.delaySum += delay;
    const date = at.slice(0, 10);
    this.byDay.set(date, (this.byDay.get(date) ?? 0) + 1);
    this.routes.add(`${origin} ${destination}`);
    const own = this.origins.get(origin);
    if (own === undefined) this.origins.set(origin, { flights: 1, delaySum: delay });
    else {
      own.flights++;
      own.delaySum += delay;
    }
  }
}
