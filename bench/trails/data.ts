/**
 * Data like Wikipedia's edits, made once by a seeded generator and the real `tdb`: most users edit a
 * little, a few very much, in bursts; a few titles are edited often, most of them once.
 *
 * @module
 */

export const TRAILS = 450_000;
export const EVENTS = 6_500_000;
const TITLES = 1_500_000;
const SPAN_SECONDS = 10 * 365 * 86_400;
/** Part of the file's name: another generator is another file. */
const VERSION = 1;

/** mulberry32: small, seeded, good enough for this. */
function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state = state + 0x6d2b79f5 | 0;
    let t = Math.imul(state ^ state >>> 15, 1 | state);
    t = t + Math.imul(t ^ t >>> 7, 61 | t) ^ t;
    return ((t ^ t >>> 14) >>> 0) / 2 ** 32;
  };
}

/** The TrailDB, made now if it is not there yet. */
export async function benchData(): Promise<string> {
  const folder = `${Deno.env.get("TMPDIR") ?? "/tmp"}/traqq-bench-trails`;
  const path = `${folder}/edits-${VERSION}`;
  try {
    await Deno.stat(`${path}.tdb`);
  } catch {
    await Deno.mkdir(folder, { recursive: true });
    const began = performance.now();
    await writeCsv(`${path}.csv`);
    const { success } = await new Deno.Command("tdb", {
      args: ["make", "-c", "-i", `${path}.csv`, "-o", path, "-f", "uuid,time,title,space,minor"],
    }).output();
    await Deno.remove(`${path}.csv`);
    if (!success) throw new Error("Cannot make the data: tdb failed; is traildb-cli installed?");
    console.log(`made ${path}.tdb in ${Math.round((performance.now() - began) / 1000)} s`);
  }
  return `${path}.tdb`;
}

async function writeCsv(path: string): Promise<void> {
  const random = generator(7);
  using file = await Deno.open(path, { create: true, write: true, truncate: true });
  const encoder = new TextEncoder();
  let lines: string[] = [];
  const flush = async () => {
    const bytes = encoder.encode(lines.join(""));
    for (let at = 0; at < bytes.length;) at += await file.write(bytes.subarray(at));
    lines = [];
  };
  for (const [user, count] of trailLengths(random).entries()) {
    const uuid = user.toString(16).padStart(32, "0");
    let time = 1_000_000_000 + Math.floor(random() * SPAN_SECONDS);
    for (let i = 0; i < count; i++) {
      // Five of six follow within minutes, the others after hours or weeks.
      time += random() < 5 / 6
        ? Math.floor(random() * 600)
        : Math.floor(1800 + 10 ** (3 + 3 * random()));
      // Titles by Zipf's law: the logarithm of the rank is even.
      const title = Math.floor(TITLES ** random());
      const space = random() < 0.7 ? 0 : Math.floor(random() * 16);
      lines.push(
        `${uuid} ${time} Title_${title.toString(36)} ${space} ${random() < 0.3 ? 1 : 0}\n`,
      );
    }
    if (lines.length > 50_000) await flush();
  }
  await flush();
}

/** How many events each trail has: one at least, together as many as there are. */
function trailLengths(random: () => number): Uint32Array {
  const weights = Float64Array.from({ length: TRAILS }, () => (1 - random()) ** -0.9);
  const sum = weights.reduce((a, b) => a + b, 0);
  const rest = EVENTS - TRAILS;
  const lengths = Uint32Array.from(weights, (weight) => 1 + Math.floor(rest * weight / sum));
  let missing = EVENTS - lengths.reduce((a, b) => a + b, 0);
  for (let i = 0; missing > 0; i = (i + 1) % TRAILS, missing--) lengths[i]++;
  return lengths;
}
