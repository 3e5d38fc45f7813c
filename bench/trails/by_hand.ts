/**
 * The same questions as loops that someone would write for just this, over the same reader of files.
 *
 * @module
 */
import type { TrailSource } from "../../src/trails/data/source.ts";
import type { Parameters } from "../../src/trails/mod.ts";
import { HyperLogLog } from "../../src/sketch/hyperloglog.ts";

const GAP_SECONDS = 1800;

/** The answer as JSON has it. */
type ByHand = (source: TrailSource, parameters: Parameters) => unknown;

/** By the name of the question. */
export const byHand: Readonly<Record<string, ByHand>> = {
  sessions(source) {
    const reader = source.reader();
    let sessions = 0;
    for (let trail = 0; trail < source.trailCount; trail++) {
      reader.read(trail);
      const { times, start, end } = reader;
      let last = -Infinity;
      for (let i = start; i < end; i++) {
        if (times[i] >= last + GAP_SECONDS) sessions++;
        last = times[i];
      }
    }
    return { $sessions: sessions };
  },

  titles(source) {
    const counts = countTitles(source);
    const dictionary = source.dictionaries[source.fields.indexOf("title")];
    const found: [string, number][] = [];
    for (let id = 0; id < counts.length; id++) {
      if (counts[id] > 0) found.push([dictionary.text(id), counts[id]]);
    }
    found.sort(([a], [b]) => a < b ? -1 : 1);
    return { "&titles": Object.fromEntries(found) };
  },

  foreach(source, { "@list": list }) {
    const counts = countTitles(source);
    const titles = (list as [string][]).map(([title]) => title);
    const ids = source.dictionaries[source.fields.indexOf("title")].find(titles);
    return titles.map((title, i) => ({
      "%title": title,
      $edits: ids[i] < 0 ? 0 : counts[ids[i]],
    }));
  },

  sketches(source) {
    const titles = source.fields.indexOf("title"), spaces = source.fields.indexOf("space");
    const width = source.dictionaries[spaces].size;
    const seen = new Uint8Array(source.dictionaries[titles].size * width);
    forEachEvent(source, (columns, i) => {
      seen[columns[titles][i] * width + columns[spaces][i]] = 1;
    });
    const one = new HyperLogLog(), two = new HyperLogLog();
    for (let title = 0; title * width < seen.length; title++) {
      const text = source.dictionaries[titles].text(title);
      let isSeen = false;
      for (let space = 0; space < width; space++) {
        if (seen[title * width + space] === 0) continue;
        isSeen = true;
        two.add(`${text},${source.dictionaries[spaces].text(space)}`);
      }
      if (isSeen) one.add(text);
    }
    return { "^titles": one.count(), "^pairs": two.count() };
  },
};

function countTitles(source: TrailSource): Float64Array {
  const column = source.fields.indexOf("title");
  const counts = new Float64Array(source.dictionaries[column].size);
  forEachEvent(source, (columns, i) => {
    counts[columns[column][i]]++;
  });
  return counts;
}

/** Equal neighbours are one, as in all TrailDB files. */
function forEachEvent(
  source: TrailSource,
  see: (columns: readonly Uint32Array[], i: number) => void,
): void {
  const reader = source.reader();
  for (let trail = 0; trail < source.trailCount; trail++) {
    reader.read(trail);
    const { times, columns, start, end } = reader;
    for (let i = start; i < end; i++) {
      if (i > start && times[i] === times[i - 1] && columns.every((one) => one[i] === one[i - 1])) {
        continue;
      }
      see(columns, i);
    }
  }
}
