/**
 * Programs that speak PostgreSQL, started as their users start them.
 *
 * @module
 */
import { assertEquals, fail } from "@std/assert";
import { howToGet, POSTGRES_CLIENTS } from "../../../dev/debian.ts";

/** What a program printed. */
export interface Printed {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** Far more than any of them takes, on a slow machine. */
const PATIENCE_MS = 120_000;

/**
 * Registers tests that need a client. Where it is missing it says so, and how to get it, instead; on CI
 * that is a failure, unless the machine is none of Debian's kind.
 */
export function withClient(name: keyof typeof POSTGRES_CLIENTS, register: () => void): void {
  const needed = POSTGRES_CLIENTS[name];
  if (needed.isThere()) return register();
  const reason = `${needed.name} is missing: ${howToGet(needed)}`;
  console.warn(`SKIPPED the tests with ${needed.name}: ${reason}`);
  Deno.test({
    name: `the PostgreSQL wire is tested with ${needed.name}`,
    ignore: !Deno.env.get("CI") || Deno.build.os !== "linux",
    fn: () => fail(reason),
  });
}

/** Runs a program to its end. */
export async function run(
  program: string,
  args: readonly string[],
  { env = {}, input }: { env?: Record<string, string>; input?: string } = {},
): Promise<Printed> {
  const child = new Deno.Command(program, {
    args: [...args],
    // What the user has set for his own PostgreSQL is none of ours.
    env: { LC_ALL: "C.UTF-8", PGCONNECT_TIMEOUT: "60", PSQLRC: "/dev/null", ...env },
    stdin: input === undefined ? "null" : "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const timer = setTimeout(() => child.kill("SIGKILL"), PATIENCE_MS);
  if (input !== undefined) {
    const writer = child.stdin.getWriter();
    await writer.write(new TextEncoder().encode(input));
    await writer.close();
  }
  const { code, stdout, stderr } = await child.output();
  clearTimeout(timer);
  const decoder = new TextDecoder();
  return { code, out: decoder.decode(stdout), err: decoder.decode(stderr) };
}

/** Runs a program that must succeed, and gives what it printed. */
export async function runWell(...args: Parameters<typeof run>): Promise<string> {
  const { code, out, err } = await run(...args);
  assertEquals(code, 0, `${err}\n${out}`);
  return out;
}
