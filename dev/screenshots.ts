/**
 * `deno task screenshots`: the pictures of the dashboard in the README, taken by Chromium from a real
 * server that counts the demo's flights, into docs/images. With a folder as its argument it puts all
 * views there instead: wide and narrow, light and dark, empty, login.
 */
import type { BrowserContextOptions, Locator, Page } from "playwright-core";
import { type Flight, flights, TestBrowser, TestSite } from "../tests/server/dashboard/_browser.ts";
import { fromFileUrl, root } from "./_root.ts";

/** Events that come while the picture is taken: about so many a quarter of a second. */
const STREAM = [3, 5, 4, 8, 6, 9, 7, 11, 8, 6, 10, 7, 5, 8, 12, 9, 7, 6, 9, 8];
const TICK_MS = 250;

const WIDE = { viewport: { width: 1280, height: 800 } };
const PHONE = { viewport: { width: 360, height: 780 }, isMobile: true, deviceScaleFactor: 2 };

const [folder] = Deno.args;
const all = await flights();
const kept = all.slice(0, -STREAM.reduce((sum, count) => sum + count));
await using browser = await TestBrowser.start();

if (folder === undefined) {
  const images = fromFileUrl(new URL("docs/images/", root));
  await shoot(`${images}dashboard-light.png`, { ...WIDE, colorScheme: "light" });
  await shoot(`${images}dashboard-dark.png`, { ...WIDE, colorScheme: "dark" }, leaders);
} else {
  await Deno.mkdir(folder, { recursive: true });
  for (const colorScheme of ["light", "dark"] as const) {
    await shoot(`${folder}/wide-${colorScheme}.png`, { ...WIDE, colorScheme }, undefined, true);
  }
  await shoot(`${folder}/leaders.png`, WIDE, leaders);
  await shoot(`${folder}/phone.png`, PHONE);
  await shoot(`${folder}/phone-all.png`, PHONE, undefined, true);
  await using empty = await TestSite.open();
  await take(empty, `${folder}/empty.png`, WIDE, "#empty");
  await take(empty, `${folder}/phone-empty.png`, PHONE, "#empty");
  await using locked = await TestSite.open({}, { token: "secret" });
  await take(locked, `${folder}/login.png`, WIDE, "#login");
}

/** A picture of the flights, the last of which come while the page is open. */
async function shoot(
  path: string,
  options: BrowserContextOptions,
  part?: (page: Page) => Promise<Locator>,
  fullPage = false,
): Promise<void> {
  await using site = await TestSite.withFlights({}, kept);
  const { page } = await browser.open(site.server, "/", options);
  await page.locator("#connection[data-state=live]").waitFor();
  let at = kept.length;
  for (const count of STREAM) {
    await site.record(...all.slice(at, at += count) as Flight[]);
    await page.waitForTimeout(TICK_MS);
  }
  const total = all.length.toLocaleString("en-US");
  await page.locator("section[data-type=add] dd").getByText(total, { exact: true }).waitFor();
  await page.locator("section[data-type=adv] dd").getByText(total, { exact: true }).waitFor();
  await page.locator("#recorded").getByText(total, { exact: true }).waitFor();
  const target = await part?.(page);
  await page.locator("section[aria-busy]").first().waitFor({ state: "detached" });
  if (target === undefined) await page.screenshot({ path, fullPage });
  else await target.screenshot({ path });
  console.log(`${path}: ${Math.round((await Deno.stat(path)).size / 1024)} KiB`);
}

/** The leaderboard, with a day that is pointed at. */
async function leaders(page: Page): Promise<Locator> {
  const panel = page.locator("section[data-type=top]");
  await panel.locator(".chart").hover({ position: { x: 320, y: 120 } });
  return panel;
}

/** A picture of a page that has nothing to wait for but one element. */
async function take(
  site: TestSite,
  path: string,
  options: BrowserContextOptions,
  element: string,
): Promise<void> {
  const { page } = await browser.open(site.server, "/", options);
  await page.locator(element).waitFor();
  await page.screenshot({ path });
  console.log(`${path}: ${Math.round((await Deno.stat(path)).size / 1024)} KiB`);
}
