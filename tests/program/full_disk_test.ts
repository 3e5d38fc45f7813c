import { assertEquals, assertGreater, assertLess, assertMatch } from "@std/assert";
import { Client } from "../../src/client/client.ts";
import { MemoryStorage } from "../../src/storage/memory.ts";
import { Traqq } from "../../src/traqq.ts";
import { cellsOf, CONNECTIONS, Day, Load, MAPPING, MAX_EVENTS, serveFlags } from "./_load.ts";
import { Folder, Server, within } from "./_program.ts";

Deno.test("traqq serve loses nothing it acknowledged when the journal's disk is full, and goes on by itself", async (t) => {
  await t.step("each file may have 256 KiB (ulimit): writes are short, then fail", async () => {
    await using folder = new Folder();
    const flags = serveFlags(folder, {
      directory: "journal",
      durability: "os_default",
      holds: true,
    });
    await using server = await Server.begin(
      folder.path,
      ["--storage", "memory", ...flags],
      // The system's file sizes are in blocks of 512 bytes. Without the trap it would kill.
      "trap '' XFSZ; ulimit -f 512",
    ).listening();
    const day = new Day(0);
    const loads = await startAll(server, day);
    await within(Promise.all(loads.map(({ ended }) => ended)), "the replies");
    assertEquals(day.acknowledged, MAX_EVENTS);
    await alive(server);
    const { err } = await server.stop("SIGKILL");
    const said = complaints(err);
    const segments = [...Deno.readDirSync(folder.file("journal"))]
      .filter(({ name }) => name.endsWith(".segment"));
    assertGreater(segments.length, 5, "so often its disk was full");
    assertEquals(said.length < segments.length, true, err);
    assertEquals(await recovered(folder, day), []);
    assertEquals(day.counted, MAX_EVENTS);
  });

  await t.step("killed while there is no room (tmpfs)", async () => {
    await using folder = new Folder();
    await using disk = SmallDisk.mount(folder, "journal", 16 << 20);
    if (disk === undefined) return; // the next step says so
    const flags = serveFlags(folder, {
      directory: "journal",
      durability: "os_default",
      holds: true,
    });
    await using server = await Server.start(folder.path, "--storage", "memory", ...flags);
    const day = new Day(0);
    disk.fill(1 << 20);
    const loads = await startAll(server, day);
    await server.running.err.line(/Cannot write the journal .*No space left/);
    await stalled(day);
    assertGreater(day.acknowledged, 1000);
    await server.stop("SIGKILL");
    await Promise.all(loads.map(({ ended }) => ended));
    disk.free();
    assertEquals(await recovered(folder, day), []);
  });

  await t.step("a file system without room (tmpfs): clients wait until there is some", async () => {
    await using folder = new Folder();
    await using disk = SmallDisk.mount(folder, "journal", 16 << 20);
    if (disk === undefined) {
      console.log("full disk: ulimit only, this machine does not allow to mount a tmpfs");
      return;
    }
    console.log("full disk: ulimit and tmpfs");
    const flags = serveFlags(folder, { directory: "journal" });
    await using server = await Server.start(folder.path, "--storage", "memory", ...flags);
    const day = new Day(0);
    disk.fill(1 << 20);
    const loads = await startAll(server, day);
    await server.running.err.line(/Cannot write the journal .*No space left/);
    await stalled(day);
    const acknowledged = day.acknowledged;
    assertLess(acknowledged, MAX_EVENTS);
    await alive(server);
    assertEquals(day.acknowledged, acknowledged);
    const whileFull = complaints(server.running.err.text);
    disk.free();
    await Promise.all(loads.map(({ ended }) => ended));
    assertEquals(day.acknowledged, MAX_EVENTS);
    assertEquals(loads.flatMap(({ refused }) => refused), []);
    const { err } = await server.stop("SIGKILL");
    assertEquals(whileFull.length, 1, err);
    assertMatch(whileFull[0], /bytes are kept in memory until another segment takes them/);
    assertEquals(await recovered(folder, day), []);
    assertEquals(day.counted, MAX_EVENTS);
  });
});

function startAll({ address }: Server, day: Day): Promise<Load[]> {
  return Promise.all(CONNECTIONS.map((connection) => Load.start(address, day, connection)));
}

async function alive({ address }: Server): Promise<void> {
  await using client = await Client.connect(address);
  await client.ping();
}

function complaints(err: string): string[] {
  return err.split("\n").filter((line) => line.includes("Cannot write the journal"));
}

/** What another process makes of the journal. */
async function recovered(folder: Folder, day: Day): Promise<string[]> {
  await using storage = new MemoryStorage();
  const errors: Error[] = [];
  await using traqq = await Traqq.open({
    storage,
    mapping: MAPPING,
    journal: { directory: folder.file("journal") },
    onError: (error) => errors.push(error),
  });
  await traqq.flush();
  return [...errors.map(({ message }) => message), ...day.check(await cellsOf(storage, day))];
}

/** Resolves when no reply has come for a while. */
async function stalled(day: Day): Promise<void> {
  for (let before = -1; before !== day.acknowledged;) {
    before = day.acknowledged;
    await new Promise((resolve) => setTimeout(resolve, 1500));
  }
}

/** A file system of its own, where mounting one is allowed. */
class SmallDisk implements AsyncDisposable {
  readonly #path: string;
  readonly #bytes: number;

  private constructor(path: string, bytes: number) {
    this.#path = path;
    this.#bytes = bytes;
  }

  static mount(folder: Folder, name: string, bytes: number): SmallDisk | undefined {
    const path = folder.file(name);
    Deno.mkdirSync(path);
    const args = ["-t", "tmpfs", "-o", `size=${bytes}`, "tmpfs", path];
    return system("mount", args) ? new SmallDisk(path, bytes) : undefined;
  }

  /** Leaves only so much room. */
  fill(room: number): void {
    Deno.writeFileSync(`${this.#path}/filler.tmp`, new Uint8Array(this.#bytes - room));
  }

  free(): void {
    Deno.removeSync(`${this.#path}/filler.tmp`);
  }

  // deno-lint-ignore require-await -- as the interface has it
  async [Symbol.asyncDispose](): Promise<void> {
    if (!system("umount", ["-l", this.#path])) throw new Error(`cannot unmount ${this.#path}`);
  }
}

function system(command: string, args: string[]): boolean {
  try {
    return new Deno.Command(command, { args, stdout: "null", stderr: "null" }).outputSync().success;
  } catch {
    return false; // there is no such command
  }
}
