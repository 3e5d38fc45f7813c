/**
 * A program as a Mermaid flow chart: blocks are boxes, windows are boxes around them. A window's end is
 * a node of its own, because Mermaid cannot draw an arrow from a box to what is in it.
 *
 * @module
 */
import type { Program } from "../language/program.ts";
import { loopsOf, type Node, nodesOf, type Row, rowOfWindow, rowsOfState } from "./picture.ts";

/** The text of the chart. */
export function drawMermaid(program: Program): string {
  const lines = ["flowchart TB", ...loopsOf(program).map((loop) => `  %% ${loop}`)];
  const edges: string[] = [];
  let hasQuit = false;
  const edge = (from: string, row: Row) => {
    const { target } = row;
    const to = target.kind === "enter"
      ? `s${target.state}`
      : target.kind === "quit"
      ? "quit"
      : from;
    hasQuit ||= to === "quit";
    const label = [row.when, ...row.yields].map(escaped).join("<br/>");
    edges.push(`  ${from} ${row.isDeadline ? "-.->" : "-->"}|"${label}"| ${to}`);
  };
  const draw = (nodes: readonly Node[], indent: string) => {
    for (const node of nodes) {
      if (node.kind === "state") {
        lines.push(`${indent}s${node.index}["${escaped(node.name)}"]`);
        for (const row of rowsOfState(program, node.index)) edge(`s${node.index}`, row);
        continue;
      }
      lines.push(`${indent}subgraph w${node.index}["${escaped(node.name)}"]`);
      draw(node.nodes, `${indent}  `);
      lines.push(`${indent}  end${node.index}(["its time is up"])`, `${indent}end`);
      edge(`end${node.index}`, rowOfWindow(program, node.index));
    }
  };
  draw(nodesOf(program), "  ");
  lines.push("  begin((begin)) --> s0", ...edges);
  if (hasQuit) lines.push("  quit((quit))");
  return `${lines.join("\n")}\n`;
}

/** Everything but letters, digits and what is harmless in a label, by its number. */
function escaped(text: string): string {
  return text.replace(
    /[^A-Za-z0-9 _.,=()]/gu,
    (char) => `#${char.codePointAt(0)};`,
  );
}
