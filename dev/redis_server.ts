/**
 * Sees to it that `redis-server` and `redis-cli` are there, for tests that start real servers. Debian's
 * package is installed where this may do so; elsewhere it says how to get it. `deno task test` runs it
 * first.
 *
 * @module
 */

const PROGRAMS: readonly string[] = ["redis-server", "redis-cli"];

/** How to get what is missing. */
export const HOW_TO_GET_REDIS =
  "install it (Debian, Ubuntu: apt-get install redis-server; macOS: brew install redis)";

/** Whether both programs can be started. */
export function hasRedis(): boolean {
  return PROGRAMS.every(starts);
}

if (import.meta.main && !hasRedis()) {
  if (Deno.build.os === "linux" && Deno.uid() === 0 && starts("apt-get")) install();
  if (!hasRedis()) {
    console.warn(`redis-server is missing, its tests will not run: ${HOW_TO_GET_REDIS}`);
  }
}

/** Installs the package, without its service: tests start their own servers. */
function install(): void {
  console.log("redis-server is missing: installing Debian's package");
  const env = { DEBIAN_FRONTEND: "noninteractive" };
  for (const args of [["update"], ["install", "-y", "--no-install-recommends", "redis-server"]]) {
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

function starts(program: string): boolean {
  try {
    return new Deno.Command(program, { args: ["--version"], stdout: "null", stderr: "null" })
      .outputSync().success;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
