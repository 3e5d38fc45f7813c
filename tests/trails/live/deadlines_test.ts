import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { Deadlines } from "../../../src/trails/live/deadlines.ts";

Deno.test("Deadlines.take() gives the earliest, in any mix with add()", () => {
  fc.assert(
    fc.property(
      fc.array(fc.option(fc.integer({ min: 0, max: 50 })), { maxLength: 200 }),
      (steps) => {
        const deadlines = new Deadlines<string>();
        const model: number[] = [];
        for (const at of steps) {
          if (at !== null) {
            deadlines.add(at, `of ${at}`);
            model.push(at);
            model.sort((a, b) => a - b);
          } else if (model.length > 0) {
            const wanted = model.shift()!;
            assertEquals(deadlines.take(), { at: wanted, owner: `of ${wanted}` });
          }
          assertEquals([deadlines.next, deadlines.size], [model[0] ?? Infinity, model.length]);
        }
      },
    ),
  );
});
