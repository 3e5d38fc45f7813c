/**
 * Who a client is: it proves that it knows a token, or nobody asks.
 *
 * @module
 */
import { CODE, fatal } from "./errors.ts";
import { FieldReader } from "./messages/fields.ts";
import type { MessageReader } from "./messages/reader.ts";
import type { ScramSecrets } from "./scram.ts";
import type { Output } from "./session/output.ts";

/** What clients must show. */
export type Authentication =
  /** Nothing: whoever reaches the port may read. */
  | { readonly kind: "trust" }
  /** A token, by SCRAM-SHA-256. */
  | { readonly kind: "scram"; readonly secrets: ScramSecrets };

const OK = 0;
const SASL = 10;
const SASL_CONTINUE = 11;
const SASL_FINAL = 12;
const MECHANISM = "SCRAM-SHA-256";

const ENCODER = new TextEncoder();
const DECODER = new TextDecoder();

/**
 * Asks a client for what it must show, and gives which token it was, from 0. Undefined: it went away.
 *
 * @throws {PgError} if it is wrong
 */
export async function authenticate(
  method: Authentication,
  reader: MessageReader,
  output: Output,
): Promise<number | undefined> {
  return method.kind === "trust" ? 0 : await scram(method.secrets, reader, output);
}

/** Tells the client that it is let in. */
export function welcome(output: Output): void {
  output.writer.authentication(OK);
}

async function scram(
  secrets: ScramSecrets,
  reader: MessageReader,
  output: Output,
): Promise<number | undefined> {
  const exchange = secrets.exchange();
  output.writer.authentication(SASL, ENCODER.encode(`${MECHANISM}\0\0`));
  await output.flush();
  const initial = await password(reader);
  if (initial === undefined) return undefined;
  const mechanism = initial.text();
  if (mechanism !== MECHANISM) {
    throw fatal(CODE.notAllowed, `Cannot let you in by ${mechanism}; wanted ${MECHANISM}`);
  }
  const first = exchange.first(DECODER.decode(initial.value() ?? undefined));
  if (first === undefined) throw malformed();
  output.writer.authentication(SASL_CONTINUE, ENCODER.encode(first));
  await output.flush();
  const response = await password(reader);
  if (response === undefined) return undefined;
  const final = await exchange.final(DECODER.decode(response.bytes()));
  if (final === undefined) {
    throw fatal(
      CODE.wrongPassword,
      "Cannot let you in: the password is not a token of this server",
    );
  }
  output.writer.authentication(SASL_FINAL, ENCODER.encode(final.text));
  return final.token;
}

async function password(reader: MessageReader): Promise<FieldReader | undefined> {
  const message = await reader.next();
  if (message === undefined) return undefined;
  if (message.type === "p") return new FieldReader(message.body);
  throw fatal(
    CODE.protocolViolation,
    `Cannot let you in: wanted a password, received ${message.type}`,
  );
}

function malformed(): Error {
  return fatal(CODE.protocolViolation, "Cannot let you in: the SCRAM message is malformed");
}
