/**
 * Sees to it that programs are there that tests start or make files with. Debian's packages are
 * installed where this may do so; elsewhere it says how to get them. `deno task test` runs it first.
 *
 * @module
 */

/** What tests need of Debian. */
export interface DebianPackage {
  /** The package. */
  readonly name: string;
  /** The programs in it that tests start. */
  readonly programs: readonly string[];
  /** How to get it where there is no Debian. */
  readonly elsewhere: string;
}

/** All of them. */
export const PACKAGES: readonly DebianPackage[] = [
  {
    name: "traildb-cli",
    programs: ["tdb"],
    elsewhere: "build TrailDB from its source",
  },
];

/** Whether all programs of a package can be started. */
export function isThere({ programs }: DebianPackage): boolean {
  return programs.every(starts);
}

/** How to get a package, for messages. */
export function howToGet({ name, elsewhere }: DebianPackage): string {
  return `install it (Debian, Ubuntu: apt-get install ${name}; elsewhere: ${elsewhere})`;
}

if (import.meta.main) {
  const missing = PACKAGES.filter((one) => !isThere(one));
  if (missing.length > 0) {
    if (Deno.build.os === "linux" && Deno.uid() === 0 && starts("apt-get")) install(missing);
    for (const one of missing.filter((one) => !isThere(one))) {
      console.warn(`${one.name} is missing, its tests will not run: ${howToGet(one)}`);
    }
  }
}

/** Installs packages, without what they only recommend. */
function install(packages: readonly DebianPackage[]): void {
  const names = packages.map(({ name }) => name);
  console.log(`Installing Debian's ${names.join(", ")}, which tests need`);
  const env = { DEBIAN_FRONTEND: "noninteractive" };
  for (const args of [["update"], ["install", "-y", "--no-install-recommends", ...names]]) {
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

/** Whether it can be started; how it ends does not matter, as not every program knows `--version`. */
function starts(program: string): boolean {
  try {
    new Deno.Command(program, {
      args: ["--version"],
      stdin: "null",
      stdout: "null",
      stderr: "null",
    }).outputSync();
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
