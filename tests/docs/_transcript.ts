/**
 * Conversations as the README shows them: `> ` is sent, `< ` comes back, `…` stands for any text.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import type { Peer } from "../server/_peer.ts";

/** Sends each line of a conversation and compares each reply. */
export async function replay(text: string, peer: Peer): Promise<void> {
  const lines = text.trimEnd().split("\n");
  for (const line of lines) {
    if (line.startsWith("> ")) {
      await peer.send(`${line.slice(2)}\n`);
      continue;
    }
    assert(line.startsWith("< "), `${line} is neither sent nor received`);
    const reply = await peer.line();
    if (!fits(line.slice(2), reply ?? "")) assertEquals(reply, line.slice(2));
  }
}

/** Whether a text is the pattern, in which each `…` may be anything. */
export function fits(pattern: string, text: string): boolean {
  const parts = pattern.split("…").map((part) => part.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&"));
  return new RegExp(`^${parts.join(".*")}$`, "su").test(text);
}
