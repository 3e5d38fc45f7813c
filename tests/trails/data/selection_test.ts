import { assertEquals, assertThrows } from "@std/assert";
import {
  type EventFilter,
  readExcluded,
  readFilter,
  readWindows,
  type RunOptions,
  TrailData,
  TrailProgram,
  TrailsError,
} from "../../../src/trails/mod.ts";

const DATA = TrailData.fromEvents(
  ["1:a:x", "2:b:x", "3:a:y", "4:b:y"].flatMap((one) => {
    const [time, type, other] = one.split(":");
    return ["u", "v"].map((user) => ({ user, time: Number(time), type, other }));
  }),
  { by: "user" },
);

async function seen(options: RunOptions): Promise<string[]> {
  const text = "s ->\n  receive\n    * -> yield cookie,timestamp,cookie_timestamp_filter_start," +
    "cookie_timestamp_filter_end to #s, repeat\n";
  return [...(await TrailProgram.parse(text).run(DATA, options)).set("#s")];
}

/** The times that pass, of one user. */
async function passing(clauses: EventFilter["clauses"]): Promise<string> {
  const all = await seen({ filter: readFilter({ clauses }), exclude: new Set(["v"]) });
  return all.map((text) => text.split(",")[1]).join("");
}

Deno.test("filter: every clause must hold, and one condition of each", async () => {
  const is = (field: string, value: string, op?: string) => ({ field, value, ...(op && { op }) });
  assertEquals(await passing([[is("type", "a")]]), "13");
  assertEquals(await passing([[is("type", "a")], [is("other", "y")]]), "3");
  assertEquals(await passing([[is("type", "a"), is("other", "y")]]), "134");
  assertEquals(await passing([[is("type", "a", "notequal")]]), "24");
  assertEquals(await passing([[is("type", "a", "anything")]]), "13");
  assertEquals(await passing([[is("type", "never")]]), "");
  assertEquals(await passing([[is("type", "never", "notequal")]]), "1234");
});

Deno.test("filter: a field that is not there is the empty text; no clause and an empty one pass nothing", async () => {
  assertEquals(await passing([[{ field: "none", value: "" }]]), "1234");
  assertEquals(await passing([[{ field: "none", value: "x" }]]), "");
  assertEquals(await passing([[{ field: "none", value: "", op: "notequal" }]]), "");
  assertEquals(await passing([[{ field: "none", value: "x", op: "notequal" }]]), "1234");
  assertEquals(await passing([]), "");
  assertEquals(await passing([[]]), "");
});

Deno.test("readFilter() says what it wants", () => {
  const bad = (value: unknown, message: string) =>
    assertThrows(() => readFilter(value), TrailsError, message);
  bad([], 'Cannot use the filter: wanted {"clauses"');
  bad({ clauses: [1] }, "wanted an array of conditions as a clause, received 1");
  bad({ clauses: [[{ field: "a", value: 1 }]] }, "all of it text, received");
});

Deno.test("window file: events from start up to but not end, of the users in it only; 0 is open", async () => {
  assertEquals(await seen({ windows: readWindows("u,2,4\n") }), ["u,2,2,4", "u,3,2,4"]);
  assertEquals(await seen({ windows: readWindows("v,0,2\nnobody,0,0\n") }), ["v,1,0,2"]);
  assertEquals((await seen({ windows: readWindows("v,3,0") })).length, 2);
});

Deno.test("window file: with an id a user has several windows, each a run of its own", async () => {
  const windows = readWindows("u,1,2,first\r\nu,3,9,second\r\n");
  assertEquals(await seen({ windows }), ["first,1,1,2", "second,3,3,9", "second,4,3,9"]);
});

Deno.test("exclude file: users that are left out, also of a window file", async () => {
  assertEquals(readExcluded("u\nv\r\n\n"), new Set(["u", "v"]));
  assertEquals((await seen({ exclude: readExcluded("u\n") })).length, 4);
  const windows = readWindows("u,0,0\nv,4,0\n");
  assertEquals(await seen({ windows, exclude: readExcluded("u\n") }), ["v,4,4,0"]);
});

Deno.test("readWindows() says which line is wrong", () => {
  const bad = (text: string, message: string) =>
    assertThrows(() => readWindows(text), TrailsError, message);
  bad("u,1,2\nu;1;2\n", "Cannot use line 2 of the window file: wanted user,start,end");
  bad("u,1,2\nu,3,4\n", 'Cannot use line 2 of the window file: "u,3,4" is there twice');
  bad("u,-1,2\n", "Cannot use line 1");
});
