import { assert, assertEquals, assertMatch } from "@std/assert";
import { serveHttp } from "../../../src/server/http.ts";
import { browserTest, eventually, flights, TestSite } from "./_browser.ts";

browserTest(
  "the dashboard shows the demo's numbers, without an error or an outside request",
  async (browser) => {
    await using site = await TestSite.withFlights();
    const shown = await browser.open(site.server);
    assertEquals(await shown.figures("add"), {
      "Total": "20,000",
      "Mean per day": "222.22",
      "Highest day, Jan 3": "256",
    });
    assertEquals((await shown.figures("bmp"))["In the whole range"], "220");
    assertEquals(await shown.figures("adv"), {
      "Sum": "154,078",
      "Events": "20,000",
      "Mean per event": "7.7",
    });
    assertEquals(await shown.figures("top"), {
      "First": "DFW",
      "Its score": "1,103",
      "Members": "220",
    });
    assertEquals((await shown.rows("top")).slice(0, 4), [
      ["In the chart", "#", "origin", "Score", "Share"],
      ["", "1", "DFW", "1,103", "5.5%"],
      ["", "2", "ORD", "1,095", "5.5%"],
      ["", "3", "ATL", "846", "4.2%"],
    ]);
    assertEquals((await shown.rows("adv")).slice(0, 2), [
      ["In the chart", "origin", "Sum"],
      ["", "DFW", "10,462"],
    ]);
    await shown.shows("#recorded", "20,000");
    await shown.shows("#connection", "Live");
    assertEquals(await shown.page.locator(".chart canvas").count(), 4);
    shown.assertClean();
  },
);

browserTest(
  "the dashboard shows another metric, range, unit and zone, and keeps them in the address",
  async (browser) => {
    await using site = await TestSite.withFlights();
    const truth = await site.traqq.query({
      from: "2001-01-03T00:00:00Z",
      to: "2001-01-04T23:59:59Z",
      unit: "h",
    });
    const shown = await browser.open(site.server);
    const { page } = shown;
    await page.getByLabel("Range").selectOption("custom");
    await page.getByLabel("From", { exact: true }).fill("2001-01-03");
    await page.getByLabel("To", { exact: true }).fill("2001-01-04");
    await page.getByRole("radio", { name: "Hour" }).check();
    await page.getByLabel("Time zone").selectOption("Europe/Berlin");
    await page.locator("section[data-type=add] [data-part=metric]").selectOption(
      "add/destination~origin",
    );
    const total = Object.values(truth.merged("add/origin~destination").counts)
      .reduce((sum, count) => sum + count);
    await shown.shows("section[data-type=add] dd", total.toLocaleString("en-US"));
    await page.locator("section[data-type=bmp] [data-part=readout]")
      .getByText("Jan 3, 2001, 01:00 GMT+1 – Jan 5, 2001, 00:00 GMT+1").waitFor();
    const uniques = truth.find("bmp/origin").map(({ count }) => String(count)).reverse();
    const rows = (await shown.rows("bmp")).slice(1).map(([, count]) => count);
    assertEquals(rows.filter((count) => count !== "0"), uniques);
    assertEquals(rows.length, 48);
    await page.reload();
    await shown.shows("section[data-type=add] dd", total.toLocaleString("en-US"));
    assertEquals(await page.getByLabel("Time zone").inputValue(), "Europe/Berlin");
    shown.assertClean();
  },
);

browserTest(
  "the dashboard says that a range is empty, and what is wrong with one that is too long",
  async (browser) => {
    await using site = await TestSite.withFlights();
    const shown = await browser.open(site.server, "/#range=30");
    await shown.shows("section[data-type=add] .table", "Nothing in this range.");
    assertEquals((await shown.figures("add"))["Total"], "0");
    shown.assertClean();
    await shown.page.goto("about:blank");
    await shown.page.goto(`${site.server.url}/#range=custom&unit=h&from=1990-01-01&to=2001-03-31`);
    const notice = shown.page.locator("section[data-type=add] .notice");
    await notice.waitFor();
    assertMatch((await notice.textContent())!, /^Cannot .*50,?000/);
    assertEquals(await shown.page.locator("section[data-type=add] .panel-body").isVisible(), false);
  },
);

