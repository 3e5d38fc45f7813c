import { assertEquals, assertThrows } from "@std/assert";
import { type MetricPath, readSelector, selects } from "../../src/engine/selector.ts";

Deno.test("readSelector() reads a path or the parts", () => {
  const want = (type: string, pattern: string, addKey?: string) => ({ type, pattern, addKey });
  assertEquals(readSelector("add/event"), want("add", "event"));
  assertEquals(readSelector("top/geo~event"), want("top", "event~geo"));
  assertEquals(readSelector("bmp/d~c~b~a"), want("bmp", "a~b~c~d"));
  assertEquals(readSelector("adv/geo~event/amount"), want("adv", "event~geo", "amount"));
  assertEquals(readSelector("adv/geo~event"), want("adv", "event~geo"));
  assertEquals(readSelector({ type: "add", key: "b~a" }), want("add", "a~b"));
  assertEquals(
    readSelector({ type: "adv", key: ["b", "a"], addKey: "n" }),
    want("adv", "a~b", "n"),
  );
  assertEquals(readSelector({ type: "adv", key: ["b"] }), want("adv", "b"));
});

Deno.test("readSelector() takes names with a slash where that is not ambiguous", () => {
  assertEquals(readSelector("add/a/b").pattern, "a/b");
  assertEquals(readSelector("adv/a/b/n"), { type: "adv", pattern: "a/b", addKey: "n" });
  assertEquals(readSelector({ type: "adv", key: "a", addKey: "x/y" }).addKey, "x/y");
});

Deno.test("readSelector() refuses what is no selector, and shows what would be one", () => {
  const bad = (selector: unknown, message: string) => {
    assertThrows(() => readSelector(selector as MetricPath), TypeError, message);
  };
  for (
    const selector of [
      "",
      "add",
      "sum/event",
      "event",
      "ADD/event",
      "/event",
      null,
      undefined,
      7,
      {},
    ]
  ) {
    bad(selector, 'Cannot find a metric: wanted "add/event", "bmp/ip", "top/event~geo"');
  }
  bad({ type: "add" }, "received {");
  bad({ key: "event" }, "Cannot find a metric");
  bad("add/", 'Cannot find "add/"');
  bad("adv/event/", 'Cannot find "adv/event/"');
  bad("adv//n", 'Cannot find "adv//n"');
  bad("add/a~~b", 'Cannot find "add/a~~b"');
  bad("add/a~a", "stands in it twice");
  bad("add/a:b", 'Cannot find "add/a:b"');
  bad({ type: "add", key: 7 }, "wanted property names joined by ~, received 7");
  bad({ type: "add", key: {} }, "Cannot find {");
  bad({ type: "add", key: "a", addKey: "n" }, "only adv has a summed property, add does not");
  bad({ type: "adv", key: "a", addKey: 7 }, "Cannot find {");
});

Deno.test("selects() compares type, pattern and, if given, what is summed", () => {
  const adv = { type: "adv", pattern: "a~b", addKey: "n" } as const;
  assertEquals(selects(readSelector("adv/b~a"), adv), true);
  assertEquals(selects(readSelector("adv/b~a/n"), adv), true);
  assertEquals(selects(readSelector("adv/b~a/m"), adv), false);
  assertEquals(selects(readSelector("adv/a"), adv), false);
  assertEquals(selects(readSelector("add/a~b"), adv), false);
});
