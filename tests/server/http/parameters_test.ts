import { assertEquals, assertThrows } from "@std/assert";
import { checkParameters, oneOf, readAt, readTime } from "../../../src/server/http/parameters.ts";
import { Problem } from "../../../src/server/http/problem.ts";

const of = (query: string) => new URLSearchParams(query);

function refused(read: () => unknown, message: string): void {
  const problem = assertThrows(read, Problem, message);
  assertEquals(problem.status, 400);
}

Deno.test("checkParameters() refuses names that are not known, and twice what stands once", () => {
  checkParameters(of("at=1&accept=a&accept=b"), ["at", "accept"], ["accept"]);
  checkParameters(of(""), []);
  refused(() => checkParameters(of("merg=true"), ["merge", "q"]), "there are only merge, q");
  refused(() => checkParameters(of("at=1&at=1"), ["at"]), "give it once");
});

Deno.test("readAt() reads instants in the precision that is given, and no day", () => {
  assertEquals(readAt(of("")), undefined);
  assertEquals(readAt(of("at=1767225600"))?.toISOString(), "2026-01-01T00:00:00.000Z");
  assertEquals(
    readAt(of("at=1767225600000&precision=ms"))?.toISOString(),
    "2026-01-01T00:00:00.000Z",
  );
  refused(() => readAt(of("at=1767225600000")), "for milliseconds give precision=ms");
  refused(() => readAt(of("at=2026-01-01")), "wanted a time such as 2026-01-01T12:00:00Z");
  refused(() => readAt(of("at=1&precision=us")), "Cannot read precision: wanted s or ms");
});

Deno.test("readTime() takes a plus that a query string has made a space", () => {
  const at = of("from=2026-01-01T01:00:00+01:00").get("from")!;
  assertEquals(readTime("from", at, "s"), { kind: "instant", seconds: 1767225600 });
  assertEquals(readTime("from", "2026-01-01", "s"), { kind: "day", date: "2026-01-01" });
  refused(() => readTime("from", "noon", "s"), "Cannot read from: wanted a day");
});

Deno.test("oneOf() takes its words exactly", () => {
  assertEquals(oneOf(of("unit=h"), "unit", ["d", "h"]), "h");
  assertEquals(oneOf(of(""), "unit", ["d", "h"]), undefined);
  refused(() => oneOf(of("unit=H"), "unit", ["d", "h"]), "wanted d or h, received");
  refused(() => oneOf(of("unit="), "unit", ["d", "h"]), "wanted d or h, received");
});
