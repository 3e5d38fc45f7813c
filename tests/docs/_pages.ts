/**
 * Reads the documentation: its tables and blocks are found by a comment that stands before them, such
 * as `<!-- options -->`.
 *
 * @module
 */

const ROOT = new URL("../../", import.meta.url);

/** Pages that are held to the code. */
export const PAGES = [
  "README.md",
  "CONTRIBUTING.md",
  "CHANGELOG.md",
  "docs/http.md",
  "docs/what-is-counted.md",
  "docs/storage.md",
  "docs/redis-import.md",
  "docs/redis.md",
  "docs/procession.md",
  "docs/trails.md",
  "docs/series-import.md",
  "docs/series.md",
  "docs/series-storage.md",
  "docs/series-postgres.md",
] as const;

/** Where a file of the repository is. */
export function fileOf(path: string): URL {
  return new URL(path, ROOT);
}

/** The text of a file of the repository. */
export function read(path: string): string {
  return Deno.readTextFileSync(fileOf(path)).replaceAll("\r\n", "\n");
}

/** The text behind `<!-- mark -->`. */
export function after(page: string, mark: string): string {
  const text = read(page);
  const comment = `<!-- ${mark} -->\n`;
  const at = text.indexOf(comment);
  if (at < 0) throw new Error(`${page} has no ${comment}`);
  return text.slice(at + comment.length);
}

/** The first code block behind `<!-- mark -->`, without its fences. */
export function block(page: string, mark: string): string {
  const match = /^```[\w ]*\n(.*?)^```$/ms.exec(after(page, mark));
  if (match === null) throw new Error(`${page} has no block behind <!-- ${mark} -->`);
  return match[1];
}

/** The rows of the first table behind `<!-- mark -->`, without its head; cells as they are written. */
export function table(page: string, mark: string): string[][] {
  const lines = after(page, mark).trimStart().split("\n");
  const end = lines.findIndex((line) => !line.startsWith("|"));
  return lines.slice(2, end).map((line) =>
    line.slice(1, -1).split(/(?<!\\)\|/).map((cell) => cell.trim().replaceAll("\\|", "|"))
  );
}

/** What stands between back-ticks; the text itself where there are none. */
export function code(cell: string): string {
  return /^`(.*)`$/.exec(cell)?.[1] ?? cell;
}

/** A number as the tables write it: `1,000`. */
export function numberOf(cell: string): number {
  return Number(cell.replaceAll(",", ""));
}
