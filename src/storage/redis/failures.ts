/**
 * What an error of Redis, or of the way to it, means for the caller.
 *
 * @module
 */
import { messageOf } from "../../base/errors.ts";

/** What an error means. */
export type Failure =
  /** Nothing was applied, and it may pass: the server loads, is a replica, is out of memory. */
  | "busy"
  /** It was never sent: there is no connection. */
  | "unsent"
  /** The connection broke, or the answer took too long: a write may or may not have been applied. */
  | "lost"
  /** Repeating it cannot help. */
  | "refused";

/** Nothing could be sent. */
export class NotConnectedError extends Error {
  override name = "NotConnectedError";
}

/** The first word of an error reply, where it says that nothing was applied and that this may pass. */
const BUSY = new Set([
  "LOADING",
  "READONLY",
  "OOM",
  "CLUSTERDOWN",
  "TRYAGAIN",
  "MASTERDOWN",
  "MISCONF",
  "NOREPLICAS",
  "BUSY",
]);

/** Words of ioredis and of the sockets below it, for a connection that is not there. */
const CONNECTION =
  /connection is closed|connection is in|econn|epipe|etimedout|enotfound|eai_again|ehostunreach|enetunreach|timed? ?out|stream isn't writeable|max retries per request|socket|broken pipe|reset by peer|cluster isn't ready|cluster is ended|slots cache|startup nodes|too many cluster redirections|sentinels? (is|are) unreachable|all sentinels|unexpected eof/i;

/** Words that say it was not sent. */
const UNSENT =
  /enableofflinequeue|econnrefused|enotfound|slots cache|startup nodes|all sentinels|sentinels? (is|are) unreachable/i;

/** Sorts an error by its text: ioredis gives a ReplyError or a plain Error for all of them. */
export function failureOf(error: unknown): Failure {
  if (error instanceof NotConnectedError) return "unsent";
  if (hintOf(error) !== null) return "refused";
  const text = messageOf(error);
  if (BUSY.has(wordOf(text))) return "busy";
  // ioredis followed the reply of a cluster for as long as it does: the last word counts.
  const followed = /too many cluster redirections\. last error: (?:\w*error: )?(\w+)/i.exec(text);
  if (followed !== null && BUSY.has(followed[1])) return "busy";
  if (UNSENT.test(text)) return "unsent";
  return CONNECTION.test(text) ? "lost" : "refused";
}

/** What to do about an error that only a person can mend; null for others. */
export function hintOf(error: unknown): string | null {
  const text = messageOf(underneath(error));
  const word = wordOf(text);
  if (word === "WRONGPASS" || /invalid (username-)?password|invalid password/i.test(text)) {
    return "the user name or the password is wrong; mend them in the URL";
  }
  if (/without any password configured/i.test(text)) {
    return "the server has no password for this user; take it out of the URL";
  }
  if (word === "NOAUTH") return "the server wants a password; put it into the URL";
  if (word === "NOPERM") {
    return `the user may not do this (${text}); give it the right with ACL SETUSER`;
  }
  if (word === "MOVED" || word === "ASK" || word === "CROSSSLOT") {
    return "this is one server of a cluster; use --redis-cluster, or { cluster: true }";
  }
  if (/cluster support disabled/i.test(text)) {
    return "this is no cluster; leave --redis-cluster out, or { cluster: true }";
  }
  if (/certificate|self.signed|unknownissuer|hostname|altname/i.test(text)) {
    return `the server's certificate is not to be trusted (${text}); give its authority, or mend it`;
  }
  if (/tls|ssl|invalid.?content.?type|corrupt message|wrong version|handshake/i.test(text)) {
    return `no TLS connection comes about (${text}); does the server speak TLS on this port?`;
  }
  return null;
}

/** The error of a node, where a cluster's error only says that there was one. */
export function underneath(error: unknown): unknown {
  const node = (error as { lastNodeError?: unknown } | null)?.lastNodeError;
  return node ?? error;
}

/** An error as a cause: without the command, whose arguments may be a password. */
export function asCause(error: unknown): unknown {
  const bare = underneath(error);
  if (typeof bare === "object" && bare !== null && "command" in bare) delete bare.command;
  return bare;
}

function wordOf(text: string): string {
  return /^-?([A-Z]+)\b/.exec(text)?.[1] ?? "";
}
