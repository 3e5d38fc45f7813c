/**
 * The dashboard in a real browser: a server on a free port, and pages that watch what goes wrong.
 *
 * @module
 */
import { assertEquals, equal, fail } from "@std/assert";
import { type Browser, type BrowserContextOptions, chromium, type Page } from "playwright-core";
import { MemoryStorage, Traqq, type TraqqOptions } from "../../../mod.ts";
import { chromiumPath, HOW_TO_GET_CHROMIUM } from "../../../dev/debian.ts";
import { type HttpServer, type HttpServerOptions, serveHttp } from "../../../src/server/http.ts";

/** Milliseconds that a page may take to show what it is waited for. */
const PATIENCE_MS = 45_000;

/** Waits until what is read equals what is expected: a page answers some frames later. */
export async function eventually<T>(
  read: () => Promise<T>,
  expected: T,
  message?: string,
): Promise<void> {
  const deadlineMs = performance.now() + PATIENCE_MS;
  let seen = await read();
  while (!equal(seen, expected) && performance.now() < deadlineMs) {
    await new Promise((resolve) => setTimeout(resolve, 50));
    seen = await read();
  }
  assertEquals(seen, expected, message);
}

/**
 * Registers a test that needs a browser. Where there is none it says so, and how to get one; on CI that
 * is a failure.
 */
export function browserTest(name: string, run: (browser: TestBrowser) => Promise<void>): void {
  const path = chromiumPath();
  if (path === undefined) {
    const reason = `Chromium is missing: ${HOW_TO_GET_CHROMIUM}`;
    console.warn(`SKIPPED ${name}: ${reason}`);
    Deno.test({ name, ignore: !Deno.env.get("CI"), fn: () => fail(reason) });
    return;
  }
  Deno.test({
    name,
    // Playwright ends its browser without waiting for all that it has begun.
    sanitizeOps: false,
    sanitizeResources: false,
    fn: async () => {
      await using browser = await TestBrowser.start();
      await run(browser);
    },
  });
}

/** A browser, and what it must not do. */
export class TestBrowser implements AsyncDisposable {
  readonly #browser: Browser;

  private constructor(browser: Browser) {
    this.#browser = browser;
  }

  static async start(): Promise<TestBrowser> {
    const executablePath = chromiumPath();
    if (executablePath === undefined) throw new Error(HOW_TO_GET_CHROMIUM);
    // Its sandbox does not work for root, and it loads nothing but our own pages.
    const args = ["--no-sandbox", "--disable-dev-shm-usage"];
    return new TestBrowser(await chromium.launch({ executablePath, args }));
  }

  /**
   * Opens a page, in a profile of its own.
   *
   * @param path below the server's address
   */
  async open(
    server: HttpServer,
    path = "/",
    options: BrowserContextOptions = {},
  ): Promise<WatchedPage> {
    const context = await this.#browser.newContext({
      locale: "en-US",
      timezoneId: "Europe/Berlin",
      viewport: { width: 1440, height: 900 },
      ...options,
    });
    context.setDefaultTimeout(PATIENCE_MS);
    const watched = new WatchedPage(await context.newPage(), server.url);
    await watched.page.goto(`${server.url}${path}`);
    return watched;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#browser.close();
  }
}

/** A page, with all that it complains about and asks others for. */
export class WatchedPage {
  readonly page: Page;
  /** Errors of scripts, of the content policy and of requests. */
  readonly errors: string[] = [];
  /** Addresses outside the server. */
  readonly outside: string[] = [];

  constructor(page: Page, origin: string) {
    this.page = page;
    page.on("console", (message) => {
      if (["error", "warning"].includes(message.type())) this.errors.push(message.text());
    });
    page.on("pageerror", (error) => this.errors.push(String(error)));
    page.on("request", (request) => {
      const url = request.url();
      if (!url.startsWith(`${origin}/`) && !url.startsWith("data:")) this.outside.push(url);
    });
  }

  /** No error, and no request to others. */
  assertClean(): void {
    assertEquals({ errors: this.errors, outside: this.outside }, { errors: [], outside: [] });
  }

  /** Waits until an element has this text, its white space made single spaces. */
  async shows(selector: string, text: string): Promise<void> {
    const element = this.page.locator(selector).first();
    await eventually(
      async () => ((await element.textContent()) ?? "").replace(/\s+/g, " ").trim(),
      text,
      selector,
    );
  }

  /** The figures of a panel, by their names. */
  async figures(type: string): Promise<Record<string, string>> {
    const list = this.page.locator(`section[data-type=${type}] dl > div`);
    await list.first().waitFor();
    const pairs = await list.evaluateAll((divs) =>
      divs.map((div) => [...div.children].map((child) => child.textContent ?? ""))
    );
    return Object.fromEntries(pairs);
  }

  /** The cells of a panel's table, row by row, with the head. */
  async rows(type: string): Promise<string[][]> {
    const rows = this.page.locator(`section[data-type=${type}] tr`);
    await rows.first().waitFor();
    return await rows.evaluateAll((rows) =>
      rows.map((row) => [...row.children].map((cell) => cell.textContent ?? ""))
    );
  }

  /** Whether something lies outside the window, to the side. */
  async isTooWide(): Promise<boolean> {
    return await this.page.evaluate("document.documentElement.scrollWidth > innerWidth");
  }
}

/** A traqq in memory behind HTTP. */
export class TestSite implements AsyncDisposable {
  readonly traqq: Traqq;
  readonly server: HttpServer;

  private constructor(traqq: Traqq, server: HttpServer) {
    this.traqq = traqq;
    this.server = server;
  }

  static async open(
    options: Partial<TraqqOptions> = {},
    http: HttpServerOptions = {},
  ): Promise<TestSite> {
    const traqq = await Traqq.open({ storage: new MemoryStorage(), ...options });
    return new TestSite(traqq, serveHttp(traqq, { port: 0, ...http }));
  }

  /** The demo's flights, with more that is counted of them than in the demo, and hours. */
  static async withFlights(
    http: HttpServerOptions = {},
    events?: readonly Flight[],
  ): Promise<TestSite> {
    const site = await TestSite.open({
      mapping: {
        add: ["event", "origin", "origin~destination"],
        bitmap: ["origin", "origin~destination"],
        addValue: [{ key: "origin", addKey: "delay" }],
        top: ["origin", "origin~destination"],
      },
      time: { timezone: "UTC", property: "at", hourly: true },
    }, http);
    await site.traqq.recordMany(events ?? await flights());
    return site;
  }

  /** Sends events over HTTP. */
  async record(...events: object[]): Promise<void> {
    const response = await fetch(`${this.server.url}/record`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(events),
    });
    assertEquals((await response.json()).rejected, []);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.server.shutdown({ deadlineMs: 2000 });
    await this.traqq.close();
  }
}

/** An event of the demo. */
export interface Flight {
  event: string;
  at: string;
  origin: string;
  destination: string;
  delay: number;
}

/** The events of the demo. */
export async function flights(): Promise<Flight[]> {
  const url = new URL("../../../examples/data/flights.ndjson.gz", import.meta.url);
  const { readable } = await Deno.open(url);
  const text = await new Response(readable.pipeThrough(new DecompressionStream("gzip"))).text();
  return text.trimEnd().split("\n").map((line) => JSON.parse(line));
}
