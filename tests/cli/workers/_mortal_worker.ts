/** A worker that dies when it is told to: what no client can bring about. */
import "../../../src/cli/workers/worker.ts";

globalThis.addEventListener("message", (event) => {
  if ((event as MessageEvent).data !== "die") return;
  setTimeout(() => {
    throw new Error("as it was told");
  });
});
