import { assert, assertEquals, assertMatch, assertNotEquals } from "@std/assert";
import { FILES, PAGE, VERSION } from "../../../src/server/dashboard/files.ts";
import { Asking } from "../http/_asking.ts";

const POLICY = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; " +
  "img-src 'self' data:; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

Deno.test("GET / is the page, asked for each time and sent if it has changed", async () => {
  await using it = await Asking.open({ token: "secret" });
  const page = await it.ask("/?utm=x");
  assertEquals([page.status, page.text], [200, PAGE.text]);
  assertEquals(page.headers.get("content-type"), "text/html; charset=utf-8");
  assertEquals(page.headers.get("content-security-policy"), POLICY);
  assertEquals(page.headers.get("x-content-type-options"), "nosniff");
  assertEquals(page.headers.get("referrer-policy"), "no-referrer");
  assertEquals(page.headers.get("cache-control"), "no-cache");
  const tag = page.headers.get("etag")!;
  const again = async (known: string) =>
    (await it.ask("/", { headers: { "If-None-Match": known } })).status;
  assertEquals([await again(tag), await again(`"x", W/${tag}`), await again('"x"')], [
    304,
    304,
    200,
  ]);
  const head = await it.ask("/", { method: "HEAD" });
  assertEquals([head.status, head.text], [200, ""]);
});

Deno.test("GET /dashboard/VERSION/NAME is each file of the page, for good", async () => {
  await using it = await Asking.open({ token: "secret" });
  const tags = new Set<string>();
  for (const [name, { contentType, text }] of FILES) {
    const file = await it.ask(`/dashboard/${VERSION}/${name}`);
    assertEquals([file.status, file.text], [200, text], name);
    assertEquals(file.headers.get("content-type"), contentType, name);
    assertEquals(file.headers.get("cache-control"), "public, max-age=31536000, immutable", name);
    assertEquals(file.headers.get("content-security-policy"), POLICY, name);
    tags.add(file.headers.get("etag")!);
  }
  assertEquals(tags.size, FILES.size);
  for (const path of ["x/main.js", `${VERSION}/x.js`, `${VERSION}/__proto__`, `${VERSION}/`]) {
    const { status, body } = await it.ask(`/dashboard/${path}`);
    assertEquals([status, body.success], [404, false], path);
  }
});

Deno.test("the page loads nothing but files that there are", () => {
  const named = [...PAGE.text.matchAll(/(?:src|href)="(dashboard[^"]*)"/g)].map(([, path]) => path);
  assert(named.length > 3);
  for (const path of named) {
    const [, version, name] = path.split("/");
    assertEquals([version, FILES.has(name)], [VERSION, true], path);
  }
  for (const [name, { text }] of FILES) {
    for (const [, other] of text.matchAll(/^(?:import|\} from) .*"\.\/(.*)";$/gm)) {
      assert(FILES.has(other), `${name} imports ${other}`);
    }
  }
  assertMatch(VERSION, /^[\w-]{16}$/);
});

Deno.test("the page has no script and no style of its own, which its policy would refuse", () => {
  assertEquals(PAGE.text.match(/<script(?![^>]* src=)|<style|\sstyle=|\son\w+=/g), null);
  for (const [name, { text }] of FILES) {
    if (name === "uplot.js") continue;
    assertEquals(
      text.match(/innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b/g),
      null,
      name,
    );
  }
});

Deno.test("GET below a basePath is the page with a slash at its end, and a way there without", async () => {
  await using it = await Asking.open({ basePath: "/analytics" });
  const page = await it.ask("/analytics/");
  assertEquals([page.status, page.text], [200, PAGE.text]);
  const without = await it.ask("/analytics?x=1");
  assertEquals([without.status, without.headers.get("location")], [308, "/analytics/?x=1"]);
  assertEquals((await it.ask(`/analytics/dashboard/${VERSION}/main.js`)).status, 200);
  assertEquals((await it.ask(`/dashboard/${VERSION}/main.js`)).status, 404);
  assertNotEquals((await it.ask("/analytics/", { method: "POST" })).status, 200);
});

Deno.test("GET /overview wants the right to read", async () => {
  await using it = await Asking.open({
    access: { tokens: [{ token: "r", right: "read" }, { token: "w", right: "record" }] },
  });
  const ask = (token: string) =>
    it.ask("/overview", { headers: { Authorization: `Bearer ${token}` } });
  assertEquals((await it.ask("/overview")).status, 401);
  assertEquals((await ask("w")).status, 403);
  assertEquals((await ask("r")).body, {
    timezone: "UTC",
    days: null,
    hourly: false,
    metrics: [],
  });
});
