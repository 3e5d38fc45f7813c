/** The statements of `hostile.txt` and `honest.txt`. */

/** A statement that must not run, and the SQLSTATE that says why. */
export interface Hostile {
  readonly code: string;
  readonly sql: string;
}

/** A statement that must be answered. */
export interface Honest {
  readonly sql: string;
  /** Its rows, as `showRow` has them, sorted; undefined: any. */
  readonly rows: readonly string[] | undefined;
}

/** What must be refused. */
export async function readHostile(): Promise<Hostile[]> {
  return (await readLines("hostile.txt")).map((line) => {
    const sql = line.slice(6).replace(
      /\\u([0-9a-f]{4})/g,
      (_, hex) => String.fromCharCode(parseInt(hex, 16)),
    );
    return { code: line.slice(0, 5), sql };
  });
}

/** What must be answered. */
export async function readHonest(): Promise<Honest[]> {
  const lines = await readLines("honest.txt");
  const all: Honest[] = [];
  for (let i = 0; i < lines.length; i += 2) {
    const answer = lines[i + 1].slice(3);
    const rows = (answer === "*" ? undefined : JSON.parse(answer)) as unknown[][] | undefined;
    all.push({ sql: lines[i], rows: rows?.map((row) => JSON.stringify(row)).sort() });
  }
  return all;
}

async function readLines(name: string): Promise<string[]> {
  const text = await Deno.readTextFile(new URL(name, import.meta.url));
  return text.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
}
