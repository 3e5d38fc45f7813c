import { assertEquals, assertThrows } from "@std/assert";
import { formatAddress, parseAddress } from "../../src/protocol/address.ts";

Deno.test("parseAddress reads names, IPv4 and IPv6, and formatAddress writes them", () => {
  const ok = (text: string, hostname: string, port: number) => {
    assertEquals(parseAddress(text), { hostname, port });
    assertEquals(formatAddress({ hostname, port }), text);
  };
  ok("localhost:9876", "localhost", 9876);
  ok("127.0.0.1:0", "127.0.0.1", 0);
  ok("stats.example.org:65535", "stats.example.org", 65535);
  ok("[::1]:9876", "::1", 9876);
  ok("[fe80::1%eth0]:1", "fe80::1%eth0", 1);
});

Deno.test("parseAddress refuses everything else, saying what is wanted", () => {
  for (
    const bad of [
      "",
      "localhost",
      ":9876",
      "localhost:",
      "localhost:x",
      "localhost:-1",
      "localhost:65536",
      "localhost:9876 ",
      "::1:9876",
      "[::1]",
      "[]:9876",
      "tcp://localhost:9876",
      "user@localhost:9876",
      9876,
      null,
      undefined,
    ]
  ) {
    assertThrows(() => parseAddress(bad), TypeError, 'wanted "host:port" such as');
  }
});
