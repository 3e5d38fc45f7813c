/**
 * What the HTTP side of series answers, for whoever has the server: paths, and a function for each. Types
 * only.
 *
 * @module
 */

/** A request on its way to a route. */
export interface SeriesRequest {
  /** The request itself; its body is read by `body`. */
  readonly request: Request;
  /** Its address, with the parameters. */
  readonly url: URL;
  /** Reads the body, unzipped and within bounds; to be let go of afterwards. */
  readonly body: () => Promise<{ readonly bytes: Uint8Array } & Disposable>;
}

/** Why something is not done. */
export interface Refusal {
  /** The status of the reply. */
  readonly status: number;
  /** What is wrong, and what to do. */
  readonly message: string;
  /** Headers that belong to it. */
  readonly headers: Readonly<Record<string, string>>;
}

/** What is done with requests of one method and path. */
export interface SeriesRoute {
  /** Such as `/write`. */
  readonly path: string;
  /** HEAD is answered as GET. */
  readonly method: "GET" | "POST";
  /** `any`: whoever may do anything at all. */
  readonly right: "record" | "read" | "any" | "none";
  /** Whether it is for this route; where it is for none, the server's own is asked. Default always. */
  readonly accepts?: (request: Request, url: URL) => boolean;
  /** A token at a place that only this route knows; undefined: where the server looks itself. */
  readonly token?: (request: Request, url: URL) => string | undefined;
  /** Answers a request that is let in. */
  readonly run: (asked: SeriesRequest) => Promise<Response>;
  /** The reply that says why not, in the shape that its clients know; default the server's. */
  readonly refuse?: (refusal: Refusal) => Response;
  /** The operation in the OpenAPI document. */
  readonly openApi?: object;
}

/** What `/stats` says of series; others may stand beside. */
export interface SeriesCounters {
  /** Bytes of lines that wait for the database. */
  readonly waitingBytes: number;
  /** Points in them. */
  readonly waitingPoints: number;
}

/** What has such routes. */
export interface SeriesRoutes {
  /** The first that accepts a request answers it. */
  routes(): readonly SeriesRoute[];
  /** Whether the database is there, for `/ready`. Default it is. */
  readonly isReady?: boolean;
  /** Counters, for `/stats`. */
  stats?(): SeriesCounters;
}
