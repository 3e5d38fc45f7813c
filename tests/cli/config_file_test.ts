import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { ConfigError } from "../../src/base/errors.ts";
import { parseConfigFile } from "../../src/cli/config_file.ts";
import { CONFIG_SAMPLE } from "../../src/cli/config_sample.ts";
import { readConfigFile } from "../../src/cli/options.ts";
import { serve } from "../../src/cli/serve.ts";

/** The file that RusTs generates. */
const RUSTS = `
server:
  host: 0.0.0.0
  port: 8086
  max_body_size: 10485760
  request_timeout_secs: 30
storage:
  data_dir: ./data
  wal_dir: null
  wal_durability: periodic
  wal_sync_interval_ms: 100
  wal_retention_secs: 604800
  memtable:
    max_size_mb: 64
    max_points: 1000000
    max_age_secs: 60
  partition_duration_hours: 24
  compression: default
auth:
  enabled: false
  jwt_secret: change-me-in-production
  token_expiration_secs: 3600
logging:
  level: info
  show_target: true
  show_thread_ids: false
  show_location: false
retention_policies: []
`;

Deno.test("the file that RusTs generates says the same here, and what means nothing is named", async () => {
  const { flags, series, jwtSecret, options, remarks } = await parseConfigFile("rusts.yml", RUSTS);
  assertEquals(Object.fromEntries(flags), {
    "http": "0.0.0.0:8086",
    "max-body-bytes": "10485760",
    "body-timeout": "30s",
    "series": "./data",
    "series-durability": "periodic",
    "log-level": "info",
  });
  assertEquals(series, {
    ...{ syncIntervalMs: 100, retainLogMs: 604_800_000, maxWaitingBytes: 64 << 20, retention: [] },
  });
  assertEquals([jwtSecret, options], [undefined, {}]);
  assertEquals(remarks.map((remark) => remark.split(" ")[0]), [
    "storage.memtable.max_points",
    "storage.memtable.max_age_secs",
    "auth.token_expiration_secs",
  ]);
});

Deno.test("every block of a file, as YAML and as JSON, becomes flags that serve has", async () => {
  const blocks = {
    prefix: "app",
    server: { host: "::1", port: 0 },
    storage: { wal_durability: "none", wal_retention_secs: null },
    auth: { enabled: true, jwt_secret: "only we know this" },
    logging: { level: "warn" },
    postgres: { enabled: true, port: 6543, max_connections: 7 },
    retention_policies: [{ name: "short", measurement: "cpu", duration_secs: 86_400 }, {
      duration_secs: 60,
    }],
  };
  const { dump: stringify } = await import("js-yaml");
  for (const [path, text] of [["a.json", JSON.stringify(blocks)], ["a.YML", stringify(blocks)]]) {
    const { flags, series, jwtSecret, options } = await parseConfigFile(path, text);
    assertEquals(Object.fromEntries(flags), {
      "http": "[::1]:0",
      "series-durability": "none",
      "log-level": "warning",
      "pg": "127.0.0.1:6543",
      "pg-max-connections": "7",
    });
    const known = serve.groups.flatMap(({ flags }) => flags.map(({ name }) => name));
    assertEquals([...flags.keys()].filter((name) => !known.includes(name)), []);
    assertEquals(series, {
      retainLogMs: null,
      retention: [{ measurement: "cpu", keepMs: 86_400_000 }, { measurement: "*", keepMs: 60_000 }],
    });
    assertEquals([jwtSecret, options], ["only we know this", { prefix: "app" }]);
  }
});

Deno.test("a block that is wrong is named with its place, what was meant, and what would be right", async () => {
  const bad = (text: string, message: string) =>
    assertRejects(() => readConfigFile("a.yml", text), ConfigError, message);
  await bad("server: {prot: 1}", 'a.yml: Cannot use "server.prot"; did you mean port?');
  await bad("server: {port: '80'}", 'server.port: wanted a whole number from 0, received "80"');
  await bad("server: 8080", "Cannot use server: wanted host, port");
  await bad("storage: {memtable: {max_sise_mb: 1}}", "did you mean max_size_mb?");
  await bad("storage: {wal_durability: always}", "wanted every_write, periodic");
  await bad("storage: {wal_dir: /wal}", "the log lies in the folder of storage.data_dir");
  await bad("auth: {enabled: true}", "Cannot use auth.jwt_secret");
  await bad("auth: {enabled: true, jwt_secret: change-me-in-production}", "that only you know");
  await bad("auth: {enabled: yes please}", "wanted true or false");
  await bad("logging: {level: loud}", "wanted trace, debug, info, warn, error");
  await bad("retention_policies: {}", "wanted a list");
  await bad("retention_policies: [{measurement: cpu}]", "wanted duration_secs");
  await bad("sever: {port: 1}", "sever");
  await bad("a: 1\n b: 2\n", "a.yml: Cannot read it as YAML");
  await bad("storage: kv", "choose it by --storage");
  assertEquals(await readConfigFile("a.yml", "# nothing\n"), {});
});

Deno.test("the file that --generate-config prints can be used as it is, and names every block", async () => {
  const { flags, remarks } = await parseConfigFile("traqq.yml", CONFIG_SAMPLE);
  assertEquals([flags.get("http"), flags.get("series"), remarks], [
    "127.0.0.1:8080",
    "./points",
    [],
  ]);
  assertEquals(await readConfigFile("traqq.yml", CONFIG_SAMPLE), { mapping: { add: ["event"] } });
  for (const block of ["server", "storage", "auth", "logging", "postgres", "retention_policies"]) {
    assertStringIncludes(CONFIG_SAMPLE, `\n${block}:`);
  }
  // What is switched off in it is right, too.
  const on = CONFIG_SAMPLE.replaceAll(/^( *)# (jwt_secret|time| {2}timezone| {2}hourly)/gm, "$1$2")
    .replace("retention_policies: []\n#  - m", "retention_policies:\n  - m").replace(
      /^# {4}dur/m,
      "    dur",
    )
    .replaceAll(/^#( {4}duration)/gm, "$1").replaceAll("enabled: false", "enabled: true");
  const { flags: more, jwtSecret, series } = await parseConfigFile("traqq.yml", on);
  assertEquals([more.get("pg"), jwtSecret], [
    "127.0.0.1:5432",
    "32 bytes or more that only you know",
  ]);
  assertEquals(series.retention, [{ measurement: "cpu", keepMs: 2_592_000_000 }]);
});
