/** Opening, closing, files and processes. More of KvStorage is in kv/ and in the contract. */
import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { StorageError } from "../../src/base/errors.ts";
import { cellKey } from "../../src/storage/kv/keys.ts";
import { KvStorage } from "../../src/storage/kv.ts";
import {
  ADD,
  contents,
  count,
  names,
  PREFIX,
  readAll,
  TestWriter,
  totals,
} from "../contract/kit.ts";
import { disturbed } from "./_faulty_kv.ts";
import { cellsOf } from "./_kv_writer.ts";

function tempFolder() {
  const path = Deno.makeTempDirSync({ prefix: "traqq-kv-" });
  return { path, [Symbol.dispose]: () => Deno.removeSync(path, { recursive: true }) };
}

Deno.test("KvStorage.open() says in one error what it cannot open", async (t) => {
  using folder = tempFolder();
  const file = `${folder.path}/notes.txt`;
  Deno.writeTextFileSync(file, "this is no database\n".repeat(100));
  const fails = async (path: string) => {
    const error = await assertRejects(() => KvStorage.open(path), StorageError);
    assertEquals(error.code, "refused");
    assertStringIncludes(error.message, JSON.stringify(path));
    assert(error.cause !== undefined);
    return error.message;
  };
  await t.step("another file", async () => {
    assertStringIncludes(await fails(file), "not a database");
    assertStringIncludes(Deno.readTextFileSync(file), "this is no database", "it is left alone");
  });
  await t.step("a folder that is a file", async () => {
    await fails(`${file}/traqq.db`);
  });
  await t.step("a folder that is not there", async () => {
    await fails(`${folder.path}/none/traqq.db`);
  });
  await t.step("a folder", async () => {
    await fails(folder.path);
  });
});

Deno.test("KvStorage.open() says which flag is missing", async () => {
  const code = `
    import { KvStorage } from ${JSON.stringify(import.meta.resolve("../../src/storage/kv.ts"))};
    try { await KvStorage.open(":memory:"); } catch (e) { console.log(e.name, e.code, e.message); }
  `;
  const { stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["eval", "--no-config", "--no-lock", "--quiet", code],
    env: { NO_COLOR: "1" },
  }).output();
  const text = new TextDecoder().decode(stdout);
  assertStringIncludes(text, "StorageError refused");
  assertStringIncludes(text, "--unstable-kv");
});

Deno.test("KvStorage.close() leaves a Deno.Kv open that the caller opened", async () => {
  const kv = await Deno.openKv(":memory:");
  const storage = await KvStorage.open(kv);
  await new TestWriter(storage).flush([count("a", 1)]);
  await storage.close();
  assertEquals((await kv.get<Deno.KvU64>(cellKey(PREFIX, count("a", 1)))).value?.value, 1n);
  const error = await assertRejects(() => storage.timezone(PREFIX), StorageError);
  assertEquals(error.code, "closed");
  const other = await KvStorage.open(kv);
  kv.close();
  const chunk = new TestWriter(other).chunk([count("a", 1)]);
  for (
    const call of [
      () => other.timezone(PREFIX),
      () => readAll(other, ADD),
      () => other.commit(chunk),
    ]
  ) {
    assertEquals((await assertRejects(call, StorageError)).code, "closed", "closed by the caller");
  }
});

Deno.test("KvStorage stops waiting for a lock when it is closed", async () => {
  await using it = await disturbed(1000);
  const { storage, faults } = it;
  faults.failWrites = Infinity;
  const commit = storage.commit(new TestWriter(storage).chunk([count("a", 1)]));
  const failed = assertRejects(() => commit, StorageError);
  await new Promise((resolve) => setTimeout(resolve, 20));
  await storage.close();
  assertEquals((await failed).code, "closed");
});

Deno.test("KvStorage counts exactly what four processes commit into one file at once", async () => {
  using folder = tempFolder();
  const path = `${folder.path}/shared.db`;
  const flushes = 40;
  const writers = names("process-", 4);
  const outputs = await Promise.all(writers.map((writer) =>
    new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--unstable-kv", "--quiet", programPath(), path, writer, `${flushes}`],
      stderr: "piped",
    }).output()
  ));
  for (const { success, stderr } of outputs) {
    assert(success, new TextDecoder().decode(stderr));
  }
  const cells = writers.flatMap((writer) =>
    names("", flushes).flatMap((_, i) => cellsOf(writer, i))
  );
  await using storage = await KvStorage.open(path);
  assertEquals(await contents(storage), totals(cells));
});

function programPath(): string {
  return new URL("./_kv_writer.ts", import.meta.url).pathname;
}

Deno.test("KvStorage.removeWriter() leaves a writer that is taken, or commits, while it looks", async () => {
  const { kv, storage, faults } = await disturbed();
  using _kv = kv;
  const other = await KvStorage.open(kv);
  const meddle = async (id: string, act: (writer: TestWriter) => Promise<unknown>) => {
    const writer = new TestWriter(other, { writer: id });
    await writer.flush([count("a", 1)]);
    faults.beforeCommit = async () => {
      faults.beforeCommit = null;
      await act(writer);
    };
    assertEquals(await storage.removeWriter(PREFIX, id), false, id);
    assertEquals(await storage.checkpoint(PREFIX, id), writer.previous, id);
  };
  await meddle("taken", () => other.acquireWriter(PREFIX, "taken", "one", 60_000));
  await meddle("commits", (writer) => writer.flush([count("b", 1)]));
  await storage.close();
});
