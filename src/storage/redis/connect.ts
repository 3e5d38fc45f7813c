/**
 * From a target to a client that is connected. ioredis is loaded here, so only by who uses Redis.
 *
 * @module
 */
import type { RedisOptions } from "ioredis";
import { messageOf, StorageError } from "../../base/errors.ts";
import { loadRedis } from "../../base/redis_client.ts";
import { Connection, DEFAULT_RETRIES } from "./connection.ts";
import { asCause, failureOf, hintOf, underneath } from "./failures.ts";
import {
  type Address,
  addressesOf,
  type RedisClient,
  type RedisStorageOptions,
  type RedisTarget,
  sentinelOf,
} from "./options.ts";

const DEFAULT_TIMEOUT_MS = 5000;
/** The longest wait of the client before it connects again, milliseconds. */
const RECONNECT_CAP_MS = 500;

/** How often a cluster is asked for its masters, milliseconds. */
const SLOTS_REFRESH_MS = 2000;

/** A connection, and whether we made the client. */
export interface Opened {
  readonly connection: Connection;
  readonly owned: boolean;
  readonly cluster: boolean;
}

/** A master that became a replica: its name, or the Sentinels, may lead to another by now. */
const LEAVE_REPLICA: RedisOptions = {
  reconnectOnError: ({ message }) => message.startsWith("READONLY"),
};

/** A client that is not connected yet. */
interface Made {
  readonly client: RedisClient;
  readonly where: string;
  /** Whether it speaks TLS. */
  readonly secure: boolean;
}

/**
 * Connects, or fails with one sentence that says why.
 *
 * @throws {StorageError} `refused`, or `unavailable` when the time is over
 */
export async function connect(
  target: RedisTarget | undefined,
  options: RedisStorageOptions,
): Promise<Opened> {
  const retries = options.retries ?? DEFAULT_RETRIES;
  if (typeof target === "object" && "isCluster" in target) {
    assertUsable(target);
    const connection = new Connection(target, "the client given by the caller", retries, false);
    if (target.status === "wait") target.connect().catch(() => {});
    await ready(connection, options);
    return { connection, owned: false, cluster: target.isCluster };
  }
  const { client, where, secure } = options.sentinels === undefined
    ? await clientFor(target, options)
    : await sentinelClient(options);
  const connection = new Connection(client, where, retries, true);
  // Without a listener ioredis prints each of them.
  client.on("error", (error: unknown) => connection.note(error));
  client.on("ready", () => connection.note(null));
  client.connect().catch(() => {}); // the event says more
  try {
    await ready(connection, options, secure);
  } catch (error) {
    client.disconnect();
    throw error;
  }
  return { connection, owned: true, cluster: client.isCluster };
}

async function clientFor(
  target: Exclude<RedisTarget, RedisClient> | undefined,
  options: RedisStorageOptions,
): Promise<Made> {
  const addresses = addressesOf(target ?? "");
  const where = addresses.map(({ host, port }) => `${host}:${port}`).join(", ");
  const secure = addresses[0].tls || options.tls !== undefined;
  const { Cluster, Redis } = await loadRedis();
  if (addresses.length === 1 && options.cluster !== true) {
    const [{ host, port, db }] = addresses;
    return {
      client: new Redis({
        ...nodeOptions(addresses[0], options),
        ...LEAVE_REPLICA,
        host,
        port,
        db,
      }),
      where,
      secure,
    };
  }
  if (addresses.some(({ db }) => db !== 0)) {
    throw new StorageError(
      "refused",
      `Cannot open Redis at ${where}: a cluster has database 0 only`,
    );
  }
  const client = new Cluster(addresses.map(({ host, port }) => ({ host, port })), {
    lazyConnect: true,
    // What waits for the connection of a node, which is made when it is first needed.
    enableOfflineQueue: true,
    // Only we repeat after a connection broke: who repeats must know that it may have been applied.
    retryDelayOnFailover: 0,
    clusterRetryStrategy: (times) => Math.min(50 * times, RECONNECT_CAP_MS),
    slotsRefreshTimeout: 2000,
    // So that a master that was replaced is noticed also where nothing is sent to it (losses.ts).
    slotsRefreshInterval: SLOTS_REFRESH_MS,
    // A name would be looked up again for each node, and the certificate is for the name.
    dnsLookup: (address, callback) => callback(null, address),
    redisOptions: nodeOptions(addresses[0], options),
    ...options.natMap === undefined ? {} : { natMap: { ...options.natMap } },
  });
  return { client, where, secure };
}

