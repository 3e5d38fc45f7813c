/**
 * How to record a first event, for a new user: with this server's own address, and to be copied.
 *
 * @module
 */
import { urlOf } from "./api.js";
import { byId } from "./dom.js";

/**
 * Fills the samples in.
 *
 * @param {boolean} needsToken whether the server wants one; which is for the user to put in
 */
export function fillSamples(needsToken) {
  const url = urlOf("record");
  const headers = [
    ["Content-Type", "application/json"],
    ...needsToken ? [["Authorization", "Bearer TOKEN"]] : [],
  ];
  const flags = headers.map(([name, value]) => `  -H '${name}: ${value}' \\\n`).join("");
  const properties = headers.map(([name, value]) => `"${name}": "${value}"`).join(", ");
  byId("shell-sample", HTMLElement).textContent =
    `curl ${url} \\\n${flags}  -d '{"event":"hello","from":"me"}'`;
  byId("script-sample", HTMLElement).textContent = `await fetch("${url}", {
  method: "POST",
  headers: { ${properties} },
  body: JSON.stringify({ event: "hello", from: "me" }),
});`;
}

/** Has the buttons beside the samples copy them. */
export function listenToCopies() {
  for (const button of document.querySelectorAll("button")) {
    const { copies } = button.dataset;
    if (copies !== undefined) button.addEventListener("click", () => void copy(copies));
  }
}

/** @param {string} id of the element whose text is copied */
async function copy(id) {
  const said = byId("copied", HTMLElement);
  const sample = byId(id, HTMLElement);
  try {
    await navigator.clipboard.writeText(sample.textContent ?? "");
    said.textContent = "Copied.";
  } catch {
    // Without TLS a browser gives no clipboard to pages of other machines.
    getSelection()?.selectAllChildren(sample);
    said.textContent = "Selected; press Ctrl+C or ⌘C.";
  }
}
