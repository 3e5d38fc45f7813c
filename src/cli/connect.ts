/**
 * Connecting to the server that the flags name.
 *
 * @module
 */
import { Client } from "../client/client.ts";
import { formatAddress } from "../protocol/address.ts";
import type { Values } from "./flags.ts";
import { need } from "./permissions.ts";
import { readFile } from "./files.ts";
import { readAddress } from "./shared_flags.ts";
import { readTokens } from "./tokens.ts";

/** Connects, with the token if there is one. */
export async function connect(values: Values): Promise<Client> {
  const address = readAddress(values);
  const host = formatAddress(address);
  need(`connect to ${host}`, { name: "net", host });
  // A server's file will do: its first token is taken.
  const token = (await readTokens(values))[0]?.token;
  const authority = values.get("tls-ca");
  const tls = authority === undefined
    ? values.has("tls")
    : { caCerts: [await readFile("the certificate", authority)] };
  return await Client.connect(host, { token, tls });
}
