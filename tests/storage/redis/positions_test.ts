import { assertEquals } from "@std/assert";
import { beforeFirst } from "../../../src/storage/checkpoint.ts";
import { marksUpTo } from "../../../src/storage/redis/positions.ts";
import type { Checkpoint } from "../../../src/storage/storage.ts";

const at = (incarnation: string, flush: number, part = 0): Checkpoint => ({
  incarnation,
  flush,
  part,
});

/** Chunks that follow on each other. */
function chain(...checkpoints: Checkpoint[]) {
  return checkpoints.map((checkpoint, i) => ({
    checkpoint,
    previous: checkpoints[i - 1] ?? null,
  }));
}

const stored = (checkpoint: Checkpoint, generation: number) => ({
  checkpoint,
  generation,
  chain: "a",
  refused: "x",
});

/** As text: place, generation, what was before. */
function placed(...args: Parameters<typeof marksUpTo>) {
  const text = ({ incarnation, flush, part }: Checkpoint) => `${incarnation}${flush}.${part}`;
  return marksUpTo(...args).map(({ mark: { checkpoint, generation, chain, previous } }) =>
    `${text(checkpoint)} ${chain}${generation} after ` +
    (previous === null ? "nothing" : `${text(previous.checkpoint)} ${chain}${previous.generation}`)
  );
}

Deno.test("marksUpTo() counts incarnations back from what stands in storage", () => {
  const chunks = chain(at("a", 1), at("a", 1, 1), at("b", 1), at("c", 1), at("c", 2));
  assertEquals(placed(stored(at("c", 1), 3), chunks), [
    "a1.0 a1 after nothing",
    "a1.1 a1 after a1.0 a1",
    "b1.0 a2 after a1.1 a1",
    "c1.0 a3 after b1.0 a2",
  ]);
});

Deno.test("marksUpTo() ends at the oldest chunk that is kept, and where one is missing", () => {
  const chunks = chain(at("a", 1), at("a", 2), at("b", 1), at("b", 2), at("b", 3));
  assertEquals(placed(stored(at("b", 3), 2), chunks.slice(1)).at(0), "a2.0 a1 after a1.0 a1");
  assertEquals(placed(stored(at("b", 3), 2), chunks.toSpliced(2, 1)), [
    "b2.0 a2 after b1.0 a2",
    "b3.0 a2 after b2.0 a2",
  ]);
});

Deno.test("marksUpTo() of a checkpoint that no chunk has is nothing", () => {
  const chunks = chain(at("a", 1), at("a", 2));
  for (const checkpoint of [beforeFirst("a"), at("a", 3), at("b", 1), at("a", 1, 1)]) {
    assertEquals(placed(stored(checkpoint, 1), chunks), []);
  }
  assertEquals(placed(stored(at("a", 1), 1), []), []);
});
