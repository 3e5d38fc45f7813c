import { assertEquals, assertStringIncludes } from "@std/assert";
import { fileURLToPath } from "node:url";
import { Folder, run, spawn } from "./_program.ts";

const SOURCES = fileURLToPath(new URL("../../", import.meta.url));

Deno.test("serve takes the blocks of a YAML file: where it listens, what it keeps, who may ask", async () => {
  await using folder = new Folder();
  folder.write(
    "traqq.yml",
    [
      "mapping: {add: [event]}",
      "server: {port: 0, max_body_size: 200}",
      "storage: {data_dir: points, wal_durability: every_write, compression: best}",
      'auth: {enabled: true, jwt_secret: "a secret of the test, long enough for HS256"}',
      "logging: {level: info}",
      "",
    ].join("\n"),
  );
  const running = spawn({
    cwd: folder.path,
    allow: [
      "--allow-net=127.0.0.1",
      `--allow-read=traqq.yml,points,${SOURCES}`,
      "--allow-write=points",
      "--allow-ffi",
    ],
    args: ["serve", "-c", "traqq.yml", "--addr", "127.0.0.1:0", "--storage", "memory"],
  });
  try {
    const line = await running.out.line(/ listens on /).catch(async (error) => {
      throw new Error(await running.err.ended, { cause: error });
    });
    assertStringIncludes(line, "series points (every_write)");
    const url = / and (http[^,\s]+)/.exec(line)![1];
    const post = async (path: string, body: string, token?: string) => {
      const headers: Record<string, string> = token === undefined
        ? {}
        : { Authorization: `Bearer ${token}` };
      const response = await fetch(`${url}${path}`, { method: "POST", body, headers });
      return [response.status, await response.text()] as const;
    };
    assertEquals((await post("/write", "cpu v=1"))[0], 401);
    const { SignJWT } = await import("jose");
    const token = await new SignJWT({ rights: "all" }).setProtectedHeader({ alg: "HS256" })
      .setExpirationTime("1h").sign(
        new TextEncoder().encode("a secret of the test, long enough for HS256"),
      );
    assertEquals((await post("/write", "cpu v=1", token))[0], 204);
    assertEquals((await post("/write", `cpu v=${"1".repeat(300)}`, token))[0], 413);
    const health = await fetch(`${url}/health`);
    assertEquals(await health.json(), { status: "healthy" });
    const ready = await fetch(`${url}/ready`);
    assertEquals(await ready.json(), { ready: true });
    await post("/sql", "SELECT 1", token);
    const stats = await fetch(`${url}/stats`, { headers: { Authorization: `Bearer ${token}` } });
    const { memtable, series } = await stats.json();
    assertEquals(memtable, { active_size: 0, active_points: 0 });
    assertEquals([series.written, series.rejected, series.measurements], [1, 0, 1]);
  } finally {
    try {
      running.process.kill("SIGTERM");
    } catch {
      // It has ended by itself: what it said is in the error.
    }
    await Promise.all([running.process.status, running.out.ended, running.err.ended]);
  }
  assertStringIncludes(running.err.text, "storage.compression means nothing here");
});

Deno.test("a flag wins over the file, and a file that is wrong is exit code 2", async () => {
  await using folder = new Folder();
  folder.write("bad.yml", "server: {prot: 80}\n");
  const start = { cwd: folder.path, allow: ["--allow-read=bad.yml,half.yml"] };
  const bad = await run({ ...start, args: ["serve", "--config", "bad.yml"] });
  assertEquals([bad.code, bad.err.includes("did you mean port?")], [2, true], bad.err);
  folder.write("half.yml", "storage: {wal_sync_interval_ms: 5}\n");
  const half = await run({ ...start, args: ["serve", "--config", "half.yml"] });
  assertEquals([half.code, half.err.includes("there is no storage.data_dir")], [2, true], half.err);
  folder.write("half.yml", "server: {port: 70}\nlogging: {level: error}\n");
  // The permission that is missing says which address was taken.
  const flags = ["serve", "--config", "half.yml", "--storage", "memory", "--addr", "127.0.0.1:1"];
  const won = await run({ ...start, args: [...flags, "--http", "127.0.0.1:2"] });
  assertStringIncludes(won.err, "127.0.0.1:2");
  assertEquals(won.err.includes(":70"), false);
});

Deno.test("serve --generate-config prints a file that serve takes", async () => {
  await using folder = new Folder();
  const { code, out } = await run({ cwd: folder.path, args: ["serve", "--generate-config"] });
  assertEquals(code, 0);
  folder.write("traqq.yml", out);
  const used = await run({
    ...{ cwd: folder.path, allow: ["--allow-read=traqq.yml"] },
    args: ["serve", "--config", "traqq.yml", "--storage", "memory"],
  });
  // It is read to the end: what is missing is what Deno must allow.
  assertStringIncludes(used.err, "--allow-net=127.0.0.1:9876");
  assertStringIncludes(used.err, "127.0.0.1:8080");
});