async function sentinelClient(
  options: RedisStorageOptions,
): Promise<Made> {
  const { sentinels = [], name } = options;
  if (name === undefined || sentinels.length === 0) {
    throw new StorageError(
      "refused",
      "Cannot open Redis: wanted the addresses of Sentinels and the name of their master",
    );
  }
  const { Redis } = await loadRedis();
  const client = new Redis({
    ...nodeOptions(null, options),
    ...LEAVE_REPLICA,
    sentinels: sentinels.map(sentinelOf),
    name,
    ...options.sentinelPassword === undefined ? {} : { sentinelPassword: options.sentinelPassword },
    sentinelRetryStrategy: (times) => Math.min(50 * times, RECONNECT_CAP_MS),
  });
  return { client, where: `the Sentinels' master ${name}`, secure: options.tls !== undefined };
}

/** What holds for each connection: nothing waits without bound, and only we repeat. */
function nodeOptions(address: Address | null, options: RedisStorageOptions): RedisOptions {
  const username = address?.username ?? options.username;
  const password = address?.password ?? options.password;
  const tls = address?.tls || options.tls !== undefined;
  return {
    lazyConnect: true,
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    disableClientInfo: true, // it would read files
    maxRetriesPerRequest: 0,
    connectTimeout: options.openTimeoutMs ?? DEFAULT_TIMEOUT_MS,
    commandTimeout: options.commandTimeoutMs ?? DEFAULT_TIMEOUT_MS,
    retryStrategy: (times) => Math.min(50 * times, RECONNECT_CAP_MS),
    maxLoadingRetryTime: RECONNECT_CAP_MS,
    ...username === undefined ? {} : { username },
    ...password === undefined ? {} : { password },
    ...tls ? { tls: { ...options.tls } as RedisOptions["tls"] } : {},
  };
}

/** Waits until the client can be used, for as long as it is not plain that it never will. */
async function ready(
  connection: Connection,
  options: RedisStorageOptions,
  secure = false,
): Promise<void> {
  const { client } = connection;
  if (client.status === "ready") return;
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  let last: unknown = null;
  const noted = (error: unknown) => {
    // Says nothing where something was said before.
    if (messageOf(error) !== "Connection is closed.") last = error;
  };
  const failed = (error: unknown) => {
    noted(underneath(error));
    if (hintOf(last) !== null || failureOf(last) === "refused") reject(last);
  };
  const ended = () => reject(last);
  const timer = setTimeout(ended, options.openTimeoutMs ?? DEFAULT_TIMEOUT_MS);
  // A cluster says that all failed; its nodes have said why.
  const listeners = { ready: () => resolve(), error: failed, "node error": noted, end: ended };
  for (const [event, listener] of Object.entries(listeners)) client.on(event, listener);
  try {
    await promise;
  } catch (error) {
    const silent = secure
      ? "there is no answer; does the server speak TLS on this port?"
      : "there is no answer";
    const why = error === null ? silent : hintOf(error) ?? messageOf(error);
    throw new StorageError(
      error !== null && failureOf(error) === "refused" ? "refused" : "unavailable",
      `Cannot open Redis at ${connection.where}: ${why}`,
      { cause: asCause(error ?? undefined) },
    );
  } finally {
    clearTimeout(timer);
    for (const [event, listener] of Object.entries(listeners)) client.off(event, listener);
  }
}

/** What a client from elsewhere must not do to our keys. */
function assertUsable(client: RedisClient): void {
  const { keyPrefix, scaleReads = "master" } = client.options;
  if (scaleReads !== "master") {
    throw new StorageError(
      "refused",
      "Cannot use the Redis client given: its scaleReads lets replicas answer, which may lack what " +
        "was confirmed; leave it out",
    );
  }
  if (keyPrefix === undefined || keyPrefix === "") return;
  throw new StorageError(
    "refused",
    `Cannot use the Redis client given: its keyPrefix ${
      JSON.stringify(keyPrefix)
    } would hide keys ` +
      "that are listed by their whole name; leave it out and use the option prefix",
  );
}
