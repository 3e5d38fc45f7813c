/**
 * Bar charts of block characters: horizontal ones with eighths of a column, and standing ones with
 * eighths of a line. Negative values have no bar.
 *
 * @module
 */

const LYING = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];
const STANDING = [" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"];

/** A lying bar of at most `columns` columns; the longest is for `max`. A value above 0 is always seen. */
export function lyingBar(value: number, max: number, columns: number): string {
  const eighths = eighthsOf(value, max, columns);
  return "█".repeat(Math.floor(eighths / 8)) + LYING[eighths % 8];
}

/**
 * Standing bars side by side, as lines from the top down. Each takes `step` columns, the last of them
 * a gap if there are several. Undefined values are left blank.
 */
export function standingBars(
  values: readonly (number | undefined)[],
  { max, height, step = 1 }: { max: number; height: number; step?: number },
): string[] {
  const barWidth = Math.max(1, step - 1);
  const gap = " ".repeat(step - barWidth);
  const eighths = values.map((value) => eighthsOf(value ?? 0, max, height));
  const lines: string[] = [];
  for (let line = height - 1; line >= 0; line--) {
    lines.push(
      eighths.map((size) => STANDING[Math.min(8, Math.max(0, size - line * 8))].repeat(barWidth))
        .join(gap).trimEnd(),
    );
  }
  return lines;
}

function eighthsOf(value: number, max: number, cells: number): number {
  if (!(value > 0) || !(max > 0)) return 0;
  return Math.max(1, Math.min(cells * 8, Math.round((value / max) * cells * 8)));
}
