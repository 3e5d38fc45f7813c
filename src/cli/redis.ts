/**
 * Opening the Redis that the flags name.
 *
 * @module
 */
import { formatAddress } from "../protocol/address.ts";
import { RedisStorage } from "../storage/redis.ts";
import { addressesOf } from "../storage/redis/options.ts";
import type { Storage } from "../storage/storage.ts";
import { harmless } from "./draw/text.ts";
import { UsageError } from "./errors.ts";
import { readFile } from "./files.ts";
import { type Flag, type Values, wholeNumber } from "./flags.ts";
import { isGranted, need } from "./permissions.ts";

/** The environment variable that may hold the URL: no other user of the machine sees it there. */
export const REDIS_URL_VARIABLE = "TRAQQ_REDIS_URL";
const DEFAULT_REDIS_URL = "redis://127.0.0.1:6379";

/** Where Redis is. */
export const REDIS_FLAGS: readonly Flag[] = [
  {
    name: "redis-url",
    value: "URL",
    help: `Redis: redis://HOST:PORT/DB, rediss:// for TLS, several with commas for a cluster; ` +
      `default the environment variable ${REDIS_URL_VARIABLE}, where a password belongs, else ` +
      DEFAULT_REDIS_URL,
  },
  { name: "redis-cluster", help: "The one URL is a node of a cluster" },
  {
    name: "redis-sentinel",
    value: "HOST:PORT",
    many: true,
    help: "A Sentinel that knows the master. Repeatable",
  },
  { name: "redis-master", value: "NAME", help: "What the Sentinels call it" },
  {
    name: "redis-replicas",
    value: "N",
    help: "Confirm a commit only when N replicas of each master have it; default 0",
  },
  { name: "redis-ca", value: "FILE", help: "PEM certificate that the server's is signed by" },
];

/** Refuses flags of Redis beside another storage. @throws {UsageError} */
export function refuseRedisFlags(values: Values): void {
  const flag = values.firstOf(REDIS_FLAGS.map(({ name }) => name));
  if (flag !== undefined) throw new UsageError(`--${flag} is for --storage redis; add that`);
}

/** What opening it needs. */
export function redisPermissions(values: Values): Deno.PermissionDescriptor[] {
  const hosts = values.all("redis-sentinel");
  // A cluster says itself where its other nodes are; so does a Sentinel.
  const wanted = hosts.length > 0 ? hosts : hostsOf(values);
  return wanted.map((host) => ({ name: "net", host }));
}

/** What to call it in a message: never its password. */
export function redisWhere(values: Values): string {
  const sentinels = values.all("redis-sentinel");
  if (sentinels.length > 0) {
    return `the Redis master ${values.get("redis-master")} of ${sentinels.join(", ")}`;
  }
  return `Redis ${hostsOf(values).join(", ")}`;
}

/** Opens it. @throws {StorageError} with one sentence that says why not */
export async function openRedis(
  values: Values,
  warn: (message: string) => void,
): Promise<Storage> {
  const sentinels = values.all("redis-sentinel");
  const name = values.get("redis-master");
  if ((sentinels.length > 0) !== (name !== undefined)) {
    throw new UsageError("--redis-sentinel and --redis-master go together; give both");
  }
  if (sentinels.length > 0 && (values.has("redis-url") || values.has("redis-cluster"))) {
    throw new UsageError("--redis-sentinel stands for --redis-url; leave one of the two out");
  }
  need(`connect to ${redisWhere(values)}`, ...redisPermissions(values));
  const path = values.get("redis-ca");
  const ca = path === undefined ? undefined : await readFile("the certificate", path);
  return await RedisStorage.open(sentinels.length > 0 ? undefined : urlOf(values), {
    cluster: values.has("redis-cluster"),
    ...sentinels.length > 0 ? { sentinels, name } : {},
    waitForReplicas: wholeNumber(values, "redis-replicas", 0),
    ...ca === undefined ? {} : { tls: { ca } },
    onWarning: (message) => warn(harmless(message)),
  });
}

function hostsOf(values: Values): string[] {
  return addressesOf(urlOf(values)).map(({ host, port }) =>
    formatAddress({ hostname: host, port })
  );
}

function urlOf(values: Values): string {
  const given = values.get("redis-url");
  if (given !== undefined) return given;
  if (!isGranted({ name: "env", variable: REDIS_URL_VARIABLE })) return DEFAULT_REDIS_URL;
  return Deno.env.get(REDIS_URL_VARIABLE)?.trim() || DEFAULT_REDIS_URL;
}
