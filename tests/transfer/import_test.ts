import {
  assert,
  assertEquals,
  assertGreater,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { FakeTime } from "@std/testing/time";
import fc from "fast-check";
import { fileURLToPath } from "node:url";
import { ConfigError, StorageError } from "../../src/base/errors.ts";
import { KvStorage } from "../../src/storage/kv.ts";
import { MemoryStorage } from "../../src/storage/memory.ts";
import type { Storage } from "../../src/storage/storage.ts";
import { exportCells } from "../../src/transfer/export.ts";
import { BATCH_CELLS } from "../../src/transfer/format.ts";
import { importCells } from "../../src/transfer/import.ts";
import { Traqq } from "../../src/traqq.ts";
import { FaultyStorage } from "../_faulty_storage.ts";
import { contents, count, PREFIX, START, sum, TestWriter, totals } from "../contract/kit.ts";
import { fill, manyCells, oddCells } from "./_cells.ts";

function exported(storage: Storage, prefix = PREFIX): Promise<string[]> {
  return Array.fromAsync(exportCells(storage, prefix));
}

/** Everything that is asked of a prefix. */
async function answers(storage: Storage): Promise<unknown> {
  await using traqq = await Traqq.open({ storage, prefix: PREFIX });
  const day = { from: START - 86_400, to: START + 2 * 86_400 };
  const days = await traqq.query(day);
  const hours = await traqq.query({ ...day, unit: "h" });
  const whats = ["add/event~geo", "top/event~geo", "bmp/ip~user", "bmp/user"] as const;
  return [
    traqq.timezone,
    days.buckets,
    hours.buckets,
    whats.map((what) => [days.merged(what), hours.merged(what)]),
    days.find("adv/__proto__/amount"),
  ];
}

Deno.test("importCells() gives another storage the same cells and the same answers", async () => {
  await using memory = await fill(new MemoryStorage(), oddCells());
  await using kv = await KvStorage.open(":memory:");
  await using back = new MemoryStorage();
  const cells = oddCells().length;
  const report = await importCells(kv, exportCells(memory, PREFIX));
  assertEquals({ ...report, id: "" }, {
    id: "",
    prefix: PREFIX,
    timezone: "Europe/Berlin",
    cells,
    skipped: 0,
    refused: 0,
    complete: true,
  });
  assertEquals((await importCells(back, exportCells(kv, PREFIX))).cells, cells);
  assertEquals(await contents(memory), totals(oddCells()));
  assertEquals(await contents(kv), totals(oddCells()));
  assertEquals(await contents(back), totals(oddCells()));
  const wanted = await answers(memory);
  assertGreater(JSON.stringify(wanted, (_, v) => typeof v === "bigint" ? `${v}` : v).length, 5000);
  assertEquals(await answers(kv), wanted);
  assertEquals(await answers(back), wanted);
});

Deno.test("importCells() gives the same cells, whatever they are (property)", async () => {
  const field = fc.string({ unit: "grapheme", maxLength: 12 });
  const place = fc.record({
    unit: fc.constantFrom("d" as const, "h" as const),
    start: fc.integer({ min: -1e9, max: 1e9 }),
  });
  const cell = fc.oneof(
    fc.tuple(field, fc.integer({ min: 1, max: 1e9 }), place).map(([f, n, at]) => count(f, n, at)),
    fc.tuple(field, fc.bigInt(-(10n ** 18n), 10n ** 18n), place).map(([f, n, at]) => sum(f, n, at)),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(cell, { maxLength: 40 }), async (cells) => {
      await using memory = await fill(new MemoryStorage(), cells);
      await using kv = await KvStorage.open(":memory:");
      await importCells(kv, exportCells(memory, PREFIX), { prefix: "other" });
      assertEquals(await contents(kv, "other"), totals(cells));
      assertEquals(await contents(kv), {});
    }),
    { numRuns: 25 },
  );
});

Deno.test("importCells() of what holds nothing imports nothing", async () => {
  await using memory = new MemoryStorage();
  const report = await importCells(memory, await exported(memory));
  assertEquals([report.cells, report.timezone, report.complete], [0, null, true]);
  assertEquals(await memory.timezone(PREFIX), null);
});

Deno.test("importCells() twice is once", async () => {
  const cells = manyCells(2 * BATCH_CELLS + 500);
  await using source = await fill(new MemoryStorage(), cells);
  const lines = await exported(source);
  for (const open of [() => KvStorage.open(":memory:"), () => new MemoryStorage()]) {
    await using storage = await open();
    const first = await importCells(storage, lines);
    assertEquals([first.cells, first.skipped], [cells.length, 0]);
    for (let i = 0; i < 2; i++) {
      const again = await importCells(storage, lines);
      assertEquals([again.cells, again.skipped], [cells.length, cells.length]);
    }
    assertEquals(await contents(storage), totals(cells));
    // Another export of the same is another import.
    await importCells(storage, await exported(source), { merge: true });
    assertEquals(await contents(storage), totals([...cells, ...cells]));
  }
});

