/**
 * Events per second over loopback: a server in a process of its own, this process as its client.
 *
 * ```sh
 * deno run --allow-all bench/tcp/load.ts [events, default 200000] [rounds, default 5]
 * ```
 * Each line is the median of the rounds; `of JSON.parse` is the time that `JSON.parse` alone needs for
 * the same events, divided by the time they took. Every round checks that the server counted them all.
 */
import { Client } from "../../src/client/client.ts";
import { recordLine, recordManyLine } from "../../src/protocol/commands.ts";

const EVENTS = Number(Deno.args[0] ?? 200_000);
const ROUNDS = Number(Deno.args[1] ?? 5);
const BATCH = 500;
const SOCKETS = 50;

const events = Array.from({ length: EVENTS }, (_, i) => ({
  event: i % 3 === 0 ? "purchase" : "view",
  ip: `10.${i % 7}.${i % 251}.${i % 13}`,
  geo: ["US", "DE", "FR", "JP"][i % 4],
  utm_source: "google",
  amount: (i % 10_000) / 100,
  ...Object.fromEntries(Array.from({ length: 12 }, (_, p) => [`property_${p}`, `value ${i % 17}`])),
}));
const jsons = events.map((event) => JSON.stringify(event));

const encoder = new TextEncoder();
const encode = (lines: string[]) => encoder.encode(lines.join(""));
const single = encode(jsons.map((json) => recordLine(json)));
const batched = encode(
  Array.from(
    { length: Math.ceil(EVENTS / BATCH) },
    (_, i) => recordManyLine(jsons.slice(i * BATCH, (i + 1) * BATCH)),
  ),
);
const shares = Array.from(
  { length: SOCKETS },
  (_, i) => encode(jsons.filter((_, j) => j % SOCKETS === i).map((json) => recordLine(json))),
);

const child = new Deno.Command(Deno.execPath(), {
  args: ["run", "--allow-all", new URL("server.ts", import.meta.url).pathname],
  stdout: "piped",
}).spawn();
const { value } = await child.stdout.getReader().read();
const port = Number(new TextDecoder().decode(value));
const client = await Client.connect(`127.0.0.1:${port}`);

/** Sends bytes on a socket of its own and reads replies until there are `lines`. */
async function exchange(bytes: Uint8Array, lines: number): Promise<void> {
  using conn = await Deno.connect({ port });
  const sending = (async () => {
    for (let at = 0; at < bytes.length;) at += await conn.write(bytes.subarray(at, at + (1 << 18)));
  })();
  const buffer = new Uint8Array(1 << 16);
  for (let seen = 0; seen < lines;) {
    const count = await conn.read(buffer);
    if (count === null) throw new Error("the server closed the connection");
    for (let i = 0; i < count; i++) if (buffer[i] === 10) seen++;
  }
  await sending;
}

async function pipelined() {
  const sent: Promise<void>[] = [];
  for (let i = 0; i < EVENTS; i++) {
    sent.push(client.record(events[i]));
    if (sent.length === 1000) await Promise.all(sent.splice(0));
  }
  await Promise.all(sent);
}

const candidates: [string, () => unknown][] = [
  ["JSON.parse alone", () => jsons.forEach((json) => JSON.parse(json))],
  ["one socket, record pipelined", () => exchange(single, EVENTS)],
  ["one socket, record_many of 500", () => exchange(batched, Math.ceil(EVENTS / BATCH))],
  [
    `${SOCKETS} sockets, record pipelined`,
    () =>
      Promise.all(
        shares.map((bytes, i) => exchange(bytes, Math.floor((EVENTS - 1 - i) / SOCKETS) + 1)),
      ),
  ],
  ["Client.record, 1,000 under way", pipelined],
  ["Client.recordMany", () => client.recordMany(events)],
];
const times = candidates.map((): number[] => []);
for (let round = 0; round < ROUNDS; round++) {
  for (const [i, [name, run]] of candidates.entries()) {
    const before = (await client.stats()).recorded as number;
    const startMs = performance.now();
    await run();
    times[i].push(performance.now() - startMs);
    const counted = (await client.stats()).recorded as number - before;
    if (i > 0 && counted !== EVENTS) throw new Error(`${name}: ${counted} of ${EVENTS} counted`);
  }
}
await client.close();
child.kill();
await child.status;

const median = (values: number[]) => values.toSorted((a, b) => a - b)[values.length >> 1];
console.log(`${EVENTS} events of ${Math.round(single.length / EVENTS)} bytes, ${ROUNDS} rounds`);
for (const [i, [name]] of candidates.entries()) {
  const ratio = median(times[i].map((ms, round) => times[0][round] / ms));
  console.log(
    `${name.padEnd(34)} ${
      Math.round(EVENTS / median(times[i]) * 1000).toLocaleString("en").padStart(10)
    }/s` +
      `  ${ratio.toFixed(2)} of JSON.parse`,
  );
}
