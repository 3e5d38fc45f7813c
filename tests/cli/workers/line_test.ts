import { assertEquals, assertInstanceOf, assertRejects } from "@std/assert";
import { ConfigError } from "../../../src/base/errors.ts";
import { CliError, UsageError } from "../../../src/cli/errors.ts";
import { type Answers, Line } from "../../../src/cli/workers/line.ts";

interface Calls {
  double(value: number): number;
  fail(kind: "usage" | "config" | "other"): void;
}

const answers: Answers<Calls> = {
  double: (value) => Promise.resolve(2 * value),
  fail(kind) {
    if (kind === "usage") throw new UsageError("--x is wrong");
    if (kind === "config") throw new ConfigError("Cannot use x: it is wrong");
    throw new CliError("Cannot do x: it fails");
  },
};

function connected(): { line: Line<Calls, Calls>; close: () => void } {
  const { port1, port2 } = new MessageChannel();
  new Line<Calls, Calls>(port2, answers);
  return { line: new Line<Calls, Calls>(port1, answers), close: () => port1.close() };
}

Deno.test("Line.call() gives the other end's answer, to each its own", async () => {
  const { line, close } = connected();
  const all = await Promise.all([1, 2, 3].map((value) => line.call("double", value)));
  assertEquals(all, [2, 4, 6]);
  close();
});

Deno.test("Line.call() fails as the other end does, with the same exit code", async () => {
  const { line, close } = connected();
  const bad = async (kind: "usage" | "config" | "other", type: new () => Error, text: string) => {
    const error = await assertRejects(() => line.call("fail", kind), Error, text);
    assertInstanceOf(error, type);
  };
  await bad("usage", UsageError as new () => Error, "--x is wrong");
  await bad("config", ConfigError as new () => Error, "Cannot use x");
  await bad("other", CliError as new () => Error, "Cannot do x");
  close();
});

Deno.test("Line.break() fails what waits, and all that is called later", async () => {
  const { port1 } = new MessageChannel();
  const line = new Line<Calls, Calls>(port1, answers);
  const waiting = line.call("double", 1);
  line.break(new CliError("the other end is gone"));
  await assertRejects(() => waiting, CliError, "is gone");
  await assertRejects(() => line.call("double", 1), CliError, "is gone");
  port1.close();
});
