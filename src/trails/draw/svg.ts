/**
 * A program as an SVG picture that needs nothing else: each block is a card with a row for each thing
 * it does, cards stand in their windows one below the other, and arrows run beside them. Arrows that
 * lead to the same place share a line, so that few lines are drawn and none crosses a text.
 *
 * @module
 */
import type { Program } from "../language/program.ts";
import { loopsOf, type Node, nodesOf, type Row, rowOfWindow, rowsOfState } from "./picture.ts";

const CHAR = 7.25;
const LINE = 18;
const PAD = 12;
const GAP = 18;
const INSET = 14;
const LANE = 14;
const MAX_CHARS = 100;
const MIN_WIDTH = 220;
/** Of lines; dark enough on white. */
const COLOURS = ["#2563eb", "#c2410c", "#15803d", "#9333ea", "#be123c", "#0e7490", "#a16207"];

/** An arrow: from the right edge of a row to the head of a block or window. */
interface Arrow {
  readonly x: number;
  readonly y: number;
  readonly to: string;
  readonly isDeadline: boolean;
}

/** Arrows that lead to one place, and the lane that they share. */
interface Group {
  readonly to: string;
  readonly arrows: readonly Arrow[];
  readonly top: number;
  readonly bottom: number;
  lane: number;
}

/** The text of the picture. */
export function drawSvg(program: Program): string {
  return new Drawing(program).draw();
}

class Drawing {
  readonly #program: Program;
  readonly #shapes: string[] = [];
  readonly #arrows: Arrow[] = [];
  /** Where arrows to a block or window end, by its name here: `s0`, `w0`. */
  readonly #heads = new Map<string, { x: number; y: number }>();
  #y = PAD;
  #width = 0;

  constructor(program: Program) {
    this.#program = program;
  }

