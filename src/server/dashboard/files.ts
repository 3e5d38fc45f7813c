/**
 * The files of the dashboard, as text in the module graph: so they are there in a compiled program and
 * in a package too, and nothing is read from a disk.
 *
 * @module
 */
import { createHash } from "node:crypto";
import uPlotScript from "uplot/dist/uPlot.iife.min.js" with { type: "text" };
import uPlotSheet from "uplot/dist/uPlot.min.css" with { type: "text" };
import api from "./page/api.js" with { type: "text" };
import chart from "./page/chart.js" with { type: "text" };
import controls from "./page/controls.js" with { type: "text" };
import dom from "./page/dom.js" with { type: "text" };
import figures from "./page/figures.js" with { type: "text" };
import format from "./page/format.js" with { type: "text" };
import lines from "./page/lines.js" with { type: "text" };
import live from "./page/live.js" with { type: "text" };
import main from "./page/main.js" with { type: "text" };
import html from "./page/page.html" with { type: "text" };
import sheet from "./page/page.css" with { type: "text" };
import panel from "./page/panel.js" with { type: "text" };
import samples from "./page/samples.js" with { type: "text" };
import series from "./page/series.js" with { type: "text" };
import store from "./page/store.js" with { type: "text" };
import table from "./page/table.js" with { type: "text" };
import tables from "./page/tables.js" with { type: "text" };
import theme from "./page/theme.js" with { type: "text" };

const SCRIPT = "text/javascript; charset=utf-8";
const SHEET = "text/css; charset=utf-8";

/** A file that is served. */
export interface PageFile {
  /** With the charset. */
  readonly contentType: string;
  /** What is in it. */
  readonly text: string;
}

/** What the page loads, by name. */
export const FILES: ReadonlyMap<string, PageFile> = new Map(
  Object.entries({
    "api.js": api,
    "chart.js": chart,
    "controls.js": controls,
    "dom.js": dom,
    "figures.js": figures,
    "format.js": format,
    "lines.js": lines,
    "live.js": live,
    "main.js": main,
    "page.css": sheet,
    "panel.js": panel,
    "samples.js": samples,
    "series.js": series,
    "store.js": store,
    "table.js": table,
    "tables.js": tables,
    "theme.js": theme,
    "uplot.css": uPlotSheet,
    "uplot.js": uPlotScript,
  }).map(([name, text]) => [name, { contentType: name.endsWith(".css") ? SHEET : SCRIPT, text }]),
);

/**
 * Changes with any file: it stands in the path of each, so that all may be kept for good and a page
 * never loads the files of two releases.
 */
export const VERSION: string = hashOf([...FILES.values()].map(({ text }) => text).join("\0"));

/** The page itself. */
export const PAGE: PageFile = {
  contentType: "text/html; charset=utf-8",
  text: html.replaceAll("{{version}}", VERSION),
};

/** The beginning of a text's SHA-256, fit for a path. */
export function hashOf(text: string): string {
  return createHash("sha256").update(text, "utf8").digest("base64url").slice(0, 16);
}
