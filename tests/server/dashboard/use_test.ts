import { assert, assertEquals } from "@std/assert";
import axe from "axe-core/axe.min.js" with { type: "text" };
import { browserTest, eventually, flights, TestSite, type WatchedPage } from "./_browser.ts";

/** What breaks rules of accessibility that a program can see. */
async function violations({ page }: WatchedPage): Promise<string[]> {
  await page.evaluate(axe);
  return await page.evaluate(
    `axe.run().then(({ violations }) => violations.flatMap(({ id, nodes }) =>
      nodes.map(({ html, failureSummary }) => id + ": " + html + " " + failureSummary)))`,
  );
}

/** Presses Tab until an element has the focus: twice around the page, as parts of it may still come. */
async function tabTo({ page }: WatchedPage, selector: string): Promise<void> {
  for (let i = 0; i < 200; i++) {
    await page.keyboard.press("Tab");
    if (await page.locator(`${selector}:focus`).count() > 0) return;
  }
  throw new Error(`Tab never comes to ${selector}`);
}

/** A long number, as the dashboard writes it. */
const SUM = "123,456,789.123456";

browserTest("the dashboard can be used with the keyboard alone", async (browser) => {
  await using site = await TestSite.withFlights();
  const shown = await browser.open(site.server);
  const { page } = shown;
  for (const type of ["add", "bmp", "adv", "top"]) await shown.figures(type);
  await tabTo(shown, ".skip");
  await page.keyboard.press("Enter");
  await eventually(() => page.locator("main:focus").count(), 1);
  await tabTo(shown, "input[name=unit]");
  await page.keyboard.press("ArrowRight");
  await page.locator(
    "section[data-type=add] [aria-label='Counts of event per hour; arrow keys move']",
  )
    .waitFor();
  await page.keyboard.press("ArrowLeft");
  const chart = "section[data-type=add] .chart";
  await page.locator("[aria-label='Counts of event per day; arrow keys move']").waitFor();
  await tabTo(shown, chart);
  const said = () => page.locator(chart).getAttribute("aria-valuetext");
  const days = Map.groupBy(await flights(), ({ at }) => at.slice(0, 10));
  const countOf = (date: string) => days.get(date)!.length;
  await page.keyboard.press("Home");
  await eventually(said, `Mon, Jan 1, 2001, ${countOf("2001-01-01")}`);
  await page.keyboard.press("ArrowRight");
  await eventually(said, `Tue, Jan 2, 2001, ${countOf("2001-01-02")}`);
  await page.keyboard.press("End");
  await eventually(said, `Sat, Mar 31, 2001, ${countOf("2001-03-31")}`);
  await page.keyboard.press("ArrowRight");
  await eventually(() => page.locator(chart).getAttribute("aria-valuenow"), "89");
  const box = "section[data-type=top] td.mark input";
  await tabTo(shown, box);
  const first = page.locator(box).first();
  assertEquals([await first.isChecked(), await first.getAttribute("aria-label")], [
    true,
    "DFW in the chart",
  ]);
  await page.keyboard.press("Space");
  await eventually(() => first.isChecked(), false);
  assertEquals(await page.locator(`${box}:focus`).getAttribute("data-field"), "DFW");
  const lines = page.locator("section[data-type=top] .readout .swatch");
  await eventually(() => lines.count(), 2);
  for (let i = 0; i < 6; i++) {
    await page.keyboard.press("ArrowDown");
    if (i >= 2) await page.keyboard.press("Space");
  }
  await eventually(() => lines.count(), 5, "no more than can be told apart");
  assertEquals(await page.locator(`${box}:focus`).isChecked(), false);
  shown.assertClean();
});

browserTest(
  "the dashboard breaks no rule of accessibility that axe knows, light and dark",
  async (browser) => {
    await using site = await TestSite.withFlights();
    await using locked = await TestSite.open({}, { token: "secret" });
    for (const colorScheme of ["light", "dark"] as const) {
      const shown = await browser.open(site.server, "/", { colorScheme });
      await shown.figures("top");
      await shown.figures("add");
      assertEquals(await violations(shown), [], colorScheme);
      const login = await browser.open(locked.server, "/", { colorScheme });
      await login.page.locator("#login").waitFor();
      assertEquals(await violations(login), [], colorScheme);
    }
  },
);