browserTest(
  "the dashboard is updated while events are recorded, and holds still when it is told to",
  async (browser) => {
    await using site = await TestSite.withFlights();
    const [flight] = await flights();
    const shown = await browser.open(site.server);
    await shown.shows("#connection", "Live");
    await site.record(flight, flight, { ...flight, delay: 1000.5 });
    await shown.shows("#recorded", "20,003");
    await shown.shows("section[data-type=add] dd", "20,003");
    await shown.shows("section[data-type=adv] dd", "155,210.5");
    const latest = shown.page.locator("#latest li");
    await eventually(() => latest.count(), 3);
    assertMatch(
      (await latest.first().textContent())!,
      /^\d\d:\d\d:\d\dflightat 2001-01-01T00:47:00Z, /,
    );
    await shown.page.getByRole("button", { name: "Pause" }).click();
    await shown.shows("#connection", "Paused");
    await site.record(flight);
    // It comes with the next tick of the server, which a second page shows.
    const other = await browser.open(site.server);
    await other.shows("#recorded", "20,004");
    assertEquals(await shown.page.locator("#recorded").textContent(), "20,003");
    assertEquals(await latest.count(), 3);
    await shown.page.getByRole("button", { name: "Resume" }).click();
    await shown.shows("#recorded", "20,004");
    await shown.shows("section[data-type=add] dd", "20,004");
    shown.assertClean();
  },
);

browserTest(
  "the dashboard asks for its counter again where the answer is older than what came",
  async (browser) => {
    await using site = await TestSite.open();
    await site.record({ event: "a" });
    const shown = await browser.open(site.server);
    await shown.shows("#recorded", "1");
    await shown.shows("#connection", "Live");
    const isAnswered = Promise.withResolvers<void>(), mayGoOn = Promise.withResolvers<void>();
    await shown.page.route("**/stats", async (route) => {
      const response = await route.fetch();
      isAnswered.resolve();
      await mayGoOn.promise;
      await route.fulfill({ response });
    });
    await site.record({ event: "a" });
    await isAnswered.promise;
    await site.record({ event: "a" });
    await shown.shows("section[data-type=add] dd", "3");
    mayGoOn.resolve();
    await shown.shows("#recorded", "3");
    shown.assertClean();
  },
);

browserTest(
  "the dashboard shows a new user how to begin, and the first event when it comes",
  async (browser) => {
    await using site = await TestSite.open();
    const shown = await browser.open(site.server);
    await shown.shows("#empty-title", "Nothing has been counted yet");
    const sample = (await shown.page.locator("#shell-sample").textContent())!;
    assert(sample.includes(`curl ${site.server.url}/record`), sample);
    await shown.shows("#connection", "Live");
    const script = (await shown.page.locator("#script-sample").textContent())!;
    await shown.page.evaluate(`(async () => { ${script} })()`);
    await shown.shows("section[data-type=add] dd", "1");
    await eventually(() => shown.page.locator("#empty").isVisible(), false);
    const [head, today] = await shown.rows("add");
    assertEquals([head, today[1]], [["Day", "Count"], "1"]);
    await shown.page.locator("section[data-type=add]").getByRole("radio", { name: "Values" })
      .check();
    await eventually(async () => (await shown.rows("add"))[1], ["", "hello", "1", "100.0%"]);
    shown.assertClean();
  },
);

browserTest(
  "the dashboard says when the server is gone, and goes on when it is back",
  async (browser) => {
    await using site = await TestSite.open();
    await site.record({ event: "a" });
    const { port } = site.server.addr;
    const shown = await browser.open(site.server);
    await shown.shows("#connection", "Live");
    await site.server.shutdown({ deadlineMs: 1000 });
    await shown.page.locator("#connection[data-state=lost]").waitFor();
    assertMatch((await shown.page.locator("#connection").textContent())!, /^Not connected since /);
    await shown.page.locator("#failure").getByText("Cannot reach the server").waitFor();
    assertEquals((await shown.figures("add"))["Total"], "1", "what was there stays");
    await site.traqq.record({ event: "a" });
    await using back = serveHttp(site.traqq, { port });
    await shown.shows("#connection", "Live");
    await shown.shows("section[data-type=add] dd", "2");
    await eventually(() => shown.page.locator("#failure").isVisible(), false);
    assertEquals(back.addr.port, port);
  },
);

browserTest("the dashboard works below a path", async (browser) => {
  await using site = await TestSite.open({}, { basePath: "/analytics" });
  const shown = await browser.open(site.server, "/analytics");
  assertEquals(shown.page.url(), `${site.server.url}/analytics/`);
  await shown.shows("#connection", "Live");
  const sample = (await shown.page.locator("#shell-sample").textContent())!;
  assert(sample.includes(`${site.server.url}/analytics/record`), sample);
  shown.assertClean();
});
