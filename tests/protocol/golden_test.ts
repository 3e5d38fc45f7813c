import { assertEquals } from "@std/assert";
import { LineSplitter } from "../../src/protocol/lines.ts";
import { Session } from "../../src/protocol/session.ts";
import { Access } from "../../src/protocol/access.ts";
import { serveTcp } from "../../src/server/tcp.ts";
import { MemoryStorage } from "../../src/storage/memory.ts";
import { Traqq } from "../../src/traqq.ts";
import { readTranscript, type Transcript, TRANSCRIPTS } from "./transcripts.ts";

/** Says how the bytes of a transcript are cut. */
type Cut = (bytes: Uint8Array) => Iterable<Uint8Array>;

const whole: Cut = (bytes) => [bytes];
function* bytewise(bytes: Uint8Array) {
  for (let at = 0; at < bytes.length; at++) yield bytes.subarray(at, at + 1);
}
function* linewise(bytes: Uint8Array) {
  for (let at = 0; at < bytes.length;) {
    const end = bytes.indexOf(10, at) + 1;
    yield bytes.subarray(at, end);
    at = end;
  }
}

async function throughSession(transcript: Transcript, sent: Uint8Array, cut: Cut): Promise<string> {
  await using traqq = await open(transcript);
  const access = transcript.token === undefined
    ? undefined
    : new Access({ tokens: [transcript.token] });
  const session = new Session(traqq, { access });
  const splitter = new LineSplitter();
  let out = "";
  for (const chunk of cut(sent)) {
    splitter.feed(chunk);
    for (let line = splitter.next(); line !== undefined; line = splitter.next()) {
      if (!session.push(line)) out += await session.settle();
    }
    out += await session.settle();
  }
  return out;
}

async function throughSocket(transcript: Transcript, sent: Uint8Array, cut: Cut): Promise<string> {
  await using traqq = await open(transcript);
  await using server = serveTcp(traqq, { port: 0, token: transcript.token });
  using conn = await Deno.connect({ port: server.addr.port });
  for (const chunk of cut(sent)) {
    for (let at = 0; at < chunk.length;) at += await conn.write(chunk.subarray(at));
  }
  await conn.closeWrite();
  return await new Response(conn.readable).text();
}

function open({ options }: Transcript): Promise<Traqq> {
  return Traqq.open({ ...options, storage: new MemoryStorage() });
}

const ways = { throughSession, throughSocket };
const cuts = { whole, linewise, bytewise };

for (const transcript of TRANSCRIPTS) {
  const { sent, replies } = readTranscript(transcript);
  for (const [way, run] of Object.entries(ways)) {
    for (const [how, cut] of Object.entries(cuts)) {
      Deno.test(`wire: ${transcript.name} (${way}, ${how})`, async () => {
        const out = await run(transcript, new TextEncoder().encode(sent), cut);
        const lines = out.split("\n");
        assertEquals(lines, replies.split("\n").map((line, i) => completed(line, lines[i])));
      });
    }
  }
}

/** An expected reply that ends in `…`, as it came, if it begins like that. */
function completed(expected: string, actual = ""): string {
  return expected.endsWith("…") && actual.startsWith(expected.slice(0, -1)) ? actual : expected;
}
