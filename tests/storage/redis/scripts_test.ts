/** Each script's name says how many KEYS it takes, and its header what they are. */
import { assert, assertEquals } from "@std/assert";
import type { Script } from "../../../src/storage/redis/scripts/script.ts";

const FOLDER = new URL("../../../src/storage/redis/scripts/", import.meta.url);

/** How often each KEYS[…] is named, by what stands between the brackets. */
function keysUsed(lua: string): { highest: number; any: boolean } {
  const named = [...lua.matchAll(/KEYS\[([^\]]+)\]/g)].map(([, index]) => index);
  const numbers = named.filter((index) => /^\d+$/.test(index)).map(Number);
  return { highest: Math.max(...numbers), any: named.length > numbers.length };
}

for (
  const { name: file } of [...Deno.readDirSync(FOLDER)].sort((a, b) => a.name < b.name ? -1 : 1)
) {
  const match = /^(\w+-(\d+)(n?))\.ts$/.exec(file);
  if (match === null) {
    Deno.test(`${file} is a part of scripts, or their type`, () => {
      assert(file.startsWith("_") || file === "script.ts", file);
    });
    continue;
  }
  const [, name, keys, more] = match;
  Deno.test(`${name} uses ${keys} KEYS${more && ", and any number behind them"}`, async () => {
    const module: Record<string, Script> = await import(new URL(file, FOLDER).href);
    const [script] = Object.values(module);
    assertEquals(Object.keys(module).length, 1);
    assertEquals(script.name, name);
    const { highest, any } = keysUsed(script.lua);
    assertEquals(highest, Number(keys));
    assertEquals(any, more === "n");

    const header = Deno.readTextFileSync(new URL(file, FOLDER)).split("*/")[0];
    assert(header.includes(`* ${name}: `), "the header begins with the name");
    for (const part of ["KEYS:", "ARGV:", "Gives "]) assert(header.includes(part), part);
    const described = header.slice(header.indexOf("KEYS:"), header.indexOf("ARGV:"));
    for (let i = 1; i <= Number(keys); i++) {
      const ranges = [...described.matchAll(/(\d+)\. to (\d+)\./g)];
      const inRange = ranges.some(([, from, to]) => Number(from) <= i && i <= Number(to));
      assert(described.includes(`${i}. `) || inRange, `the header says what KEYS[${i}] is`);
    }
  });
}