  draw(): string {
    const nodes = nodesOf(this.#program);
    const loops = loopsOf(this.#program);
    const depth = Math.max(...this.#program.states.map(({ windows }) => windows.length));
    this.#width = 2 * PAD + 2 * INSET * depth +
      Math.max(MIN_WIDTH, ...this.#texts().map(widthOf));
    for (const loop of loops) {
      this.#text(PAD, this.#y + 13, loop, "loop");
      this.#y += LINE + 4;
    }
    this.#nodes(nodes, 0);
    const lanes = this.#lanes();
    const width = this.#width + 2 * PAD + LANE * (lanes + 1);
    const height = this.#y - GAP + PAD;
    return [
      `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" ` +
      `width="${width}" height="${height}" role="img" aria-label="${xml(this.#label())}">`,
      STYLE,
      `<rect width="${width}" height="${height}" fill="#fff"/>`,
      ...this.#shapes,
      "</svg>",
      "",
    ].join("\n");
  }

  #label(): string {
    return `A state machine with the blocks ${
      this.#program.states.map(({ name }) => name).join(", ")
    }`;
  }

  /** Every text that must fit. */
  #texts(): string[] {
    const { states, windows } = this.#program;
    const rows = [
      ...states.flatMap((_, state) => rowsOfState(this.#program, state)),
      ...windows.map((_, window) => rowOfWindow(this.#program, window)),
    ];
    return [
      ...[...states, ...windows].map(({ name }) => `${cut(name)}    `),
      ...rows.flatMap(({ when, yields, target }) => [
        // The sign stands at the right, whatever is cut.
        `${cut(when)}   ${this.#sign(target)}`,
        ...yields.map((one) => cut(`  ${one}`)),
      ]),
    ];
  }

  /** Where a row leads, in words. */
  #sign(target: Row["target"]): string {
    if (target.kind !== "enter") return target.kind === "quit" ? "quit" : "↻";
    const { states, windows } = this.#program;
    const { name } = target.window === undefined ? states[target.state] : windows[target.window];
    return `→ ${cut(name)}`;
  }

  #nodes(nodes: readonly Node[], depth: number): void {
    const x = PAD + INSET * depth;
    const width = this.#width - 2 * INSET * depth;
    for (const node of nodes) {
      const top = this.#y;
      const isState = node.kind === "state";
      this.#heads.set(`${isState ? "s" : "w"}${node.index}`, { x: x + width, y: top + 15 });
      // What is drawn later lies above: the box first, of a height that is known later.
      const box = this.#shapes.push("") - 1;
      this.#text(x + PAD, top + 20, node.name, isState ? "name" : "window");
      if (isState && node.index === 0) {
        this.#shapes.push(`<circle class="begin" cx="${x + width - 26}" cy="${top + 15}" r="5"/>`);
      }
      this.#y = top + 30;
      if (node.kind === "state") {
        for (const row of rowsOfState(this.#program, node.index)) this.#row(row, x, width);
      } else {
        this.#y += 4;
        this.#nodes(node.nodes, depth + 1);
        this.#y -= GAP - 8;
        this.#row(rowOfWindow(this.#program, node.index), x, width);
      }
      this.#y += 4;
      this.#shapes[box] = `<rect class="${isState ? "card" : "frame"}" x="${x}" y="${top}" ` +
        `width="${width}" height="${this.#y - top}" rx="${isState ? 6 : 10}"/>` +
        (isState ? `<path class="rule" d="M${x} ${top + 29}h${width}"/>` : "");
      this.#y += GAP;
    }
  }

  #row({ when, yields, target, isDeadline }: Row, x: number, width: number): void {
    const middle = this.#y + 13;
    this.#text(x + PAD, this.#y + 17, when, isDeadline ? "after" : "when");
    this.#y += LINE;
    for (const one of yields) {
      this.#text(x + PAD + 2 * CHAR, this.#y + 17, one, "yield");
      this.#y += LINE;
    }
    this.#y += 6;
    this.#shapes.push(
      `<text class="sign" x="${x + width - PAD}" y="${middle + 4}" text-anchor="end">` +
        `${xml(this.#sign(target))}</text>`,
    );
    if (target.kind !== "enter") return;
    const to = target.window === undefined ? `s${target.state}` : `w${target.window}`;
    this.#arrows.push({ x: x + width, y: middle, to, isDeadline });
  }

  /** Draws the arrows beside the cards. @returns how many lanes they take */
  #lanes(): number {
    const groups = [...Map.groupBy(this.#arrows, ({ to }) => to)].map(([to, arrows]): Group => {
      const ys = [this.#heads.get(to)!.y, ...arrows.map(({ y }) => y)];
      return { to, arrows, top: Math.min(...ys), bottom: Math.max(...ys), lane: 0 };
    }).sort((a, b) => a.bottom - a.top - (b.bottom - b.top));
    const lanes: Group[][] = [];
    for (const group of groups) {
      const free = lanes.findIndex((lane) =>
        lane.every((one) => group.bottom + 6 < one.top || group.top - 6 > one.bottom)
      );
      group.lane = free < 0 ? lanes.push([]) - 1 : free;
      lanes[group.lane].push(group);
    }
    for (const [i, group] of groups.entries()) this.#drawGroup(group, COLOURS[i % COLOURS.length]);
    return lanes.length;
  }

  #drawGroup({ to, arrows, lane, top, bottom }: Group, colour: string): void {
    const head = this.#heads.get(to)!;
    const x = PAD + this.#width + LANE * (lane + 1);
    for (const arrow of arrows) {
      const dash = arrow.isDeadline ? ' stroke-dasharray="4 3"' : "";
      this.#shapes.push(
        `<circle cx="${arrow.x}" cy="${arrow.y}" r="2.5" fill="${colour}"/>`,
        `<path class="line" stroke="${colour}"${dash} d="M${arrow.x} ${arrow.y}H${x}"/>`,
      );
    }
    this.#shapes.push(
      `<path class="line" stroke="${colour}" d="M${x} ${top}V${bottom}M${x} ${head.y}H${
        head.x + 6
      }"/>`,
      `<path fill="${colour}" d="M${head.x + 1} ${head.y}l8 -4v8z"/>`,
    );
  }

  #text(x: number, y: number, text: string, name: string): void {
    const shown = cut(text);
    const whole = shown === text ? "" : `<title>${xml(text)}</title>`;
    this.#shapes.push(`<text class="${name}" x="${x}" y="${y}">${whole}${xml(shown)}</text>`);
  }
}

const STYLE =
  "<style>text{font:12px ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono'," +
  "monospace;fill:#1f2937;white-space:pre}.name,.window{font-weight:700}.window,.loop{fill:#4b5563}" +
  ".after{fill:#6b7280}.yield{fill:#047857}.sign{fill:#6b7280}.card{fill:#fff;stroke:#9ca3af}" +
  ".frame{fill:#f3f4f6;stroke:#9ca3af;stroke-dasharray:5 4}.rule{stroke:#e5e7eb}" +
  ".line{fill:none;stroke-width:1.5}.begin{fill:#1f2937}</style>";

function cut(text: string): string {
  const chars = [...text];
  return chars.length <= MAX_CHARS ? text : `${chars.slice(0, MAX_CHARS - 1).join("")}…`;
}

/** Most characters are as wide as a Latin one in a fixed font, those of East Asia and signs twice. */
function widthOf(text: string): number {
  let columns = 0;
  for (const char of text) columns += char.codePointAt(0)! < 0x1100 ? 1 : 2;
  return columns * CHAR;
}

/** Text in XML; characters that XML cannot have are left out. */
function xml(text: string): string {
  return text.toWellFormed()
    // deno-lint-ignore no-control-regex
    .replace(/[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]/g, "")
    .replace(/[&<>"]/g, (char) => `&#${char.charCodeAt(0)};`);
}
