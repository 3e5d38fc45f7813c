/** PostgreSQL's SQL in DuckDB's words: tokens, statements, what is replaced, names of columns. */
import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { columnNames } from "../../../../src/series/pg/sql/column_names.ts";
import { anyParameters, translate } from "../../../../src/series/pg/sql/dialect.ts";
import { parameterCasts } from "../../../../src/series/pg/sql/parameter_casts.ts";
import { placeOf } from "../../../../src/series/pg/sql/place.ts";
import { statementsOf } from "../../../../src/series/pg/sql/statements.ts";
import { tokensOf } from "../../../../src/series/pg/sql/tokens.ts";

const only = (text: string) => statementsOf(text)[0];

Deno.test("tokensOf() loses nothing but space and comments, whatever the text is", () => {
  fc.assert(
    fc.property(
      fc.array(
        fc.oneof(fc.string({ unit: "binary" }), fc.constantFrom(..."'\"$-/*;:.$$E'".split(""))),
      ),
      (pieces) => {
        const text = pieces.join("");
        let at = 0;
        for (const { start, end, text: piece } of tokensOf(text)) {
          assertEquals(text.slice(start, end), piece);
          assertEquals(start >= at && end > start, true);
          at = end;
        }
      },
    ),
  );
});

Deno.test("statementsOf() cuts at semicolons, and not inside of strings, names and comments", () => {
  const ok = (text: string, ...want: string[]) =>
    assertEquals(statementsOf(text).map(({ text }) => text), want);
  ok("select 1; select 2", "select 1", "select 2");
  ok(" ;; -- a; b\n /* c; /* d; */ e; */ ;");
  ok(
    "select ';', E'\\';', $$;$$, $a$;$$;$a$, \";\" ; x",
    `select ';', E'\\';', $$;$$, $a$;$$;$a$, ";"`,
    "x",
  );
  ok("select 'it''s; ok'; 'open; end", "select 'it''s; ok'", "'open; end");
  ok("select a--b;\n+1", "select a--b;\n+1");
  assertEquals(statementsOf("select 1; select 2")[1].start, 10);
});

Deno.test("translate() puts DuckDB's words for PostgreSQL's, and leaves the rest", () => {
  const ok = (text: string, want = text) => assertEquals(translate(only(text)).text, want);
  ok("select usage, 'pg_catalog.pg_class' from cpu where a = 1");
  ok("select /* a /* b */ c */ 1 -- d\n+ 2", "select 1 + 2");
  ok("select * from pg_catalog.pg_class c", "select * from postgres.pg_class c");
  ok("select pg_class.oid from pg_class", "select pg_class.oid from postgres.pg_class");
  ok("select * from information_schema.tables", "select * from postgres.information_tables");
  ok("select pg_catalog.lower(x), version()", "select lower(x), postgres.version()");
  ok("select current_user, user, age(time)", "select postgres.pg_role(), user, age(time)");
  ok("select * from public.cpu, traqq.public.mem", "select * from main.cpu, main.mem");
  ok('select * from "public"."cpu"', 'select * from main."cpu"');
  ok(
    "where a ~ 'x' and b !~* c.d",
    "where a ~ postgres.regex('x') and b !~ postgres.regex_any_case(c.d)",
  );
  ok("a OPERATOR(pg_catalog.~) 'x' COLLATE pg_catalog.default", "a ~ postgres.regex('x')  ");
  ok("select ~5, 3 & ~1");
  ok("'cpu'::text::regclass", "postgres.regclass_name('cpu'::text)");
  ok("'cpu'::regclass::oid", "postgres.to_regclass('cpu')::integer");
  ok(
    "c.oid::regclass, f(x, (y))::regtype",
    "postgres.regclass_name(c.oid), postgres.regtype_name(f(x, (y)))",
  );
  ok("cast(x as name), cast('a' as text)", "cast(x as varchar), cast('a' as text)");
  ok("x::numeric, y::numeric(10, 2)", "x::double, y::numeric(10, 2)");
  ok(
    "'2026'::timestamptz > timestamptz '2026'",
    "'2026'::timestamptz::timestamp > (timestamptz '2026')::timestamp",
  );
  ok("x::timestamptz[]", "x::timestamptz[]::timestamp[]");
  ok("cast(x as timestamp with time zone)", "cast(x as timestamp with time zone)::timestamp");
  ok("time at time zone 'Asia/Tokyo'", "time::timestamptz at time zone 'Asia/Tokyo'");
  ok("timestamp '2026' at time zone 'Asia/Tokyo'");
  ok(
    "from generate_series(1, 2) as i where i > 1",
    "from generate_series(1, 2) as i(i) where i > 1",
  );
  ok("select a.b = any(c.d)", "select postgres.is_in(a.b , c.d)");
  ok("select a = any(select 1)");
});

Deno.test("translate() types a list that is bound, if it is told to", () => {
  const statement = only("select x = any($2) and y = $1");
  assertEquals(anyParameters(statement), [2]);
  assertEquals(
    translate(statement, new Map([[2, "BIGINT"]])).text,
    "select x = any($2::BIGINT[]) and y = $1",
  );
});

Deno.test("translate() knows where a place was before", () => {
  const text = "select 'a'::regclass, nope from pg_class";
  const { text: translated, originOf } = translate(only(text));
  assertEquals(originOf(translated.indexOf("nope")), text.indexOf("nope"));
  assertEquals(originOf(translated.indexOf("from")), text.indexOf("from"));
  assertEquals(originOf(0), 0);
});

Deno.test("columnNames() gives the names that PostgreSQL gives", () => {
  const ok = (text: string, ...want: (string | undefined)[]) =>
    assertEquals(columnNames(only(text)), want.length === 0 ? undefined : want, text);
  ok(
    "select count(*), avg(x) filter (where y), sum(z) over (order by t) from a",
    "count",
    "avg",
    "sum",
  );
  ok(
    "select a, b.c, d as e, f g, h::int, 'i'::text, 1",
    undefined,
    undefined,
    undefined,
    undefined,
    "h",
    "text",
    "?column?",
  );
  ok("select distinct lower(a), case when b then 1 end from c", "lower", "case");
  ok(
    "select 1 + 1, -a, not b, f(x) + 1, current_user",
    "?column?",
    "?column?",
    "?column?",
    "?column?",
    "current_user",
  );
  ok("with x as (select 1 as y) select max(y) from x", "max");
  ok("select *, count(*) from a");
  ok("select a.* from a");
  ok("show tables");
});

Deno.test("parameterCasts() reads what a cast says of a parameter", () => {
  const casts = parameterCasts(
    only(
      "select $1::int[], $2::timestamptz, $3, $4::double precision, $5::pg_catalog.text, $6::timestamp with time zone[]",
    ),
  );
  assertEquals([...casts], [[1, 1007], [2, 1184], [4, 701], [5, 25], [6, 1185]]);
});

Deno.test("placeOf() takes the drawing out of a message, and finds its place", () => {
  const text = "select 1,\n  nope from cpu";
  assertEquals(placeOf('no "nope"!\n\nLINE 2:   nope from cpu\n          ^', text), {
    message: 'no "nope"!',
    position: text.indexOf("nope"),
  });
  const long = `select ${"a, ".repeat(40)}nope`;
  assertEquals(
    placeOf(`no\n\nLINE 1: ...${long.slice(-20)}\n${" ".repeat(8 + 3 + 16)}^`, long).position,
    long.indexOf("nope"),
  );
  assertEquals(placeOf("no drawing", text), { message: "no drawing", position: undefined });
});
