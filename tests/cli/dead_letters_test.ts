import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { EventError, StorageError } from "../../src/base/errors.ts";
import { DeadLetters } from "../../src/cli/dead_letters.ts";
import type { Cell } from "../../src/storage/storage.ts";
import { FakeTerminal } from "./_fake_terminal.ts";

const METRIC = { type: "adv", pattern: "geo", addKey: "amount" } as const;
const CELLS: Cell[] = [
  {
    kind: "sum",
    metric: METRIC,
    unit: "d",
    start: 0,
    field: "US",
    sum: -9_000_000_000_000_000_001n,
  },
  { kind: "sketch", metric: METRIC, unit: "d", start: 0, sketch: new Uint8Array([1, 2, 255]) },
  { kind: "count", metric: METRIC, unit: "h", start: 3600, field: "a\nb", count: 7 },
];

const refusal = (cell: Cell) =>
  new StorageError("refused", "Storage refuses a cell for good: too\nlarge", { cause: { cell } });

Deno.test("DeadLetters appends refused cells to the file beside the KV file, and names it", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const terminal = new FakeTerminal();
    const letters = new DeadLetters(`${folder}/traqq.db`, terminal);
    for (const cell of CELLS) letters.onError(refusal(cell));
    assertEquals(letters.path, `${folder}/traqq.db.refused.ndjson`);
    const lines = (await Deno.readTextFile(letters.path)).trimEnd().split("\n");
    assertEquals(lines.map((line) => JSON.parse(line).cell), [
      {
        type: "adv",
        unit: "d",
        start: 0,
        pattern: "geo",
        addKey: "amount",
        field: "US",
        sum: "-9000000000000.000001",
      },
      {
        type: "adv",
        unit: "d",
        start: 0,
        pattern: "geo",
        addKey: "amount",
        sketch: "AQL/",
      },
      {
        type: "adv",
        unit: "h",
        start: 3600,
        pattern: "geo",
        addKey: "amount",
        field: "a\nb",
        count: 7,
      },
    ]);
    // Said once, on one line.
    assertMatch(
      terminal.errText,
      /^\d{4}-\S+Z Storage refuses a cell for good: too large; kept in \S+\.refused\.ndjson\n$/,
    );
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("DeadLetters says when a cell cannot be kept", () => {
  const terminal = new FakeTerminal();
  new DeadLetters("/no/such/folder/traqq.db", terminal).onError(refusal(CELLS[2]));
  assertStringIncludes(terminal.errText, "it is lost, for /no/such/folder/traqq.db.refused.ndjson");
});

Deno.test("DeadLetters tells of events of the journal that were taken and cannot be counted again", () => {
  const terminal = new FakeTerminal();
  const letters = new DeadLetters("traqq.db", terminal, "d/refused.ndjson");
  for (let number = 1; number <= 300; number++) {
    letters.onError(
      new EventError(`Cannot count event ${number} of the journal again, which was recorded: late`),
    );
  }
  assertMatch(terminal.errText, /^\S+Z Cannot count event 1 of the journal again.*: late\n$/);
  assertEquals([letters.uncounted, letters.path], [300, "d/refused.ndjson"]);
});

Deno.test("DeadLetters is silent about events that were refused, and repeats no message", () => {
  const terminal = new FakeTerminal();
  const letters = new DeadLetters(undefined, terminal);
  letters.onError(new EventError("not an event"));
  assertEquals(terminal.errText, "");
  for (let i = 0; i < 100; i++) letters.onError(new StorageError("unavailable", "locked \x1b[31m"));
  assertEquals(terminal.errText.split("\n").length, 2);
  assertStringIncludes(terminal.errText, "locked \\x1b[31m");
  assertEquals(new DeadLetters(":memory:", terminal).path, "traqq.refused.ndjson");
});
