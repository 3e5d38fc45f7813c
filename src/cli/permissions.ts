/**
 * Permissions are asked of Deno before they are used: a command that lacks one ends with the exact
 * flag, and Deno never stops in the middle to ask the user.
 *
 * @module
 */
import { CliError } from "./errors.ts";
import { shellWord } from "./shell.ts";

/**
 * @param doing what the permission is for: "listen on 127.0.0.1:9876"
 * @throws {CliError} naming the flag that is missing
 */
export function need(doing: string, ...wanted: Deno.PermissionDescriptor[]): void {
  const missing = wanted.filter((descriptor) => !isGranted(descriptor)).map(flagOf);
  if (missing.length === 0) return;
  throw new CliError(
    `Cannot ${doing}: Deno does not allow it; run again with ${missing.join(" ")}`,
  );
}

/** Deno reads the modules of a worker with the program's own rights: from a checkout, as files. */
export function workerPermissions(): Deno.PermissionDescriptor[] {
  const { protocol, pathname } = new URL("../../", import.meta.url);
  if (protocol !== "file:" || Deno.build.standalone) return [];
  const path = decodeURIComponent(pathname).replace(/^\/(?=[A-Za-z]:)/, "").replace(/\/$/, "");
  return [{ name: "read", path }];
}

/** Whether a permission is there already. */
export function isGranted(descriptor: Deno.PermissionDescriptor): boolean {
  return Deno.permissions.querySync(descriptor).state === "granted";
}

/** The flag of `deno run` that grants exactly this. */
export function flagOf(descriptor: Deno.PermissionDescriptor): string {
  const value = detailOf(descriptor);
  if (value === undefined || value === "") return `--allow-${descriptor.name}`;
  return `--allow-${descriptor.name}=${shellWord(value)}`;
}

function detailOf(descriptor: Deno.PermissionDescriptor): string | undefined {
  switch (descriptor.name) {
    case "read":
    case "write":
      return descriptor.path === undefined ? undefined : String(descriptor.path);
    case "net":
      return descriptor.host;
    case "env":
      return descriptor.variable;
    default:
      return undefined;
  }
}
