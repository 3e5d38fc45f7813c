import { assertEquals, assertMatch, assertNotEquals } from "@std/assert";
import { crc32 } from "node:zlib";
import { KvStorage } from "../../src/storage/kv.ts";
import { MemoryStorage } from "../../src/storage/memory.ts";
import { exportCells } from "../../src/transfer/export.ts";
import { count, PREFIX } from "../contract/kit.ts";
import { fill, manyCells, oddCells } from "./_cells.ts";

Deno.test("exportCells() gives a header, every cell of the prefix and a footer", async () => {
  await using storage = await fill(new MemoryStorage(), oddCells());
  await fill(storage, [count("not this", 1)], "other");
  const seen: number[] = [];
  const lines = await Array.fromAsync(
    exportCells(storage, PREFIX, { onProgress: (cells) => seen.push(cells) }),
  );
  const cells = oddCells().length;
  assertEquals(lines.length, cells + 2);
  assertEquals(seen.at(-1), cells);
  const { id, ...header } = JSON.parse(lines[0]);
  assertEquals(header, { traqq: "export", version: 1, prefix: PREFIX, timezone: "Europe/Berlin" });
  assertMatch(id, /^[0-9a-f-]{36}$/);
  const crc = crc32(lines.slice(0, -1).map((line) => `${line}\n`).join(""));
  assertEquals(JSON.parse(lines.at(-1)!), {
    end: true,
    cells,
    crc32: crc.toString(16).padStart(8, "0"),
  });
  assertEquals(lines.some((line) => line.includes("not this")), false);
});

Deno.test("exportCells() gives the same lines each time but for the id, days first, by metric", async () => {
  await using storage = await fill(await KvStorage.open(":memory:"), manyCells(3000));
  const all = async () => await Array.fromAsync(exportCells(storage, PREFIX));
  const [one, two] = [await all(), await all()];
  assertNotEquals(one[0], two[0]);
  assertEquals(one.slice(1, -1), two.slice(1, -1));
  const order = one.slice(1, -1).map((line) => {
    const { unit, type, pattern } = JSON.parse(line);
    return `${unit} ${type} ${pattern}`;
  });
  assertEquals(order, order.toSorted());
});
