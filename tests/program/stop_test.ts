import { DatabaseSync } from "node:sqlite";
import { assertEquals, assertGreater, assertMatch } from "@std/assert";
import { cellsOf, CONNECTIONS, Day, Load, serveFlags, withKv } from "./_load.ts";
import { Folder, Server } from "./_program.ts";

const KV = "traqq.db";
const check = (folder: Folder, day: Day) =>
  withKv(folder.file(KV), async (storage) => day.check(await cellsOf(storage, day)));

Deno.test("traqq serve with a journal has all of it in storage when SIGTERM under load has ended it", async () => {
  for (const durability of ["every_write", "periodic", "os_default", "none"] as const) {
    await using folder = new Folder();
    const flags = serveFlags(folder, { directory: "journal", durability });
    await using server = await Server.start(folder.path, "--kv-path", KV, ...flags);
    const day = new Day(0);
    const loads = await Promise.all(CONNECTIONS.map((c) => Load.start(server.address, day, c)));
    await acknowledged(day, 3000);
    const { code, err } = await server.stop("SIGTERM");
    assertEquals(code, 0, err);
    await Promise.all(loads.map(({ ended }) => ended));
    assertEquals(await check(folder, day), [], durability);
    assertEquals(day.counted, day.acknowledged, "what was not answered was not begun");
  }
});

Deno.test("traqq serve that is stopped while storage is down says what is in the journal, and the next start brings it", async () => {
  for (const [signals, workers] of [[1, 1], [2, 1], [1, 2], [2, 2]]) {
    await using folder = new Folder();
    const journal = serveFlags(folder, { directory: "journal" });
    const flags = ["--kv-path", KV, ...journal, "--workers", String(workers)];
    const timeout = signals === 1 ? "1s" : "10m";
    await using server = await Server.start(folder.path, ...flags, "--stop-timeout", timeout);
    const day = new Day(0);
    const loads = await Promise.all(CONNECTIONS.map((c) => Load.start(server.address, day, c)));
    await acknowledged(day, 3000);
    // Every commit is refused: the database is locked.
    const other = new DatabaseSync(folder.file(KV));
    try {
      other.exec("PRAGMA busy_timeout = 10000; BEGIN IMMEDIATE");
      await acknowledged(day, day.acknowledged + 100);
      if (signals === 2) {
        server.running.process.kill("SIGTERM");
        await server.running.err.line(/Stopping/);
      }
      const { code, err } = await server.stop("SIGTERM");
      await Promise.all(loads.map(({ ended }) => ended));
      assertEquals(code, signals === 1 ? 1 : 143, err);
      assertMatch(
        err,
        signals === 1
          ? /Not in storage yet: [\d,]+ events .*Nothing is lost: .*the next start brings them/
          : /Stopped at once: all that was acknowledged is in storage or in the journal in /,
      );
    } finally {
      other.close();
    }

    await using again = await Server.start(folder.path, ...flags);
    const { code, err } = await again.stop();
    assertEquals(code, 0, err);
    assertEquals(await check(folder, day), []);
    assertGreater(day.counted, 3000);
  }
});

async function acknowledged(day: Day, wanted: number): Promise<void> {
  const deadlineMs = performance.now() + 30_000;
  while (day.acknowledged < wanted) {
    if (performance.now() > deadlineMs) throw new Error(`waited too long for ${wanted} replies`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
