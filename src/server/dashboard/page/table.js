/**
 * A table that shows its rows a hundred at a time.
 *
 * @module
 */
import { element } from "./dom.js";

/** Rows that are shown at first, and that come with each press of the button. */
const ROWS = 100;

/**
 * @typedef {object} TableData
 * @property {string} caption for those who do not see it
 * @property {{ title: string, isNumber?: boolean, isMark?: boolean }[]} columns
 * @property {number} headColumns the first so many cells of a row name it
 * @property {number} length of all rows
 * @property {(index: number) => { cells: (Node | string)[], isMarked?: boolean }} row
 * @property {string} none what stands there without a row
 */

/**
 * Puts a table into an element, in place of what is there.
 *
 * @param {HTMLElement} host
 * @param {TableData} data
 * @param {number} [shown] rows that were shown before
 * @returns {void}
 */
export function drawTable(host, data, shown = ROWS) {
  host.dataset.shown = String(shown);
  if (data.length === 0) {
    host.replaceChildren(element("p", { class: "quiet more" }, data.none));
    return;
  }
  const body = element("tbody");
  const count = Math.min(shown, data.length);
  for (let i = 0; i < count; i++) body.append(rowOf(data, i));
  const table = element(
    "table",
    {},
    element("caption", { class: "hidden" }, data.caption),
    element("thead", {}, element("tr", {}, ...data.columns.map(headOf))),
    body,
  );
  host.replaceChildren(table);
  const left = data.length - count;
  if (left <= 0) return;
  const next = Math.min(ROWS, left);
  const more = element("button", { type: "button", class: "more" }, `Show ${next} more of ${left}`);
  more.addEventListener("click", () => {
    drawTable(host, data, shown + ROWS);
    host.focus();
  });
  host.append(more);
}

/** @param {HTMLElement} host how many rows {@linkcode drawTable} was told to show there */
export function rowsShown(host) {
  return Number(host.dataset.shown ?? ROWS);
}

/** @param {TableData["columns"][number]} column */
function headOf({ title, isNumber, isMark }) {
  const kind = isNumber ? "number" : isMark ? "mark" : undefined;
  const text = isMark ? element("span", { class: "hidden" }, title) : title;
  return element("th", { scope: "col", class: kind }, text);
}

/**
 * @param {TableData} data
 * @param {number} index
 */
function rowOf({ columns, headColumns, row }, index) {
  const { cells, isMarked } = row(index);
  const named = columns.findIndex(({ isNumber, isMark }) => !isNumber && !isMark);
  return element(
    "tr",
    { class: isMarked ? "marked" : undefined },
    ...cells.map((cell, i) => {
      const { isNumber, isMark } = columns[i];
      if (i >= named && i < named + headColumns) return element("th", { scope: "row" }, cell);
      return element("td", { class: isNumber ? "number" : isMark ? "mark" : undefined }, cell);
    }),
  );
}

/**
 * The boxes of a table are one stop for the tab key: a hundred would bar the way to what follows.
 *
 * @param {KeyboardEvent} event
 */
export function moveInTable(event) {
  const row = event.target instanceof HTMLInputElement ? event.target.closest("tr") : null;
  const next = event.key === "ArrowDown"
    ? row?.nextElementSibling
    : event.key === "ArrowUp"
    ? row?.previousElementSibling
    : undefined;
  const box = next?.querySelector("input");
  if (!box) return;
  event.preventDefault();
  focusBox(box);
}

/** @param {HTMLInputElement} box which the tab key finds from now on */
export function focusBox(box) {
  for (const other of box.closest("table")?.querySelectorAll("input") ?? []) other.tabIndex = -1;
  box.tabIndex = 0;
  box.focus();
}
