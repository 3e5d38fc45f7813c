/**
 * Where `traqq sql` asks: a server over HTTP, or series that are opened here.
 *
 * @module
 */
import { messageOf } from "../base/errors.ts";
import type { Series } from "../series/series.ts";
import type { SqlColumn } from "../series/sql/values.ts";
import type { Format } from "../series/sql/results/write.ts";
import { CliError, UsageError } from "./errors.ts";
import type { Values } from "./flags.ts";
import { need, workerPermissions } from "./permissions.ts";
import { readTokens } from "./tokens.ts";

/** Rows for people. */
export interface ShownRows {
  readonly columns: readonly SqlColumn[];
  /** As text; a null is "". */
  readonly rows: readonly (readonly string[])[];
  /** Whether there are more. */
  readonly isCut: boolean;
}

/** Who answers. */
export interface SqlSource extends AsyncDisposable {
  /** At most so many rows. */
  show(sql: string, limit: number, signal: AbortSignal): Promise<ShownRows>;
  /** All of them, in a form. */
  write(sql: string, format: Format, signal: AbortSignal): Promise<AsyncIterable<Uint8Array>>;
}

/** What the flags name. @throws {UsageError | CliError} */
export async function openSource(values: Values): Promise<SqlSource> {
  const directory = values.get("series");
  const server = values.get("server");
  if ((directory === undefined) === (server === undefined)) {
    throw new UsageError("sql needs one of --series DIR and --server URL: where the points are");
  }
  return directory !== undefined ? await openHere(directory) : await openServer(server!, values);
}

async function openHere(directory: string): Promise<SqlSource> {
  need(
    `open ${directory}`,
    // What DuckDB itself reads and writes, Deno does not see.
    { name: "ffi" },
    ...workerPermissions(),
    { name: "read", path: directory },
    { name: "write", path: directory },
  );
  await checkFolder(directory);
  const { Series } = await import("../series/mod.ts");
  return new LocalSource(await Series.open({ directory }));
}

/** A typing mistake must not make a folder. */
async function checkFolder(directory: string): Promise<void> {
  const found = await Deno.stat(directory).catch(() => undefined);
  if (found?.isDirectory) return;
  throw new CliError(`Cannot open ${directory}: there is no such folder`);
}

class LocalSource implements SqlSource {
  readonly #series: Series;

  constructor(series: Series) {
    this.#series = series;
  }

  async show(sql: string, limit: number, signal: AbortSignal): Promise<ShownRows> {
    const { textWriter } = await import("../series/sql/results/json_value.ts");
    const { valueAt } = await import("../series/sql/values.ts");
    const { columns, rows } = await this.#series.session.run(sql, { signal });
    const writers = columns.map(({ type }) => textWriter(type));
    const shown: string[][] = [];
    for await (const batch of rows) {
      for (let row = 0; row < batch.length; row++) {
        if (shown.length === limit) return { columns, rows: shown, isCut: true };
        shown.push(batch.columns.map((column, i) => writers[i](valueAt(column, row))));
      }
    }
    return { columns, rows: shown, isCut: false };
  }

  async write(
    sql: string,
    format: Format,
    signal: AbortSignal,
  ): Promise<AsyncIterable<Uint8Array>> {
    const { nameOf, writeAnswer } = await import("../series/sql/results/write.ts");
    const startedMs = performance.now();
    const result = await this.#series.session.run(sql, { signal, maxRows: Infinity });
    return await writeAnswer(format, result, nameOf(sql, result), startedMs);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#series.close();
  }
}

async function openServer(text: string, values: Values): Promise<SqlSource> {
  const url = URL.parse(text);
  if (url === null || !/^https?:$/.test(url.protocol)) {
    throw new UsageError(
      `--server wants an address such as http://127.0.0.1:8080, received ${text}`,
    );
  }
  need(`connect to ${url.host}`, { name: "net", host: url.host });
  const token = (await readTokens(values))[0]?.token;
  return new RemoteSource(new URL(`${url.href.replace(/\/$/, "")}/sql`), token);
}

class RemoteSource implements SqlSource {
  readonly #url: URL;
  readonly #token: string | undefined;

  constructor(url: URL, token: string | undefined) {
    this.#url = url;
    this.#token = token;
  }

  async show(sql: string, limit: number, signal: AbortSignal): Promise<ShownRows> {
    const { keysOf } = await import("../series/sql/results/columns.ts");
    const response = await this.#ask(sql, "json", signal);
    const { columns, results } = await response.json() as {
      columns: SqlColumn[];
      results: { fields: Record<string, unknown> }[];
    };
    const keys = keysOf(columns);
    const rows = results.slice(0, limit).map(({ fields }) => keys.map((key) => shown(fields[key])));
    return { columns, rows, isCut: results.length > limit };
  }

  async write(
    sql: string,
    format: Format,
    signal: AbortSignal,
  ): Promise<AsyncIterable<Uint8Array>> {
    const { body } = await this.#ask(sql, format, signal);
    return broken(body!);
  }

  async [Symbol.asyncDispose](): Promise<void> {}

  async #ask(sql: string, format: Format, signal: AbortSignal): Promise<Response> {
    const headers: Record<string, string> = { "Content-Type": "application/json" };
    if (this.#token !== undefined) headers.Authorization = `Bearer ${this.#token}`;
    const url = new URL(this.#url);
    url.searchParams.set("format", format);
    let response: Response;
    try {
      const body = JSON.stringify({ sql });
      response = await fetch(url, { method: "POST", headers, body, signal });
    } catch (error) {
      if (signal.aborted) throw error;
      throw new CliError(`Cannot reach ${url.origin}: ${messageOf(error)}`, { cause: error });
    }
    if (response.ok) return response;
    if (response.status === 401) throw new CliError("Cannot do this without the token");
    const text = await response.text();
    throw new CliError(errorIn(text) ?? `Cannot ask ${url.origin}: it answers ${response.status}`);
  }
}

/** An answer that ends early says so by its connection. */
async function* broken(body: ReadableStream<Uint8Array>): AsyncGenerator<Uint8Array> {
  try {
    yield* body;
  } catch (error) {
    throw new CliError(
      `Cannot read all of the answer: the server broke it off; its log says why (${
        messageOf(error)
      })`,
      { cause: error },
    );
  }
}

function errorIn(text: string): string | undefined {
  try {
    const { error } = JSON.parse(text);
    return typeof error === "string" ? error : undefined;
  } catch {
    return undefined;
  }
}

function shown(value: unknown): string {
  if (value === null || value === undefined) return "";
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}
