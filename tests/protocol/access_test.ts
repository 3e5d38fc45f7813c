import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { FakeTime } from "@std/testing/time";
import { SignJWT, UnsecuredJWT } from "jose";
import { Access, allows, type Grant } from "../../src/protocol/access.ts";
import { Session } from "../../src/protocol/session.ts";
import { FakeTarget } from "./_fake_target.ts";

const SECRET = "a secret of a test, 32 bytes long";

function jwt(claims: Record<string, unknown>, secret = SECRET, alg = "HS256"): Promise<string> {
  return new SignJWT(claims).setProtectedHeader({ alg }).sign(new TextEncoder().encode(secret));
}

const soon = () => Math.floor(Date.now() / 1000) + 60;

Deno.test("Access.enter() knows each token and its right, and no other", async () => {
  const access = new Access({
    tokens: ["everything", { token: "writer", right: "record" }, {
      token: "reader",
      right: "read",
    }],
  });
  const rightOf = async (token: string) => {
    const entered = await access.enter(token, "a");
    return typeof entered === "string" ? entered : entered.right;
  };
  assertEquals(await rightOf("everything"), "all");
  assertEquals(await rightOf("writer"), "record");
  assertEquals(await rightOf("reader"), "read");
  for (const other of ["", "everythin", "everything ", "Writer", "a.b.c"]) {
    assertEquals(await rightOf(other), "wrong", other);
  }
});

Deno.test("Access.enter() blocks an address with too many wrong tokens", async () => {
  const access = new Access({ tokens: ["right"] });
  for (let i = 0; i < 20; i++) assertEquals(await access.enter("wrong", "a"), "wrong");
  assertEquals(await access.enter("wrong", "a"), "blocked");
  assertEquals(await access.enter("right", "a"), "blocked");
  assertEquals(typeof await access.enter("right", "b"), "object");
});

Deno.test("Access.enter() takes a JWT with an expiry and a right", async () => {
  const access = new Access({ jwtSecret: SECRET });
  const exp = soon();
  const ok = async (rights: unknown, right: string) =>
    assertEquals(await access.enter(await jwt({ exp, rights }), "a"), {
      right,
      expiresAtMs: exp * 1000,
    } as Grant);
  await ok("record", "record");
  await ok("read", "read");
  await ok("all", "all");
  await ok(["read"], "read");
  await ok(["read", "read"], "read");
  await ok(["read", "record"], "all");
  await ok(["all", "read"], "all");
});

Deno.test("Access.enter() takes no JWT that is expired, unsigned, or says nothing it knows", async () => {
  const exp = soon(), rights = "all";
  const bad = {
    "another secret": await jwt({ exp, rights }, "another secret of a test, 32 bytes"),
    "no expiry": await jwt({ rights }),
    "expired": await jwt({ exp: Math.floor(Date.now() / 1000) - 1, rights }),
    "not yet": await jwt({ exp, rights, nbf: exp - 5 }),
    "no rights": await jwt({ exp }),
    "other rights": await jwt({ exp, rights: ["read", "admin"] }),
    "empty rights": await jwt({ exp, rights: [] }),
    "another algorithm": await jwt({ exp, rights }, SECRET.repeat(2), "HS512"),
    "no signature": new UnsecuredJWT({ exp, rights }).encode(),
    "cut": (await jwt({ exp, rights })).slice(0, -1),
    "dots": "..",
  };
  for (const [name, token] of Object.entries(bad)) {
    const access = new Access({
      jwtSecret: name === "another algorithm" ? SECRET.repeat(2) : SECRET,
    });
    assertEquals(await access.enter(token, "a"), "wrong", name);
  }
  // Without the secret there are none.
  const none = new Access({ tokens: ["t"] });
  assertEquals(await none.enter(await jwt({ exp, rights }), "a"), "wrong");
});

Deno.test("allows() holds until the grant expires", () => {
  using time = new FakeTime(1000);
  const grant = { right: "read", expiresAtMs: 2000 } as const;
  assertEquals([allows(grant, "read"), allows(grant, "record")], [true, false]);
  time.tick(999);
  assertEquals(allows(grant, "read"), true);
  time.tick(1);
  assertEquals(allows(grant, "read"), false);
});

Deno.test("Access.of() is undefined where there is no token, and what it is given where it is one", () => {
  assertEquals(Access.of(undefined), undefined);
  assertEquals(Access.of({}), undefined);
  assertEquals(Access.of({ tokens: [] }), undefined);
  const access = Access.of({ jwtSecret: SECRET })!;
  assert(Access.of(access) === access);
});

Deno.test("Access shows its tokens nowhere", () => {
  const access = new Access({ tokens: ["hunter2 hunter2"], jwtSecret: SECRET });
  const shown = `${Deno.inspect(access, { depth: 9 })}${JSON.stringify(access)}`;
  assertEquals([shown.includes("hunter2"), shown.includes("a secret")], [false, false]);
});

const RECORD = '{"cmd":"record","event":{"event":"a"}}';
const QUERY = '{"cmd":"query","min":0,"max":0}';

async function converse(session: Session, ...lines: string[]): Promise<string[]> {
  let replies = "";
  for (const line of lines) if (!session.push(line)) replies += await session.settle();
  return (replies + await session.settle()).trimEnd().split("\n");
}

Deno.test("Session lets a token do what its right says, over TCP", async () => {
  const access = new Access({
    tokens: [{ token: "writer", right: "record" }, { token: "reader", right: "read" }],
  });
  const target = new FakeTarget();
  const writer = new Session(target, { access });
  const written = await converse(writer, '{"cmd":"auth","token":"writer"}', RECORD, QUERY, RECORD);
  assertEquals(written.map((line) => JSON.parse(line).success), [true, true, false, true]);
  assertStringIncludes(written[2], "it has only the right record; use one with the right read");
  const reader = new Session(target, { access });
  const many = '{"cmd":"record_many","events":[{"event":"a"}]}';
  const stats = '{"cmd":"stats"}', ping = '{"cmd":"ping"}';
  const read = await converse(
    reader,
    ...['{"cmd":"auth","token":"reader"}', RECORD, many, QUERY, stats, ping],
  );
  assertEquals(read.map((line) => JSON.parse(line).success), [
    true,
    false,
    false,
    true,
    true,
    true,
  ]);
  assertEquals(target.counted, 2);
});

Deno.test("Session ends what a JWT allows when that expires", async () => {
  const access = new Access({ jwtSecret: SECRET });
  const session = new Session(new FakeTarget(), { access });
  const token = await jwt({ exp: soon(), rights: "all" });
  assertEquals((await converse(session, JSON.stringify({ cmd: "auth", token }), RECORD)).length, 2);
  using _time = new FakeTime(Date.now() + 61_000);
  const [reply] = await converse(session, RECORD);
  assertStringIncludes(reply, "the token has expired");
});

Deno.test("Session tells an address that is blocked to wait, whatever it sends", async () => {
  const access = new Access({ tokens: ["right"] });
  for (let i = 0; i < 20; i++) await access.enter("wrong", "192.0.2.1");
  const session = new Session(new FakeTarget(), { access, address: "192.0.2.1" });
  const [reply] = await converse(session, '{"cmd":"auth","token":"right"}');
  assertStringIncludes(reply, "too many wrong tokens");
  assertEquals(session.authorized, false);
});
