import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { splitStatements } from "../../src/cli/sql_statements.ts";

Deno.test("splitStatements() parts at semicolons that end a statement, and at no others", () => {
  const cases: readonly (readonly [text: string, statements: string[]])[] = [
    ["", []],
    [" ; ;\n", []],
    ["SELECT 1", ["SELECT 1"]],
    ["SELECT 1; SELECT 2;", ["SELECT 1", "SELECT 2"]],
    ["SELECT ';'; SELECT 2", ["SELECT ';'", "SELECT 2"]],
    ["SELECT 'it''s; so'", ["SELECT 'it''s; so'"]],
    [`SELECT ";" ";"";"`, [`SELECT ";" ";"";"`]],
    [String.raw`SELECT e'\';'; SELECT 2`, [String.raw`SELECT e'\';'`, "SELECT 2"]],
    ["SELECT $$;$$, $a$;$$;$a$; SELECT $1", ["SELECT $$;$$, $a$;$$;$a$", "SELECT $1"]],
    ["-- one; two\nSELECT 1 -- three;\n; -- four", ["-- one; two\nSELECT 1 -- three;"]],
    ["/* ; */ SELECT 1 /* ; */; /* ; */", ["/* ; */ SELECT 1 /* ; */"]],
    ["SELECT 'open; SELECT 2", ["SELECT 'open; SELECT 2"]],
    ["SELECT /* open; SELECT 2", ["SELECT /* open; SELECT 2"]],
  ];
  for (const [text, statements] of cases) assertEquals(splitStatements(text), statements, text);
});

Deno.test("splitStatements() loses nothing that is no blank", () => {
  const piece = fc.constantFrom(
    "'",
    '"',
    ";",
    "-",
    "\n",
    "$",
    "$a$",
    "/*",
    "*/",
    "a",
    "\\",
    "e'",
    "é",
  );
  fc.assert(fc.property(fc.array(piece, { maxLength: 30 }), (pieces) => {
    const text = `a${pieces.join("")}`;
    const whole = splitStatements(text).join(";");
    assertEquals(text.startsWith(splitStatements(text)[0]), true);
    assertEquals([...whole].every((char) => text.includes(char)), true);
  }));
});
