/** What is compiled gives what the interpreter gives: random programs on random trails. */
import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { ProgramError, TrailData, TrailProgram } from "../../src/trails/mod.ts";
import { choosyProgram, randomEvents, type RandomProgram, randomProgram } from "./_random.ts";
import { reference, type TestEvent } from "./_reference.ts";

/** Some programs cannot be: a foreach without a condition on its variable, an after 0s to itself. */
function isProgram({ text }: RandomProgram, compat: "trck" | undefined): boolean {
  try {
    TrailProgram.parse(text, { compat });
    return true;
  } catch (error) {
    if (error instanceof ProgramError && /compares %v|comes back|beside/.test(error.message)) {
      return false;
    }
    throw new Error(`${text}\n${error}`);
  }
}

async function agree(
  { text, parameters }: RandomProgram,
  events: readonly TestEvent[],
  compat: "trck" | undefined,
): Promise<void> {
  const wanted = JSON.stringify(reference(text, events, compat, parameters));
  const data = TrailData.fromEvents(events, { by: "user" });
  for (const generateCode of [true, false]) {
    const result = await TrailProgram.parse(text, { compat }).run(data, {
      parameters,
      generateCode,
      workers: 1,
    });
    assertEquals(JSON.stringify(result), wanted, `${text}\n${generateCode}`);
  }
}

for (const compat of [undefined, "trck"] as const) {
  const programs = compat === "trck"
    ? randomProgram(true)
    : fc.oneof(randomProgram(false), choosyProgram);
  Deno.test(`TrailProgram.run() of random programs is the interpreter's, compat ${compat}`, async () => {
    let ran = 0;
    await fc.assert(
      fc.asyncProperty(programs, randomEvents, async (program, events) => {
        // The original wants the field of a foreach to be there.
        if (!isProgram(program, compat) || events.length === 0) return;
        ran++;
        await agree(program, events, compat);
      }),
      { numRuns: 500 },
    );
    if (ran < 200) throw new Error(`only ${ran} programs could be run`);
  });
}

const LOOP = `foreach %v in @list
  start ->
    receive
      a = %v -> yield $starts, session
  session ->
    receive
      b = "x" -> yield a,b to &pairs, yield sum n to $sum, session
      * -> yield cookie to ^users, yield b to #seen, session
    after 5s -> yield timestamp,start_timestamp to &ends, start
`;
const PLAIN = `start ->
  receive
    a = "x" -> yield n to &ns, yield a,b to &pairs, yield avg n to $avg, yield b to ^bs, repeat
    * -> yield $others, yield cookie to #users, repeat
`;

for (const [name, text] of [["a loop", LOOP], ["no loop", PLAIN]]) {
  Deno.test(`TrailProgram.run() of ${name} is the same on any number of workers`, async () => {
    const parameters = { "@list": [["x"], ["y"], ["none"]] };
    const events = fc.sample(randomEvents, { numRuns: 200, seed: 8 }).flatMap((some, at) =>
      some.map((event) => ({ ...event, user: `${event.user}-${at}` }))
    );
    const data = TrailData.fromEvents(events, { by: "user" });
    const program = TrailProgram.parse(text);
    const wanted = JSON.stringify(reference(text, events, undefined, parameters));
    for (const workers of [1, 2, 3]) {
      const result = await program.run(data, { parameters, workers });
      assertEquals(JSON.stringify(result), wanted);
    }
  });
}
