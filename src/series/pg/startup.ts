/**
 * The beginning of a connection: encryption, the version of the protocol, and what the client says of
 * itself. A connection may also come only to cancel what another does.
 *
 * @module
 */
import { CODE, fatal } from "./errors.ts";
import { FieldReader } from "./messages/fields.ts";
import type { MessageReader } from "./messages/reader.ts";
import type { Output } from "./session/output.ts";
import type { ByteStream, TlsKeys } from "./stream.ts";

const SSL_REQUEST = 80_877_103;
const GSSENC_REQUEST = 80_877_104;
const CANCEL_REQUEST = 80_877_102;
const MAJOR = 3;
/** Parameters of a start are a few. */
const MAX_PARAMETERS = 100;

/** What a connection wants. */
export type Start =
  | { readonly kind: "session"; readonly parameters: ReadonlyMap<string, string> }
  | { readonly kind: "cancel"; readonly process: number; readonly secret: number }
  /** It went away. */
  | { readonly kind: "nothing" };

/**
 * Talks until the client has said what it wants.
 *
 * @param tls where there are keys, everything must be encrypted
 * @throws {PgError} fatal ones
 */
export async function start(
  stream: ByteStream,
  reader: MessageReader,
  output: Output,
  tls: TlsKeys | undefined,
): Promise<Start> {
  let isEncrypted = false;
  // One question for each kind of encryption, then the start: a stranger has no more turns.
  for (let turn = 0; turn < 3; turn++) {
    const body = await reader.first();
    if (body === undefined) return { kind: "nothing" };
    const fields = new FieldReader(body);
    const code = fields.int32();
    if (code === CANCEL_REQUEST) {
      return { kind: "cancel", process: fields.int32(), secret: fields.int32() };
    }
    if (code === SSL_REQUEST && tls !== undefined && !isEncrypted) {
      if (reader.held > 0 || stream.ahead > 0) throw bytesBeforeTls();
      // The answer and the handshake follow each other: nothing of the client is between them.
      const sent = stream.write(Uint8Array.of("S".charCodeAt(0)));
      const secured = stream.startTls(tls);
      await Promise.all([sent, secured]);
      isEncrypted = true;
    } else if (code === SSL_REQUEST || code === GSSENC_REQUEST) {
      await stream.write(Uint8Array.of("N".charCodeAt(0)));
    } else {
      const parameters = readStart(code, fields, output);
      if (tls !== undefined && !isEncrypted) {
        throw fatal(CODE.notAllowed, "Cannot connect without TLS; use sslmode=require");
      }
      return { kind: "session", parameters };
    }
  }
  throw fatal(
    CODE.protocolViolation,
    "Cannot start: wanted a startup message after these requests",
  );
}

/** What came in plain must not count as encrypted. */
function bytesBeforeTls(): Error {
  return fatal(
    CODE.protocolViolation,
    "Cannot start TLS: bytes came before the handshake; somebody may be in between",
  );
}

function readStart(code: number, fields: FieldReader, output: Output): Map<string, string> {
  const major = code >> 16, minor = code & 0xffff;
  if (major !== MAJOR) {
    throw fatal(
      CODE.notSupported,
      `Cannot speak version ${major}.${minor} of the protocol; wanted ${MAJOR}.0`,
    );
  }
  const parameters = new Map<string, string>();
  for (let name = fields.text(); name !== ""; name = fields.text()) {
    if (parameters.size >= MAX_PARAMETERS) {
      throw fatal(CODE.protocolViolation, "Cannot start: there are too many parameters");
    }
    parameters.set(name, fields.text());
  }
  fields.end();
  const unknown = [...parameters.keys()].filter((name) => name.startsWith("_pq_."));
  if (minor > 0 || unknown.length > 0) output.writer.negotiateVersion(0, unknown);
  return parameters;
}
