/**
 * What TCP and HTTP have in common when they begin to listen.
 *
 * @module
 */
import { ConfigError, messageOf } from "../base/errors.ts";
import { show } from "../base/show.ts";
import { Access, type AccessOptions } from "../protocol/access.ts";
import { type Address, formatAddress } from "../protocol/address.ts";

/**
 * The tokens of a server.
 *
 * @throws {ConfigError} if one cannot be used, or both options are given
 */
export function readAccess(
  { token, access }: { token?: string; access?: Access | AccessOptions },
): Access | undefined {
  if (token === undefined) return Access.of(access);
  if (access === undefined) return new Access({ tokens: [token] });
  throw new ConfigError("Cannot use token beside access; put it among the tokens of access");
}

/** @throws {ConfigError} if other machines could reach the address and nothing keeps them out */
export function refuseExposed(address: Address, isAllowed: boolean): void {
  if (isAllowed || isLoopback(address.hostname)) return;
  throw new ConfigError(
    `Cannot listen on ${
      formatAddress(address)
    } without a token: other machines could read and write everything; set token (--token-file), or insecure (--insecure) if that is what you want`,
  );
}

/** Whether only this machine reaches the address. A name other than localhost may mean anything. */
export function isLoopback(hostname: string): boolean {
  return hostname === "localhost" || hostname === "::1" || /^127(\.\d{1,3}){3}$/.test(hostname);
}

/** Why a server does not listen, and what to do. */
export function cannotListen(cause: unknown, at: Address): ConfigError {
  const address = formatAddress(at);
  return new ConfigError(`Cannot listen on ${address}: ${whyNot(cause, address)}`, { cause });
}

function whyNot(cause: unknown, address: string): string {
  if (cause instanceof Deno.errors.AddrInUse) {
    return "the port is taken, perhaps by another traqq; stop that one or choose another port";
  }
  if (cause instanceof Deno.errors.NotCapable) {
    return `Deno does not allow it; run with --allow-net=${address}`;
  }
  if (cause instanceof Deno.errors.PermissionDenied) {
    return "the system does not allow it; choose a port from 1024";
  }
  if (cause instanceof Deno.errors.AddrNotAvailable) {
    return "this machine has no such address; choose one of its own, or 0.0.0.0 for all";
  }
  const reason = messageOf(cause);
  // Deno has no class of its own for these.
  if (/certificate|\bkeys?\b/i.test(reason)) {
    return `it cannot talk TLS with tls.cert (--tls-cert) and tls.key (--tls-key): ${reason}; ` +
      "give a certificate and the private key that belongs to it, each as PEM";
  }
  if (/lookup address/.test(reason)) {
    return `${reason}; choose an address of this machine, such as 127.0.0.1`;
  }
  return reason;
}

/** A whole number of an option. @throws {ConfigError} */
export function whole(name: string, value: unknown, least: number): number {
  const most = name === "port" ? 65_535 : 2 ** 31 - 1;
  if (!Number.isInteger(value) || (value as number) < least || (value as number) > most) {
    throw new ConfigError(
      `Cannot use ${name}: wanted a whole number from ${least} to ${most}, received ${show(value)}`,
    );
  }
  return value as number;
}
