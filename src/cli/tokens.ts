/**
 * The tokens that a server takes, from a file or the environment: never from a flag's value, which all
 * processes could see.
 *
 * @module
 */
import { Access, type Right, type TokenEntry } from "../protocol/access.ts";
import { CliError } from "./errors.ts";
import { readFile } from "./files.ts";
import type { Flag, Values } from "./flags.ts";
import { isGranted } from "./permissions.ts";
import { jwtSecretOf } from "./with_config.ts";

/** The environment variable that holds the token. */
export const TOKEN_VARIABLE = "TRAQQ_TOKEN";
/** The environment variable that holds the secret of JWTs. */
export const JWT_VARIABLE = "TRAQQ_JWT_SECRET";

/** What JWTs are signed with. */
export const JWT_FLAG: Flag = {
  name: "jwt-secret-file",
  value: "FILE",
  help:
    `Take JWTs (HS256) signed with the secret in this file; default the variable ${JWT_VARIABLE}`,
};

const RIGHT = /^(record|read|all)\s+(?=\S)/;

/** The lines of a token file: `TOKEN`, or `record TOKEN`, `read TOKEN`, `all TOKEN`; `#` begins a comment. */
export function parseTokens(text: string): TokenEntry[] {
  return text.split("\n").map((line) => line.trim())
    .filter((line) => line !== "" && !line.startsWith("#"))
    .map((line) => ({
      token: line.replace(RIGHT, ""),
      right: (RIGHT.exec(line)?.[1] ?? "all") as Right,
    }));
}

/** The tokens of `--token-file`, or that of the environment. @throws {CliError} */
export async function readTokens(values: Values): Promise<TokenEntry[]> {
  const path = values.get("token-file");
  if (path === undefined) {
    const token = fromEnvironment(TOKEN_VARIABLE);
    return token === undefined ? [] : [{ token, right: "all" }];
  }
  const tokens = parseTokens(await readFile("the token file", path));
  if (tokens.length === 0) {
    throw new CliError(`Cannot use the token file ${path}: there is none in it; put one on a line`);
  }
  return tokens;
}

/** What a server takes. */
export interface Secrets {
  /** Who may do what; undefined: everyone everything. */
  readonly access: Access | undefined;
  /** The tokens as they are, for what must know them: PostgreSQL's clients never send theirs. */
  readonly tokens: readonly TokenEntry[];
}

/** The tokens and the secret of a server, each file read once. @throws {CliError} */
export async function readSecrets(values: Values): Promise<Secrets> {
  const path = values.get("jwt-secret-file");
  const jwtSecret = path === undefined
    ? jwtSecretOf(values) ?? fromEnvironment(JWT_VARIABLE)
    : (await readFile("the secret of JWTs", path)).trim();
  const tokens = await readTokens(values);
  return { access: Access.of({ tokens, jwtSecret }), tokens };
}

/** Without the permission there is none: `serve` says so when it starts, a client is refused. */
function fromEnvironment(variable: string): string | undefined {
  if (!isGranted({ name: "env", variable })) return undefined;
  return Deno.env.get(variable)?.trim() || undefined;
}
