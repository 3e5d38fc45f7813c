/** Holds every page to the repository: links, files, names of tests. */
import { assert, assertEquals } from "@std/assert";
import { CASES } from "../contract/mod.ts";
import { TRANSCRIPTS } from "../protocol/transcripts.ts";
import { fileOf, PAGES, read } from "./_pages.ts";

function exists(path: string): boolean {
  try {
    Deno.statSync(fileOf(path));
    return true;
  } catch {
    return false;
  }
}

function testSources(folder: string): string {
  let text = "";
  for (const { name, isDirectory } of Deno.readDirSync(fileOf(folder))) {
    if (isDirectory) text += testSources(`${folder}/${name}`);
    else if (name.endsWith("_test.ts")) text += read(`${folder}/${name}`);
  }
  return text;
}

/** The anchor that a heading gets: lower case, spaces as dashes, no punctuation. */
function anchors(path: string): string[] {
  return [...read(path).matchAll(/^#+ (.*)$/gm)].map(([, title]) =>
    title.toLowerCase().replace(/[^\w -]/g, "").replaceAll(" ", "-")
  );
}

for (const page of PAGES) {
  Deno.test(`${page}: links lead somewhere`, () => {
    const folder = page.includes("/") ? page.slice(0, page.lastIndexOf("/") + 1) : "";
    for (const [, link] of read(page).matchAll(/\]\(([^)]+)\)/g)) {
      if (/^https:\/\//.test(link)) continue;
      const [path, anchor] = link.split("#");
      const target = path === "" ? page : new URL(path, `file:///${folder}`).pathname.slice(1);
      assert(exists(target), link);
      if (anchor !== undefined) assert(anchors(target).includes(anchor), link);
    }
  });

  Deno.test(`${page}: files that are named exist`, () => {
    const named = [
      ...read(page).matchAll(
        /`((?:src|tests|dev|bench|docs|examples|\.ci|\.github)(?:\/[\w.-]+)*\/?)`/g,
      ),
    ];
    for (const [, path] of named) assert(exists(path), path);
  });

  Deno.test(`${page}: tests that are named exist`, () => {
    const known = testSources("tests");
    const others = new Set([
      ...CASES.map(({ name }) => name),
      ...TRANSCRIPTS.map(({ name }) => `wire: ${name}`),
    ]);
    for (const [, list] of read(page).matchAll(/^Tests?: (.*?)\.\n\n/gms)) {
      for (const [, name] of list.replaceAll("\n", " ").matchAll(/`([^`]+)`/g)) {
        const claimed = name.startsWith("what is counted: ") &&
          [`"`, `'`].some((quote) =>
            known.includes(`claim(${quote}${name.slice("what is counted: ".length)}${quote}`)
          );
        assert(claimed || others.has(name) || known.includes(`"${name}"`), name);
      }
    }
  });

  Deno.test(`${page}: names no registry but JSR, and nothing outside the repository`, () => {
    const text = read(page);
    assert(!text.includes(["..", "shared"].join("/")));
    const hosts = [...text.matchAll(/https?:\/\/([\w.-]+)/g)].map(([, host]) => host);
    const allowed = ["keepachangelog.com", "semver.org", "127.0.0.1"];
    assertEquals(hosts.filter((host) => !allowed.includes(host)), []);
  });
}
