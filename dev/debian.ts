/**
 * Sees to it that programs are there which tests start: `redis-server` and `redis-cli`, the browser
 * Chromium, TrailDB's `tdb`, `curl`, and clients of PostgreSQL. Debian's packages are installed where this
 * may do so; elsewhere it says how to get them.
 * `deno task test` runs it first.
 *
 * @module
 */

/** A program, or several that come together. */
interface Needed {
  /** What is asked for. */
  readonly name: string;
  /** Debian's package, or several with a space between them. */
  readonly debian: string;
  /** How others get it. */
  readonly elsewhere: string;
  readonly isThere: () => boolean;
}

const REDIS: Needed = {
  name: "redis-server",
  debian: "redis-server",
  elsewhere: "macOS: brew install redis",
  isThere: () => starts("redis-server") && starts("redis-cli"),
};

const CHROMIUM: Needed = {
  name: "Chromium",
  debian: "chromium",
  elsewhere: "or Google Chrome",
  isThere: () => chromiumPath() !== undefined,
};

const TRAILDB: Needed = {
  name: "tdb",
  debian: "traildb-cli",
  elsewhere: "or build TrailDB from its source",
  isThere: () => runs("tdb"),
};

const PSQL: Needed = {
  name: "psql",
  debian: "postgresql-client",
  elsewhere: "macOS: brew install libpq",
  isThere: () => starts("psql"),
};

/** Debian's own Python, which finds Debian's modules. */
export const PYTHON = "/usr/bin/python3";

const PYTHON_CLIENTS: Needed = {
  name: "psycopg or SQLAlchemy",
  debian: "python3-psycopg2 python3-psycopg python3-sqlalchemy",
  elsewhere: "or these modules of Python",
  isThere: () => succeeds(PYTHON, ["-c", "import psycopg2, psycopg, sqlalchemy"]),
};

/** PostgreSQL's driver for Java, and BeanShell, which runs Java without a compiler. */
export const JDBC_JARS: readonly string[] = [
  "/usr/share/java/postgresql.jar",
  "/usr/share/java/bsh.jar",
];

const JDBC: Needed = {
  name: "PostgreSQL's JDBC driver",
  debian: "default-jre-headless libpostgresql-jdbc-java bsh",
  elsewhere: "or Java, the driver and BeanShell",
  isThere: () => starts("java") && JDBC_JARS.every(exists),
};

/** Clients of PostgreSQL that tests use, by what they are called there. */
export const POSTGRES_CLIENTS = { psql: PSQL, python: PYTHON_CLIENTS, jdbc: JDBC } as const;

const CURL: Needed = {
  name: "curl",
  debian: "curl",
  elsewhere: "it is part of most systems",
  isThere: () => starts("curl"),
};

/** The font of the pictures in the README: without it they would look otherwise on each machine. */
const FONT: Needed = {
  name: "the font Inter",
  debian: "fonts-inter",
  elsewhere: "or from its own site",
  isThere: () =>
    exists("/usr/share/fonts/opentype/inter") || exists("/usr/share/fonts/truetype/inter"),
};

/** Where browsers are that the tests can drive. */
const CHROMIUM_PATHS: readonly string[] = [
  "/usr/bin/chromium",
  "/usr/bin/google-chrome",
  "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
];

/** How to get Redis where it is missing. */
export const HOW_TO_GET_REDIS = howToGet(REDIS);

/** How to get a browser where there is none. */
export const HOW_TO_GET_CHROMIUM = howToGet(CHROMIUM);

/** How to get `tdb` where it is missing. */
export const HOW_TO_GET_TDB = howToGet(TRAILDB);

/** Whether TrailDB's program `tdb` can be started. */
export function hasTdb(): boolean {
  return TRAILDB.isThere();
}

/** Whether `redis-server` and `redis-cli` can be started. */
export function hasRedis(): boolean {
  return REDIS.isThere();
}

/** The browser's program; undefined if there is none. */
export function chromiumPath(): string | undefined {
  return CHROMIUM_PATHS.find(exists);
}

if (import.meta.main) {
  const all = Deno.args.includes("--for-screenshots")
    ? [CHROMIUM, FONT]
    : [REDIS, CHROMIUM, TRAILDB, CURL, ...Object.values(POSTGRES_CLIENTS)];
  const missing = all.filter(({ isThere }) => !isThere());
  const mayInstall = Deno.build.os === "linux" && Deno.uid() === 0 && starts("apt-get");
  if (missing.length > 0 && mayInstall) install(missing.flatMap(({ debian }) => debian.split(" ")));
  for (const needed of missing) {
    if (needed.isThere()) continue;
    console.warn(`${needed.name} is missing, what needs it will not run: ${howToGet(needed)}`);
  }
}

/** Installs packages; a service of theirs need not run, as tests start their own. */
function install(packages: readonly string[]): void {
  console.log(`installing from Debian what tests need: ${packages.join(", ")}`);
  const env = { DEBIAN_FRONTEND: "noninteractive" };
  for (const args of [["update"], ["install", "-y", "--no-install-recommends", ...packages]]) {
    const { success } = new Deno.Command("apt-get", {
      args,
      env,
      stdin: "null",
      stdout: "inherit",
      stderr: "inherit",
    }).outputSync();
    if (!success) return;
  }
}

/** How to get what is missing. */
export function howToGet({ debian, elsewhere }: Pick<Needed, "debian" | "elsewhere">): string {
  return `install it (Debian: apt-get install ${debian}; ${elsewhere})`;
}

function exists(path: string): boolean {
  try {
    Deno.statSync(path);
    return true;
  } catch {
    return false;
  }
}

function succeeds(program: string, args: string[]): boolean {
  return runs(program, true, args);
}

function starts(program: string): boolean {
  return runs(program, true);
}

/** Whether it can be started; not every program knows `--version`. */
function runs(program: string, isToSucceed = false, args = ["--version"]): boolean {
  try {
    const { success } = new Deno.Command(program, {
      args,
      stdin: "null",
      stdout: "null",
      stderr: "null",
    }).outputSync();
    return success || !isToSucceed;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
