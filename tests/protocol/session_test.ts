import { assertEquals, assertStringIncludes } from "@std/assert";
import { StorageError } from "../../src/base/errors.ts";
import { Session } from "../../src/protocol/session.ts";
import { Access } from "../../src/protocol/access.ts";
import { FakeTarget } from "./_fake_target.ts";

const RECORD = '{"cmd":"record","event":{}}';
const BAD_RECORD = '{"cmd":"record","event":null}';
const QUERY = '{"cmd":"query","min":0,"max":0}';
const OK = '{"success":true}\n';

/** Pushes every line, settling where it must and at the end. */
async function converse(session: Session, lines: readonly string[]): Promise<string[]> {
  const replies: string[] = [];
  for (const line of lines) if (!session.push(line)) replies.push(await session.settle());
  replies.push(await session.settle());
  return replies.join("").split("\n").slice(0, -1);
}

Deno.test("Session records neighbours together, and a query sees all before it and none after", async () => {
  const target = new FakeTarget();
  const replies = await converse(
    new Session(target),
    [RECORD, RECORD, "", '{"cmd":"ping","id":1}', RECORD, QUERY, RECORD, '{"cmd":"stats"}'],
  );
  assertEquals(target.calls, ["record 3", "query", "record 1", "stats"]);
  assertEquals(replies.slice(0, 4), [
    '{"success":true}',
    '{"success":true}',
    '{"success":true,"id":1}',
    '{"success":true}',
  ]);
  assertStringIncludes(replies[4], '"Count":3');
  assertEquals(replies.slice(5), ['{"success":true}', '{"success":true,"data":{"recorded":4}}']);
});

Deno.test("Session answers in order, errors in their places", async () => {
  const replies = await converse(
    new Session(new FakeTarget()),
    [BAD_RECORD, RECORD, "nonsense", '{"cmd":"record","event":null,"id":2}', RECORD],
  );
  assertEquals(replies.length, 5);
  assertEquals(replies.map((reply) => JSON.parse(reply).success), [
    false,
    true,
    false,
    false,
    true,
  ]);
  assertEquals(JSON.parse(replies[3]).id, 2);
});

Deno.test("Session replies with the error of the storage to every record that shared it", async () => {
  const target = new FakeTarget();
  target.failure = new StorageError("unavailable", "Cannot reach it");
  const counters = { commands: 0, errors: 0 };
  const session = new Session(target, { counters });
  const error = '{"success":false,"error":"Cannot reach it"}';
  assertEquals(await converse(session, [RECORD, '{"cmd":"ping"}', RECORD]), [
    error,
    '{"success":true}',
    error,
  ]);
  assertEquals(counters, { commands: 3, errors: 2 });
});

Deno.test("Session says which records were counted where its target was closed meanwhile", async () => {
  const target = new FakeTarget();
  const error = new StorageError("closed", "Cannot use a traqq that was closed");
  target.recordMany = () => Promise.resolve({ recorded: 1, rejected: [{ index: 1, error }] });
  const lines = [RECORD, RECORD, RECORD, '{"cmd":"record_many","events":[{},{},{}]}'];
  const replies = (await converse(new Session(target), lines)).map((reply) => JSON.parse(reply));
  assertEquals(replies.map(({ success }) => success), [true, false, false, true]);
  for (const { error } of replies.slice(1, 3)) assertStringIncludes(error, "it was not counted");
  const { recorded, rejected } = replies[3].data;
  assertEquals([recorded, rejected.map(({ index }: { index: number }) => index)], [1, [1, 2]]);
});

Deno.test("Session.settle waits for the records before it gives any reply", async () => {
  const target = new FakeTarget();
  const { promise, resolve } = Promise.withResolvers<void>();
  target.gate = promise;
  const session = new Session(target);
  session.push(RECORD);
  let settled = false;
  const settling = session.settle().then((text) => (settled = true, text));
  await new Promise((resolve) => setTimeout(resolve, 0));
  assertEquals(settled, false);
  resolve();
  assertEquals(await settling, OK);
});

Deno.test("Session.push asks for settle() before replies can pile up", async () => {
  const session = new Session(new FakeTarget());
  let count = 0;
  do count++; while (session.push("x"));
  assertEquals(count, 1024);
  assertEquals((await session.settle()).split("\n").length, 1025);
  assertEquals(await session.settle(), "");
});

Deno.test("Session ends after three wrong tokens and does nothing more", async () => {
  const target = new FakeTarget();
  const session = new Session(target, { access: new Access({ tokens: ["right"] }) });
  assertEquals(session.authorized, false);
  const wrong = '{"cmd":"auth","token":"wrong"}';
  await converse(session, [wrong, wrong]);
  assertEquals(session.ended, false);
  const replies = await converse(session, [wrong, '{"cmd":"auth","token":"right"}', RECORD]);
  assertEquals(replies.length, 1);
  assertStringIncludes(replies[0], "the connection is closed");
  assertEquals([session.ended, session.authorized, target.calls.length], [true, false, 0]);
});

Deno.test("Session tells a stranger about the token, not about the length of its line", async () => {
  const { ProtocolError } = await import("../../src/base/errors.ts");
  const session = new Session(new FakeTarget(), { access: new Access({ tokens: ["right"] }) });
  session.push(new ProtocolError("too long"));
  assertStringIncludes(await session.settle(), "without the token");
});