browserTest("the dashboard fits 360 pixels, and 2,560", async (browser) => {
  await using site = await TestSite.withFlights();
  await using empty = await TestSite.open();
  for (const width of [360, 800, 2560]) {
    const viewport = { width, height: 800 };
    const shown = await browser.open(site.server, "/", { viewport });
    await shown.figures("top");
    assertEquals(await shown.isTooWide(), false, `${width}`);
    const chart = await shown.page.locator(".chart canvas").first().boundingBox();
    assert(chart !== null && chart.width > 250 && chart.x + chart.width <= width, `${width}`);
    const other = await browser.open(empty.server, "/", { viewport });
    await other.page.locator("#empty").waitFor();
    assertEquals(await other.isTooWide(), false, `${width}, empty`);
  }
});

browserTest(
  "the dashboard fits 360 pixels, however long the names of properties and values are",
  async (browser) => {
    const name = "a_property_with_a_rather_long_name";
    await using site = await TestSite.open({
      mapping: {
        add: [`event~${name}`],
        addValue: [{ key: name, addKey: `${name}_2` }],
        top: [name],
      },
    });
    const value = "https://example.org/".padEnd(200, "x");
    await site.record({ event: value, [name]: value, [`${name}_2`]: 123456789.123456 });
    const shown = await browser.open(site.server, "/", { viewport: { width: 360, height: 800 } });
    for (const type of ["add", "adv", "top"]) {
      await shown.shows(`section[data-type=${type}] tbody td.number`, type === "adv" ? SUM : "1");
    }
    await eventually(() => shown.isTooWide(), false);
    shown.assertClean();
  },
);

browserTest(
  "the dashboard shows who has logged in how to send a first event with a token",
  async (browser) => {
    await using site = await TestSite.open({}, { token: "secret" });
    const shown = await browser.open(site.server);
    await shown.page.getByLabel("Token").fill("secret");
    await shown.page.keyboard.press("Enter");
    const url = `${site.server.url}/record`;
    const json = "-H 'Content-Type: application/json'";
    const token = "-H 'Authorization: Bearer TOKEN'";
    const event = `-d '{"event":"hello","from":"me"}'`;
    await shown.shows("#shell-sample", `curl ${url} \\ ${json} \\ ${token} \\ ${event}`);
  },
);

browserTest(
  "the dashboard asks for a token where there is one, and forgets it on log out",
  async (browser) => {
    await using site = await TestSite.open({}, {
      access: { tokens: ["all", { token: "writer", right: "record" }] },
    });
    await site.traqq.record({ event: "hidden" });
    const shown = await browser.open(site.server);
    const { page } = shown;
    const token = page.getByLabel("Token");
    await token.waitFor();
    assertEquals(await page.locator("#token:focus").count(), 1);
    await token.fill("wrong");
    await page.keyboard.press("Enter");
    await shown.shows(
      "#login-error",
      "Cannot do this without a token: this is not one of the server's, or it has expired; send another",
    );
    assertEquals(await page.getByText("hidden").count(), 0);
    await token.fill("writer");
    await page.keyboard.press("Enter");
    await page.locator("#login-error").getByText("it has only the right record").waitFor();
    await token.fill("all");
    await page.keyboard.press("Enter");
    await shown.shows("section[data-type=add] dd", "1");
    await shown.shows("#connection", "Live");
    await page.reload();
    await shown.shows("section[data-type=add] dd", "1");
    assertEquals(await page.evaluate("document.cookie"), "", "no script can read it");
    assertEquals(new URL(page.url()).search, "");
    await page.getByRole("button", { name: "Log out" }).click();
    await token.waitFor();
    await page.reload();
    await token.waitFor();
    assertEquals(await page.getByRole("button", { name: "Log out" }).isVisible(), false);
    assertEquals(shown.outside, []);
    assertEquals(shown.errors.filter((error) => !/status of 40[13]/.test(error)), []);
  },
);

