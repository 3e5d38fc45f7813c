/** Holds docs/redis-import.md to the code. */
import { assertEquals } from "@std/assert";
import { KINDS } from "../../src/cli/import_redis.ts";
import { TRAQQ_LAYOUT } from "../../src/transfer/redis_traqq.ts";
import { TRK_LAYOUT } from "../../src/transfer/redis_trk.ts";
import { code, table } from "./_pages.ts";

const PAGE = "docs/redis-import.md";

Deno.test("docs/redis-import.md: the lines are those that the program prints", () => {
  assertEquals(
    table(PAGE, "findings").map(([line]) => code(line)),
    Object.values(KINDS).map(({ told }) => told),
  );
});

Deno.test("docs/redis-import.md: the keys are those that the layouts read", () => {
  const sample = (cell: string) =>
    /^`([^`]+)`/.exec(cell)![1].replace("PREFIX", "my:app").replace("UNIT", "d")
      .replace("START", "86400").replace("PATTERN", "event~geo").replace("LABEL", "event")
      .replace(/ADDKEY|VALUE/, "amount");
  for (const [column, layout] of [[1, TRAQQ_LAYOUT], [2, TRK_LAYOUT]] as const) {
    const rows = table(PAGE, "layouts");
    const known = sample(rows.find(([type]) => type === "known")![column]);
    assertEquals(layout.prefixOf(known), "my:app");
    for (const [type, ...cells] of rows.filter(([type]) => type !== "known")) {
      const key = sample(cells[column - 1]);
      assertEquals(layout.prefixOf(key), undefined);
      const keys = new Set([key]);
      if (column === 2 && code(type) === "bmp") keys.add("my:app:86400:bmp:i:event~geo");
      const { pieces, findings } = layout.sort("my:app", keys, new Set());
      assertEquals(findings, []);
      assertEquals(
        pieces.map(({ metric, start, values }) => [metric.type, start, values]),
        [[code(type), 86_400, key]],
      );
    }
  }
});
