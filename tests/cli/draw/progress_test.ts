import { assertEquals } from "@std/assert";
import { Progress, progressLine } from "../../../src/cli/draw/progress.ts";
import { widthOf } from "../../../src/cli/draw/text.ts";
import { FakeTerminal } from "../_fake_terminal.ts";

const STATE = { share: 0.5, events: 12_345, rejected: 3 };

Deno.test("progressLine() shows all of it where there is room", () => {
  assertEquals(
    progressLine("events.ndjson", STATE, 10, 100),
    "events.ndjson  ███████████████░░░░░░░░░░░░░░░   50%  12,345 events  3 rejected  1,235/s",
  );
});

Deno.test("progressLine() leaves out what matters least, at every width", () => {
  for (let columns = 1; columns <= 120; columns++) {
    const line = progressLine("a-rather-long-name.ndjson.gz", STATE, 10, columns);
    assertEquals(widthOf(line) <= columns, true, `${columns}: ${line}`);
    if (columns >= 20) assertEquals(line.includes("12,345 events"), true, `${columns}: ${line}`);
  }
});

Deno.test("progressLine() has no bar where nobody knows the end", () => {
  assertEquals(
    progressLine("standard input", { ...STATE, share: undefined }, 10, 80),
    "standard input  12,345 events  3 rejected  1,235/s",
  );
});

Deno.test("Progress writes to a terminal only, and wipes its line", () => {
  const pipe = new FakeTerminal();
  new Progress(pipe, "x").update(STATE);
  assertEquals(pipe.errText, "");

  const terminal = new FakeTerminal({ errColumns: 80 });
  const progress = new Progress(terminal, "x");
  progress.update(STATE);
  progress.update(STATE); // a moment later: not drawn again
  progress.stop();
  assertEquals(terminal.errText.split("\r\x1b[K").length, 3);
  assertEquals(terminal.errText.endsWith("\r\x1b[K"), true);
});
