/** The repository's root folder, a URL that ends in a slash. */
export const root: URL = new URL("../", import.meta.url);

/** A file URL as a path of this machine. */
export function fromFileUrl(url: URL): string {
  const path = decodeURIComponent(url.pathname);
  return Deno.build.os === "windows" ? path.slice(1).replaceAll("/", "\\") : path;
}

/** The parts of the root's deno.json that the scripts here need. */
export interface Config {
  /** The entry points of the package. */
  exports: Record<string, string>;
  /** The stand-ins of dev/std. */
  links?: string[];
  /** The npm and JSR packages by the names they are imported under. */
  imports: Record<string, string>;
}

/** The root's deno.json. */
export async function readConfig(): Promise<Config> {
  return JSON.parse(await Deno.readTextFile(new URL("deno.json", root)));
}

/** Runs this very deno with `args`; true if it went well. */
export async function deno(args: string[], cwd: URL = root): Promise<boolean> {
  const command = new Deno.Command(Deno.execPath(), {
    args,
    cwd: fromFileUrl(cwd),
    stdin: "null",
    stdout: "inherit",
    stderr: "inherit",
  });
  return (await command.output()).success;
}
