/** `psql`, as people use it. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { CERT, KEY } from "../../server/_tls.ts";
import { run, runWell, withClient } from "./_clients.ts";
import { BIG_ROWS, openPostgres, TOKEN } from "./_postgres.ts";

withClient("psql", () => {
  const connect = (port: number, more = "") =>
    `host=localhost port=${port} user=me dbname=any password='${TOKEN}' ${more}`;
  const asked = (port: number, ...commands: string[]) =>
    runWell("psql", [connect(port), "-X", "-At", ...commands.flatMap((text) => ["-c", text])]);

  Deno.test("psql asks, also several statements, and what fails", async () => {
    await using postgres = await openPostgres();
    const out = await asked(
      postgres.port,
      "select n, host from cpu where n > 7 order by n",
      "select 1; select count(*) from big",
      "show tables",
    );
    assertEquals(out, `8|h2\n9|h0\n1\n${BIG_ROWS}\nbig\ncpu\n`);
    const { code, err } = await run("psql", [
      connect(postgres.port),
      "-X",
      "-c",
      "select nope from cpu",
    ]);
    assertEquals(code, 1);
    // The mark stands below the name.
    assertMatch(err, /LINE 1: select nope from cpu\n {15}\^/);
  });

  Deno.test("psql lists tables and describes one", async () => {
    await using postgres = await openPostgres();
    const list = "public|big|table|traqq\npublic|cpu|table|traqq\n";
    assertEquals(await asked(postgres.port, "\\d"), list);
    assertEquals(await asked(postgres.port, "\\dt"), list);
    assertEquals(
      await asked(postgres.port, "\\d cpu"),
      [
        "time|timestamp with time zone||not null|",
        "host|text|||",
        "usage|double precision|||",
        "n|bigint|||",
        "ok|boolean|||",
        "u|numeric|||",
        "",
      ].join("\n"),
    );
    assertMatch(await asked(postgres.port, "\\d+ cpu"), /^n\|bigint\|\|\|\|plain\|\|\|$/m);
  });

  Deno.test("psql's other lists are answered", async () => {
    await using postgres = await openPostgres();
    const commands = [
      "\\l",
      "\\dn",
      "\\du",
      "\\df",
      "\\dv",
      "\\di",
      "\\ds",
      "\\dT",
      "\\dp",
      "\\dx",
    ];
    const out = await asked(postgres.port, ...commands, "\\dm", "\\db", "\\l+", "\\dn+", "\\dt+");
    assertMatch(out, /^traqq\|traqq\|UTF8/m);
    assertMatch(out, /^public\|traqq$/m);
  });

  Deno.test("psql copies to a file, and fetches by a cursor of its own", async () => {
    await using postgres = await openPostgres();
    const csv = await asked(
      postgres.port,
      "\\copy (select n, host from cpu order by n limit 2) to stdout csv header",
    );
    assertEquals(csv, "n,host\n0,h0\n1,h1\n");
    const rows = await runWell("psql", [connect(postgres.port), "-X", "-At"], {
      input: "\\set FETCH_COUNT 1000\nselect i from big order by i;\n",
    });
    const numbers = rows.trimEnd().split("\n");
    assertEquals(numbers.length, BIG_ROWS);
    assert(numbers.every((text, i) => text === String(i)));
  });

  Deno.test("psql talks TLS, and checks who it talks to", async () => {
    await using postgres = await openPostgres({ tls: { cert: CERT, key: KEY } });
    const file = await Deno.makeTempFile({ suffix: ".pem" });
    await Deno.writeTextFile(file, CERT);
    const select = ["-X", "-At", "-c", "select 1"];
    const full = connect(postgres.port, `sslmode=verify-full sslrootcert=${file}`);
    assertEquals(await runWell("psql", [full, ...select]), "1\n");
    const plain = await run("psql", [connect(postgres.port, "sslmode=disable"), ...select]);
    assertMatch(plain.err, /Cannot connect without TLS/);
    await Deno.remove(file);
  });

  Deno.test("psql with a wrong password is told so", async () => {
    await using postgres = await openPostgres();
    const wrong = connect(postgres.port).replace(TOKEN, "wrong");
    const { code, err } = await run("psql", [wrong, "-X", "-c", "select 1"]);
    assertEquals(code, 2);
    assertMatch(err, /the password is not a token of this server/);
  });
});
