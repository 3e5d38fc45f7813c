/** Decimals in Redis: as the scripts add them and as they are read, both against BigInt. */
import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { Redis } from "ioredis";
import { microsToString } from "../../../src/base/decimal.ts";
import { microsOf } from "../../../src/storage/redis/decimal.ts";
import { DECIMAL } from "../../../src/storage/redis/scripts/_decimal.ts";
import { RedisServer, withRedis } from "../../_redis.ts";

const PLUS = `${DECIMAL}
local sums = {}
for i = 1, #ARGV, 2 do
  local a, b = limbsOf(ARGV[i]), limbsOf(ARGV[i + 1])
  sums[#sums + 1] = a and b and textOf(plus(a, b)) or 'none'
end
return sums`;

const MINUS = PLUS.replace("plus(a, b))", "minus(a, b))");

/** Millionths of sums to ±9e12, to ±2^53 and far beyond, small ones, and whole ones. */
const micros = fc.oneof(
  fc.bigInt({ min: -(9n * 10n ** 18n), max: 9n * 10n ** 18n }),
  fc.bigInt({ min: -(2n ** 53n) * 1_000_000n, max: 2n ** 53n * 1_000_000n }),
  fc.bigInt({ min: -(10n ** 29n), max: 10n ** 29n }),
  fc.bigInt({ min: -3n, max: 3n }),
  fc.bigInt({ min: -(10n ** 12n), max: 10n ** 12n }).map((it) => it * 1_000_000n),
  fc.integer({ min: 0, max: 29 }).map((power) => 10n ** BigInt(power)),
  fc.integer({ min: 0, max: 29 }).map((power) => 1n - 10n ** BigInt(power)),
);

Deno.test("microsOf() reads what Redis, floats and people write, rounded half away from zero", () => {
  const ok = (text: string, wanted: bigint) => assertEquals(microsOf(text), wanted, text);
  ok("0", 0n);
  ok("-0", 0n);
  ok("12", 12_000_000n);
  ok("+1.5", 1_500_000n);
  ok("-99.990000", -99_990_000n);
  ok(".5", 500_000n);
  ok("5.", 5_000_000n);
  ok("0.3000000000000000166", 300_000n); // what HINCRBYFLOAT leaves of 0.1 + 0.2
  ok("0.0000005", 1n);
  ok("-0.0000005", -1n);
  ok("0.00000049999999999", 0n);
  ok("1e3", 1_000_000_000n);
  ok("1.5E+2", 150_000_000n);
  ok("-2.5e-7", 0n);
  ok("-5e-7", -1n);
  ok("25e-1", 2_500_000n);
  ok("1e20", 10n ** 26n);
  ok("0001.5", 1_500_000n);
  for (
    const text of ["", "-", ".", "e5", "1e", "1e999", "nan", "inf", "0x10", "1,5", "1 ", "--1"]
  ) {
    assertEquals(microsOf(text), undefined, text);
  }
});

await withRedis("decimals in scripts", async () => {
  const server = await RedisServer.start();
  const redis = () => new Redis(server.port, "127.0.0.1");

  Deno.test("the scripts add decimals as BigInt does", async () => {
    const client = redis();
    try {
      await fc.assert(
        fc.asyncProperty(
          fc.array(fc.tuple(micros, micros), { minLength: 1, maxLength: 50 }),
          async (pairs) => {
            const args = pairs.flat().map(microsToString);
            const sums = await client.eval(PLUS, 0, ...args);
            assertEquals(sums, pairs.map(([a, b]) => microsToString(a + b)));
            const differences = await client.eval(MINUS, 0, ...args);
            assertEquals(differences, pairs.map(([a, b]) => microsToString(a - b)));
          },
        ),
        { numRuns: 200 },
      );
    } finally {
      client.disconnect();
    }
  });

  Deno.test("the scripts read any decimal as microsOf() does", async () => {
    const client = redis();
    const digits = fc.stringMatching(/^\d{0,25}$/);
    const text = fc.tuple(
      fc.constantFrom("", "-", "+"),
      digits,
      fc.option(fc.stringMatching(/^\d{0,20}$/), { nil: undefined }),
      fc.option(fc.integer({ min: -30, max: 10 }), { nil: undefined }),
    ).map(([sign, whole, fraction, exponent]) =>
      `${sign}${whole}${fraction === undefined ? "" : `.${fraction}`}` +
      `${exponent === undefined ? "" : `e${exponent}`}`
    );
    const odd = fc.oneof(text, fc.double().map(String), fc.string());
    try {
      await fc.assert(
        fc.asyncProperty(odd, async (text) => {
          const [sum] = await client.eval(PLUS, 0, text, "0") as string[];
          const wanted = microsOf(text);
          const fits = wanted !== undefined && wanted > -(10n ** 30n) && wanted < 10n ** 30n;
          assertEquals(sum, fits ? microsToString(wanted) : "none", text);
        }),
        {
          numRuns: 500,
          examples: [["1e20"], ["0.9999995"], ["-0.9999995"], ["999999999999.9999995"]],
        },
      );
    } finally {
      client.disconnect();
    }
  });

  Deno.test("what the scripts write is a number to HINCRBYFLOAT", async () => {
    const client = redis();
    try {
      for (const text of ["0", "-0.5", "12", "9000000000000.000001", "-123456789.25"]) {
        const [stored] = await client.eval(PLUS, 0, text, "0") as string[];
        await client.hset("floats", text, stored);
        assert(Number(await client.hincrbyfloat("floats", text, 1)) === Number(text) + 1, text);
      }
    } finally {
      client.disconnect();
    }
  });
});