Deno.test("importCells() goes on after each batch at which it was stopped", async () => {
  const cells = manyCells(3 * BATCH_CELLS);
  await using source = await fill(new MemoryStorage(), cells);
  const lines = await exported(source);
  await using storage = await KvStorage.open(":memory:");
  for (let batches = 1; batches <= 3; batches++) {
    const stop = new AbortController();
    const report = await importCells(storage, lines, {
      signal: stop.signal,
      onProgress: ({ cells }) => {
        if (cells === batches * BATCH_CELLS) stop.abort();
      },
    });
    assertEquals(
      [report.complete, report.cells, report.skipped],
      [false, batches * BATCH_CELLS, (batches - 1) * BATCH_CELLS],
    );
  }
  const last = await importCells(storage, lines);
  assertEquals([last.complete, last.skipped], [true, cells.length]);
  assertEquals(await contents(storage), totals(cells));
});

Deno.test("importCells() that is killed at any moment and begun again gives exactly the export", async () => {
  const folder = await Deno.makeTempDir({ prefix: "traqq-import-" });
  try {
    const cells = manyCells(16_000);
    await using source = await fill(new MemoryStorage(), cells);
    const file = `${folder}/export.ndjson`;
    await Deno.writeTextFile(file, (await exported(source)).map((line) => `${line}\n`).join(""));
    const path = `${folder}/t.db`;
    const start = () =>
      new Deno.Command(Deno.execPath(), {
        args: [
          "run",
          "--quiet",
          "--no-prompt",
          "--unstable-kv",
          "--allow-read",
          "--allow-write",
          fileURLToPath(new URL("_importer.ts", import.meta.url)),
          file,
          path,
        ],
        stdout: "piped",
      }).spawn();
    let killed = 0;
    for (let i = 0; i < 10; i++) {
      const child = start();
      // The first comes before anything is imported, others between two batches and within one.
      let chunks = 0;
      for await (const _ of child.stdout) {
        if (++chunks > i % 3) break;
      }
      await new Promise((resolve) => setTimeout(resolve, (i * 7) % 23));
      try {
        child.kill("SIGKILL");
      } catch {
        // It was done before.
      }
      if ((await child.status).signal === "SIGKILL") killed++;
    }
    const { code, stdout } = await start().output();
    assertEquals(code, 0);
    const report = JSON.parse(new TextDecoder().decode(stdout).trim().split("\n").at(-1)!);
    assertEquals([report.cells, report.complete], [cells.length, true]);
    await using storage = await KvStorage.open(path);
    assertEquals(await contents(storage), totals(cells));
    assertGreater(killed, 2);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("importCells() counts once when the storage loses answers, fails and splits", async () => {
  const cells = manyCells(BATCH_CELLS + 300);
  await using source = await fill(new MemoryStorage(), cells);
  const lines = await exported(source);
  const storage = new FaultyStorage(170);
  storage.faults = ["lose", "ok", "refuse", "lose", "refuse", "refuse", "lose"];
  await importCells(storage, lines);
  assertEquals(await contents(storage), totals(cells));

  // A process dies at each commit in turn, its answer lost or not.
  for (const fault of ["throw", "lose"] as const) {
    const dying = new FaultyStorage(170);
    let runs = 0;
    for (let done = false; !done; runs++) {
      assert(runs < 100, "each run comes further");
      // The first asks about the chunk before, the second is new.
      dying.faults = ["ok", "ok", fault, "throw"];
      done = await importCells(dying, lines).then(() => true, () => false);
    }
    assertGreater(runs, 5);
    assertEquals(await contents(dying), totals(cells), fault);
  }
});

Deno.test("importCells() that finds storage gone back goes on from there", async () => {
  const cells = manyCells(3 * BATCH_CELLS);
  await using source = await fill(new MemoryStorage(), cells);
  const lines = await exported(source);
  const storage = new FaultyStorage(500);
  const stop = new AbortController();
  await importCells(storage, lines, { signal: stop.signal, onProgress: () => stop.abort() });
  const snapshot = storage.snapshot();
  await importCells(storage, lines);
  await storage.restore(snapshot);
  const report = await importCells(storage, lines);
  assertEquals(report.skipped, BATCH_CELLS);
  assertEquals(await contents(storage), totals(cells));
});

Deno.test("importCells() of an export that is being imported is refused", async () => {
  const cells = manyCells(2 * BATCH_CELLS);
  await using source = await fill(new MemoryStorage(), cells);
  const lines = await exported(source);
  await using storage = new MemoryStorage();
  const gate = Promise.withResolvers<void>();
  async function* slow() {
    yield* lines.slice(0, 3000);
    await gate.promise;
    yield* lines.slice(3000);
  }
  const begun = Promise.withResolvers<void>();
  const first = importCells(storage, slow(), { onProgress: () => begun.resolve() });
  await begun.promise;
  const error = await assertRejects(() => importCells(storage, lines), StorageError);
  assertEquals(error.code, "held");
  gate.resolve();
  assertEquals((await first).complete, true);
  assertEquals((await importCells(storage, lines)).skipped, cells.length);
  assertEquals(await contents(storage), totals(cells));
});

Deno.test("importCells() many times at once imports once", async () => {
  const cells = manyCells(BATCH_CELLS + 100);
  await using source = await fill(new MemoryStorage(), cells);
  const lines = await exported(source);
  await using storage = await KvStorage.open(":memory:");
  const done = await Promise.allSettled([1, 2, 3].map(() => importCells(storage, lines)));
  assert(done.some(({ status }) => status === "fulfilled"));
  assertEquals(await contents(storage), totals(cells));
});

Deno.test("importCells() refuses a prefix that holds something, unless told to merge", async () => {
  await using source = await fill(new MemoryStorage(), [count("a", 1), sum("a", 5n)]);
  const lines = await exported(source);
  for (const unit of ["d", "h"] as const) {
    const cell = count("a", 2, { unit });
    await using storage = await fill(new MemoryStorage(), [cell]);
    await assertRejects(
      () => importCells(storage, lines),
      ConfigError,
      "it holds something already",
    );
    assertEquals(await contents(storage), totals([cell]));
    assertEquals((await importCells(storage, lines, { merge: true })).cells, 2);
    assertEquals(await contents(storage), totals([cell, count("a", 1), sum("a", 5n)]));
    // What stopped half-way goes on without being told so again.
    assertEquals((await importCells(storage, lines)).skipped, 2);
  }
  // What was pruned holds nothing.
  await using kv = await fill(await KvStorage.open(":memory:"), [count("a", 2)]);
  await kv.prune({ prefix: PREFIX, unit: "d", before: 1e12 });
  await importCells(kv, lines);
  assertEquals(await contents(kv), totals([count("a", 1), sum("a", 5n)]));
});

Deno.test("importCells() refuses another time zone, and takes one by another name", async () => {
  await using source = await fill(new MemoryStorage(), [count("a", 1)]);
  const lines = await exported(source);
  await using storage = new MemoryStorage();
  await storage.claimTimezone(PREFIX, "UTC");
  for (const merge of [false, true]) {
    await assertRejects(() => importCells(storage, lines, { merge }), ConfigError, "time zone");
  }
  assertEquals(await contents(storage), {});
  await storage.claimTimezone("x", "europe/berlin");
  await importCells(storage, lines, { prefix: "x" });
  await importCells(storage, lines, { prefix: "y" });
  assertEquals(await storage.timezone("y"), "Europe/Berlin");
  await assertRejects(() => importCells(storage, lines, { prefix: "" }), ConfigError, "prefix");
});

Deno.test("importCells() refuses a file that was cut off or damaged, and commits no damaged batch", async () => {
  const cells = manyCells(BATCH_CELLS + 500);
  await using source = await fill(new MemoryStorage(), cells);
  const lines = await exported(source);
  const bad = async (damaged: string[], message: string, committed: number) => {
    await using storage = new MemoryStorage();
    const error = await assertRejects(() => importCells(storage, damaged), SyntaxError);
    assertStringIncludes(error.message, message);
    assertEquals(Object.keys(await contents(storage)).length, committed, message);
    return storage;
  };
  await bad([], "received nothing", 0);
  await bad(['{"event":"x"}'], "Cannot read line 1: wanted a traqq export", 0);
  await bad(["x"], "Cannot read line 1: it is no JSON", 0);
  const header = JSON.parse(lines[0]);
  const headed = (more: object) => [JSON.stringify({ ...header, ...more }), ...lines.slice(1)];
  await bad(headed({ version: 2 }), "Cannot read line 1: wanted version 1", 0);
  await bad(headed({ id: "1" }), "wanted a UUID", 0);
  await bad(headed({ timezone: "Nowhere" }), "wanted an IANA time zone", 0);
  await bad(headed({ prefix: 1 }), "wanted text as prefix", 0);
  await bad(headed({ prefix: "other" }), "CRC-32", 0); // into the wrong prefix, but not all
  await bad(lines.slice(0, 1), "it was cut off. 0 cells", 0);
  await bad(lines.slice(0, 500), "it was cut off. 0 cells", 0);
  await bad(lines.slice(0, -1), "it was cut off. 2000 cells before it are imported", BATCH_CELLS);
  await bad(lines.slice(0, BATCH_CELLS + 1), "it was cut off. 2000 cells", BATCH_CELLS);
  await bad(
    [...lines.slice(0, 2100), lines[2100].slice(0, -9), ...lines.slice(2101)],
    "Cannot read line 2101: it is no JSON. 2000 cells",
    BATCH_CELLS,
  );
  await bad(
    lines.with(99, lines[99].replace(/"(count|sum)":/, '"value":')),
    "Cannot read line 100: wanted only",
    0,
  );
  // A number that is another one, in the last batch and before it: the checksum sees it.
  const flip = (at: number) => lines.with(at, lines[at].replace(/"field":"f/, '"field":"g'));
  await bad(flip(2200), "CRC-32", BATCH_CELLS);
  await bad(flip(100), "CRC-32", BATCH_CELLS);
  await bad([...lines.slice(0, 2300), ...lines.slice(2301)], "cells before the end", BATCH_CELLS);
  await bad(
    [...lines.slice(0, 5), lines[6], lines[5], ...lines.slice(7)],
    "CRC-32",
    BATCH_CELLS,
  );
  await bad([...lines, lines[1]], "wanted nothing after the end", cells.length);
  await bad(lines.with(-1, '{"end":true}'), "line 2502: wanted {", BATCH_CELLS);

  // Cut off first, whole later: what was there is not counted again.
  await using storage = new MemoryStorage();
  await assertRejects(() => importCells(storage, lines.slice(0, 2300)), SyntaxError, "cut off");
  await importCells(storage, lines);
  assertEquals(await contents(storage), totals(cells));
});

Deno.test("importCells() finds any bit that was flipped", async () => {
  await using source = await fill(new MemoryStorage(), [
    count("a", 1),
    sum("b", -5n),
    ...manyCells(5),
  ]);
  const text = (await exported(source)).join("\n");
  const bytes = new TextEncoder().encode(text);
  await fc.assert(
    fc.asyncProperty(fc.nat(bytes.length - 1), fc.nat(7), async (at, bit) => {
      const damaged = bytes.slice();
      damaged[at] ^= 1 << bit;
      await using storage = new MemoryStorage();
      const lines = new TextDecoder().decode(damaged).split("\n");
      await assertRejects(() => importCells(storage, lines), Error, "Cannot ");
      for (const prefix of [PREFIX]) assertEquals(await contents(storage, prefix), {});
    }),
    { numRuns: 200 },
  );
});

Deno.test("importCells() tells each cell that the storage refuses, and imports the others", async () => {
  const cells = manyCells(50);
  await using source = await fill(new MemoryStorage(), cells);
  const storage = new FaultyStorage();
  storage.poisoned.add("f7").add("f30");
  const refused: string[] = [];
  const report = await importCells(storage, await exported(source), {
    onRefused: ({ cell }) => refused.push("field" in cell ? cell.field : ""),
  });
  assertEquals([report.refused, refused.sort()], [2, ["f30", "f7"]]);
  const good = cells.filter((cell) => !("field" in cell && ["f7", "f30"].includes(cell.field)));
  assertEquals(await contents(storage), totals(good));
});

Deno.test("importCells() leaves a checkpoint that never expires, held while it runs", async () => {
  await using source = await fill(new MemoryStorage(), manyCells(BATCH_CELLS));
  await using storage = new MemoryStorage();
  const held: boolean[] = [];
  const { id } = await importCells(storage, await exported(source), {
    onProgress: () => {
      storage.writers(PREFIX).then(([writer]) => held.push(writer.held));
    },
  });
  assertEquals(held[0], true);
  assertEquals(await storage.writers(PREFIX), [{
    writer: `import-${id}`,
    checkpoint: { incarnation: id, flush: 1, part: 0 },
    held: false,
  }]);
  await new TestWriter(storage).flush([count("a", 1)]);
});

Deno.test("importCells() that goes on does not begin anew in a storage that lost everything meanwhile", async () => {
  await using source = await fill(new MemoryStorage(), manyCells(BATCH_CELLS));
  const lines = await exported(source);
  const storage = new FaultyStorage();
  await importCells(storage, lines);
  const gate = Promise.withResolvers<void>();
  storage.gate = gate.promise;
  const commits = storage.commits;
  const again = importCells(storage, lines);
  again.catch(() => {});
  while (storage.commits === commits) await new Promise((resolve) => setTimeout(resolve));
  await storage.restore(0);
  gate.resolve();
  assertEquals((await assertRejects(() => again, StorageError)).code, "behind");
  assertEquals(await contents(storage), {});
});

Deno.test("importCells() does not renew its lease when it is done", async () => {
  await using source = await fill(new MemoryStorage(), [count("a", 1)]);
  const lines = await exported(source);
  using time = new FakeTime();
  const storage = new FaultyStorage();
  await importCells(storage, lines);
  await time.tickAsync(10_000);
  assertEquals(storage.calls.get("acquireWriter"), 1);
});
