/**
 * "Did you mean": the nearest of the words there are.
 *
 * @module
 */

/** The word that `wrong` was probably meant to be, or undefined if none is near. */
export function nearest(wrong: string, words: readonly string[]): string | undefined {
  let best: string | undefined;
  let least = Math.max(1, Math.floor(wrong.length / 3)) + 1;
  for (const word of words) {
    const steps = word.startsWith(wrong) && wrong.length >= 2 ? 1 : distance(wrong, word);
    if (steps < least) {
      least = steps;
      best = word;
    }
  }
  return best;
}

/** ` — did you mean X?`, or nothing. */
export function suggestion(wrong: string, words: readonly string[], mark = ""): string {
  const word = nearest(wrong, words);
  return word === undefined ? "" : `; did you mean ${mark}${word}?`;
}

/** Letters to add, drop, change or swap with the next. */
function distance(a: string, b: string): number {
  let before: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      row[j] = Math.min(
        last[j] + 1,
        row[j - 1] + 1,
        last[j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1),
      );
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        row[j] = Math.min(row[j], before[j - 2] + 1);
      }
    }
    before = last;
    last = row;
  }
  return last[b.length];
}
