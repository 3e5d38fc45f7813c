import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { dayRange, endOf, readMoment, startOf } from "../../src/cli/dates.ts";
import { UsageError } from "../../src/cli/errors.ts";
import { readFlags } from "../../src/cli/flags.ts";
import { localSource, remoteSource } from "../../src/cli/source.ts";
import { Client } from "../../src/client/client.ts";
import { serveTcp } from "../../src/server/tcp.ts";
import { MemoryStorage } from "../../src/storage/memory.ts";
import { Traqq } from "../../src/traqq.ts";

const moment = (text: string) =>
  readMoment(
    readFlags([{ title: "", flags: [{ name: "from", value: "TIME", help: "" }] }], [
      `--from=${text}`,
    ]),
    "from",
  );

Deno.test("readMoment() tells days from instants", () => {
  assertEquals(moment("2026-11-01"), { kind: "day", date: "2026-11-01" });
  assertEquals(moment("2026-11-01T00:00:00Z"), { kind: "instant", seconds: 1793491200 });
  assertEquals(moment("2026-11-01T01:00:00+01:00"), { kind: "instant", seconds: 1793491200 });
  assertEquals(moment("1793491200"), { kind: "instant", seconds: 1793491200 });
  assertEquals(moment("-86400"), { kind: "instant", seconds: -86400 });
  assertEquals(moment("1793491200.9"), { kind: "instant", seconds: 1793491200 });
});

Deno.test("readMoment() refuses what is neither, and says what it wants", () => {
  const bad = (text: string, message: string) =>
    assertThrows(() => moment(text), UsageError, message);
  bad("2026-02-30", 'there is no such date as "2026-02-30"');
  bad("yesterday", "--from wants a day such as 2026-11-01");
  bad("2026-11-01T00:00:00", "--from wants a day such as 2026-11-01");
  bad("1793491200000", "looks like milliseconds");
  bad("01.11.2026", "--from wants a day");
});

/** A day in `timezone`, asked of a storage opened here and of a server: both must agree. */
async function range(timezone: string, date: string) {
  await using traqq = await Traqq.open({ storage: new MemoryStorage(), time: { timezone } });
  await using server = serveTcp(traqq, { port: 0 });
  await using client = await Client.connect(`127.0.0.1:${server.addr.port}`);
  const local = await dayRange(localSource(traqq), date);
  assertEquals(await dayRange(remoteSource(client), date), local);
  return local;
}

Deno.test("dayRange() is from the first to the last second of a day of the source's zone", async () => {
  const seconds = (text: string) => Date.parse(text) / 1000;
  const ok = async (zone: string, date: string, from: string, hours: number) => {
    const start = seconds(from);
    assertEquals(await range(zone, date), { from: start, to: start + hours * 3600 - 1 });
  };
  await ok("UTC", "2026-11-01", "2026-11-01T00:00:00Z", 24);
  await ok("Europe/Berlin", "2026-10-25", "2026-10-24T22:00:00Z", 25);
  await ok("America/New_York", "2026-03-08", "2026-03-08T05:00:00Z", 23);
  await ok("Asia/Kathmandu", "2026-11-01", "2026-10-31T18:15:00Z", 24);
  await ok("Pacific/Kiritimati", "2026-11-01", "2026-10-31T10:00:00Z", 24);
});

Deno.test("dayRange() knows that a zone skipped a day", async () => {
  await assertRejects(
    () => range("Pacific/Apia", "2011-12-30"),
    UsageError,
    "There is no 2011-12-30 in the time zone of the data",
  );
});

Deno.test("startOf() and endOf() take an instant as it is", async () => {
  await using traqq = await Traqq.open({ storage: new MemoryStorage() });
  const source = localSource(traqq);
  const instant = { kind: "instant", seconds: 1793500000 } as const;
  assertEquals([await startOf(source, instant), await endOf(source, instant)], [
    1793500000,
    1793500000,
  ]);
  const day = { kind: "day", date: "9999-12-31" } as const;
  assertEquals(await endOf(source, day), 253_402_300_799);
});
