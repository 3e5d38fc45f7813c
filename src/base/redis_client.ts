/**
 * Loading ioredis: late, so that only who uses Redis has it, and with a clear word where Deno does not
 * allow it.
 *
 * @module
 */
import { StorageError } from "./errors.ts";

/** The classes of ioredis that we use. */
export type RedisClasses = Pick<typeof import("ioredis"), "Cluster" | "Redis">;

/** Loads ioredis. @throws {StorageError} `refused` if Deno does not allow what it does meanwhile */
export async function loadRedis(): Promise<RedisClasses> {
  try {
    return await import("ioredis");
  } catch (cause) {
    if (!(cause instanceof Deno.errors.NotCapable)) throw cause;
    throw new StorageError(
      "refused",
      "Cannot load ioredis: one of its packages looks through the environment, and Deno does not " +
        "allow it; run again with --allow-env, or with --ignore-env to show it an empty one",
      { cause },
    );
  }
}