browserTest(
  "the dashboard follows the system's colours, and the switch against them",
  async (browser) => {
    await using site = await TestSite.withFlights();
    const shown = await browser.open(site.server);
    const { page } = shown;
    await shown.figures("add");
    const ground = () =>
      page.evaluate("getComputedStyle(document.documentElement).backgroundColor");
    /** The colour of a bar, where the chart draws it. */
    const bar = () =>
      page.evaluate(`(() => {
      const canvas = document.querySelector("section[data-type=add] .chart canvas");
      // A copy, for Chromium warns of a canvas that is read again and again.
      const copy = new OffscreenCanvas(canvas.width, 1);
      const context = copy.getContext("2d", { willReadFrequently: true });
      context.drawImage(canvas, 0, -Math.round(canvas.height * 0.7));
      const { data } = context.getImageData(0, 0, canvas.width, 1);
      const counts = new Map();
      for (let i = 0; i < data.length; i += 4) {
        const key = data.slice(i, i + 4).join(",");
        if (data[i + 3] === 255) counts.set(key, (counts.get(key) ?? 0) + 1);
      }
      return [...counts].sort((a, b) => b[1] - a[1])[0]?.[0];
    })()`);
    const light = { ground: "rgb(247, 247, 245)", bar: "64,104,217,255" };
    const dark = { ground: "rgb(16, 17, 19)", bar: "125,159,245,255" };
    /** Waits until both have these colours: a chart is drawn some frames after the change. */
    const shows = async (colours: typeof light) => {
      await eventually(async () => ({ ground: await ground(), bar: await bar() }), colours);
    };
    await shows(light);
    await page.emulateMedia({ colorScheme: "dark" });
    await shows(dark);
    await page.getByLabel("Colours").selectOption("Light");
    await shows(light);
    await page.reload();
    await shown.figures("add");
    await shows(light);
    await page.getByLabel("Colours").selectOption("System");
    await shows(dark);
    shown.assertClean();
  },
);

browserTest(
  "the dashboard shows strange names and values as the text that they are",
  async (browser) => {
    const names = ["<b>p*[x]?</b>", "__proto__", "a/b c", "שם"];
    await using site = await TestSite.open({
      mapping: {
        add: ["event", ...names, `${names[0]}~event`],
        bitmap: names,
        addValue: [{ key: names[0], addKey: names[2] }],
        top: names,
      },
    });
    const values = [
      "<script>globalThis.pwned = 1</script>",
      "<img src=x onerror='globalThis.pwned = 1'>",
      "👩‍👩‍👧‍👦 🇩🇪 e\u0301",
      "\u202eמימין לשמאל\u202c",
      "x".repeat(512),
      "__proto__",
      "constructor",
    ];
    const viewport = { width: 360, height: 800 };
    const shown = await browser.open(site.server, "/", { viewport });
    await shown.shows("#connection", "Live");
    for (const [i, value] of values.entries()) {
      const event: Record<string, unknown> = { event: value.slice(0, 100), [names[2]]: i + 0.5 };
      for (const name of names) {
        if (name === names[2]) continue;
        Object.defineProperty(event, name, { value, enumerable: true });
      }
      await site.record(...Array.from({ length: values.length - i }, () => event));
    }
    await shown.shows("section[data-type=add] dd", "28");
    const { page } = shown;
    for (const type of ["add", "bmp", "top"]) {
      for (const name of names) {
        if (name === names[2]) continue;
        await page.locator(`section[data-type=${type}] select`).selectOption(`${type}/${name}`);
        if (type === "bmp") {
          await shown.shows("section[data-type=bmp] dd", "7");
          continue;
        }
        await page.locator(`section[data-type=${type}] th[scope=col]`).getByText(name, {
          exact: true,
        })
          .waitFor();
        const column = type === "top" ? 2 : 1;
        await eventually(
          async () =>
            (await shown.rows(type)).slice(1).map((row) => [row[column], row[column + 1]]),
          values.map((value, i) => [value.replaceAll(":", "_"), String(values.length - i)]),
          `${type}/${name}`,
        );
      }
    }
    await eventually(async () => {
      const sums = (await shown.rows("adv")).map(([, field, sum]) => [field, sum]);
      return sums.find(([field]) => field === "__proto__");
    }, ["__proto__", "11"]);
    assertEquals(await page.evaluate("typeof globalThis.pwned"), "undefined");
    assertEquals(await page.locator("main script, main img").count(), 0);
    assertEquals(await shown.isTooWide(), false);
    shown.assertClean();
  },
);
