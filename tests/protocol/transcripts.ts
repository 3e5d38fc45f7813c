/**
 * Golden transcripts of the wire: what a client sends (`> `) and exactly what it gets (`< `). The same
 * ones run through a session and through a real socket. A reply that ends in `…` may go on: the texts of
 * the engine's errors are the engine's.
 *
 * @module
 */
import type { FileOptions } from "../../src/engine/config.ts";

/** A conversation. */
export interface Transcript {
  readonly name: string;
  /** Options of the `Traqq` it is held with. */
  readonly options?: FileOptions;
  /** The server's token. */
  readonly token?: string;
  readonly text: string;
}

/** The mapping of the seeds' quick start, with what the transcripts need beside it. */
const QUICK_START: FileOptions = {
  prefix: "myapp",
  mapping: {
    bitmap: ["ip"],
    add: ["event", "event~geo"],
    addValue: [{ key: "event~geo", addKey: "amount" }],
    top: ["geo"],
  },
};

/** No end of a line for us, though it is one for Unicode. */
const LINE_SEPARATOR = "\u2028";

// 1767225600 is 2026-01-01T00:00:00Z.
export const TRANSCRIPTS: readonly Transcript[] = [
  {
    name: "record, query and find as the Rust client sends them",
    options: QUICK_START,
    text: String.raw`
> {"cmd":"record","event":{"event":"purchase","ip":"1.2.3.4","geo":"US","amount":99.99},"at":1767225600}
< {"success":true}
> {"cmd":"record","event":{"event":"purchase","ip":"1.2.3.5","geo":"DE","amount":"-0.5"},"at":"2026-01-01T23:59:59Z"}
< {"success":true}
> {"cmd":"record","event":{"event":"view","ip":"1.2.3.4","geo":"US"},"at":1767312000}
< {"success":true}
> {"cmd":"query","min":1767225600,"max":1767225600}
< {"success":true,"data":[{"date":"2026-01-01","timestamp":1767225600,"results":[{"metric_type":"bmp","key":["ip"],"location":"myapp:bmp:d:1767225600:ip","add_key":null,"result":{"Count":2}},{"metric_type":"add","key":["event"],"location":"myapp:add:d:1767225600:event","add_key":null,"result":{"Hash":{"purchase":2}}},{"metric_type":"add","key":["event","geo"],"location":"myapp:add:d:1767225600:event~geo","add_key":null,"result":{"Hash":{"purchase~US":1,"purchase~DE":1}}},{"metric_type":"adv","key":["event","geo"],"location":"myapp:adv:d:1767225600:amount:event~geo","add_key":"amount","result":{"FloatHash":{"purchase~US":99.99,"purchase~DE":-0.5}}},{"metric_type":"adv","key":["event","geo"],"location":"myapp:adv:d:1767225600:amount:event~geo:i","add_key":"amount","result":{"Summary":{"sum":99.49,"count":2}}},{"metric_type":"top","key":["geo"],"location":"myapp:top:d:1767225600:geo","add_key":null,"result":{"Ranked":[["DE",1],["US",1]]}}]}]}
> {"cmd":"find","min":1767225600,"max":1767398399,"metric_type":"add","key":"event","add_key":null,"merge":true}
< {"success":true,"data":[{"metric_type":"add","key":["event"],"location":"","add_key":null,"result":{"Hash":{"purchase":2,"view":1}}}]}
> {"cmd":"find","min":1767225600,"max":1767398399,"metric_type":"add","key":"event"}
< {"success":true,"data":[{"metric_type":"add","key":["event"],"location":"myapp:add:d:1767225600:event","add_key":null,"result":{"Hash":{"purchase":2}}},{"metric_type":"add","key":["event"],"location":"myapp:add:d:1767312000:event","add_key":null,"result":{"Hash":{"view":1}}}]}
`,
  },
  {
    name: "find merges uniques as a union, takes keys in any order and says [] for nothing",
    options: QUICK_START,
    text: String.raw`
> {"cmd":"record_many","events":[{"event":"a","geo":"US","ip":"1","amount":1},{"event":"a","geo":"US","ip":"1","amount":2.5}],"at":[1767225600,1767312000]}
< {"success":true,"data":{"recorded":2,"rejected":[]}}
> {"cmd":"find","min":1767225600,"max":1767312000,"metric_type":"bmp","key":"ip","merge":true}
< {"success":true,"data":[{"metric_type":"bmp","key":["ip"],"location":"","add_key":null,"result":{"Count":1}}]}
> {"cmd":"find","min":1767225600,"max":1767312000,"metric_type":"top","key":"geo","merge":true}
< {"success":true,"data":[{"metric_type":"top","key":["geo"],"location":"","add_key":null,"result":{"Ranked":[["US",2]]}}]}
> {"cmd":"find","min":1767225600,"max":1767312000,"metric_type":"adv","key":"geo~event","add_key":"amount","merge":true}
< {"success":true,"data":[{"metric_type":"adv","key":["event","geo"],"location":"","add_key":"amount","result":{"FloatHash":{"a~US":3.5}}},{"metric_type":"adv","key":["event","geo"],"location":"","add_key":"amount","result":{"Summary":{"sum":3.5,"count":2}}}]}
> {"cmd":"find","min":1767225600,"max":1767312000,"metric_type":"adv","key":"event~geo","merge":true}
< {"success":true,"data":[{"metric_type":"adv","key":["event","geo"],"location":"","add_key":"amount","result":{"FloatHash":{"a~US":3.5}}},{"metric_type":"adv","key":["event","geo"],"location":"","add_key":"amount","result":{"Summary":{"sum":3.5,"count":2}}}]}
> {"cmd":"find","min":1767225600,"max":1767312000,"metric_type":"adv","key":"event~geo","add_key":"price","merge":true}
< {"success":true,"data":[]}
> {"cmd":"find","min":1767225600,"max":1767312000,"metric_type":"top","key":"city"}
< {"success":true,"data":[]}
> {"cmd":"find","min":1767225600,"max":1767312000,"metric_type":"top","key":"city","merge":true}
< {"success":true,"data":[]}
`,
  },
  {
    name: "query has every bucket, labels of the zone, hours and filters",
    options: {
      prefix: "b",
      mapping: { add: ["event"], top: ["geo"] },
      time: { timezone: "Europe/Berlin", hourly: true },
    },
    text: String.raw`
> {"cmd":"record","event":{"event":"a","geo":"DE"},"at":"2026-01-01T23:30:00Z"}
< {"success":true}
> {"cmd":"query","min":"2026-01-01T12:00:00+01:00","max":"2026-01-02T12:00:00+01:00","ignore":"top:*"}
< {"success":true,"data":[{"date":"2026-01-01","timestamp":1767222000,"results":[]},{"date":"2026-01-02","timestamp":1767308400,"results":[{"metric_type":"add","key":["event"],"location":"b:add:d:1767308400:event","add_key":null,"result":{"Hash":{"a":1}}}]}]}
> {"cmd":"query","min":1767308400,"max":1767312000,"unit":"h","accept":["top:*"],"ignore":[]}
< {"success":true,"data":[{"date":"2026-01-02T00:00:00+01:00","timestamp":1767308400,"results":[{"metric_type":"top","key":["geo"],"location":"b:top:h:1767308400:geo","add_key":null,"result":{"Ranked":[["DE",1]]}}]},{"date":"2026-01-02T01:00:00+01:00","timestamp":1767312000,"results":[]}]}
> {"cmd":"query","min":1767308400,"max":1767308400,"allow":"bmp:*"}
< {"success":true,"data":[{"date":"2026-01-02","timestamp":1767308400,"results":[]}]}
> {"cmd":"query","min":1767308400,"max":1767308400,"select":"top/geo"}
< {"success":true,"data":[{"date":"2026-01-02","timestamp":1767308400,"results":[{"metric_type":"top","key":["geo"],"location":"b:top:d:1767308400:geo","add_key":null,"result":{"Ranked":[["DE",1]]}}]}]}
`,
  },
  {
    name: "names such as __proto__ and toJSON are data",
    options: { prefix: "t", mapping: { add: ["event", "__proto__"], top: ["constructor"] } },
    text: String.raw`
> {"cmd":"record","event":{"event":"__proto__","__proto__":"constructor","constructor":"toJSON"},"at":1767225600}
< {"success":true}
> {"cmd":"record","event":{"event":"toJSON","__proto__":"__proto__"},"at":1767225600,"__proto__":{"at":5},"constructor":null}
< {"success":true}
> {"cmd":"query","min":1767225600,"max":1767225600}
< {"success":true,"data":[{"date":"2026-01-01","timestamp":1767225600,"results":[{"metric_type":"add","key":["__proto__"],"location":"t:add:d:1767225600:__proto__","add_key":null,"result":{"Hash":{"constructor":1,"__proto__":1}}},{"metric_type":"add","key":["event"],"location":"t:add:d:1767225600:event","add_key":null,"result":{"Hash":{"__proto__":1,"toJSON":1}}},{"metric_type":"top","key":["constructor"],"location":"t:top:d:1767225600:constructor","add_key":null,"result":{"Ranked":[["toJSON",1]]}}]}]}
> {"cmd":"constructor"}
< {"success":false,"error":"Cannot read the command: wanted \"cmd\" to be one of record, record_many, query, query_days, find, auth, ping, stats, received \"constructor\""}
> {"__proto__":{"cmd":"ping"}}
< {"success":false,"error":"Cannot read the command: \"cmd\" is missing, wanted one of record, record_many, query, query_days, find, auth, ping, stats"}
`,
  },
  {
    name: "id is echoed, whatever it is",
    text: String.raw`
> {"cmd":"ping","id":1}
< {"success":true,"id":1}
> {"id":null,"cmd":"ping"}
< {"success":true,"id":null}
> {"cmd":"ping","id":0}
< {"success":true,"id":0}
> {"cmd":"ping","id":false}
< {"success":true,"id":false}
> {"cmd":"ping","id":""}
< {"success":true,"id":""}
> {"cmd":"ping","id":{"__proto__":[1,"\u2028é"]}}
< {"success":true,"id":{"__proto__":[1,"${LINE_SEPARATOR}é"]}}
> {"nested":{"id":1},"id":18446744073709551615,"cmd":"ping"}
< {"success":true,"id":18446744073709551615}
> {"cmd":"ping","id":1e999}
< {"success":true,"id":1e999}
> {"cmd":"record","event":{"event":"a","id":9},"at":1767225600,"id":"r"}
< {"success":true,"id":"r"}
> {"cmd":"record","event":{"event":""},"id":-7}
< {"success":false,"error":"Cannot record an event: \"event\" must hold more than white space, \"~\" and \":\", received \"\"","id":-7}
> {"cmd":"query","min":1767225600,"max":1767225600,"id":[3]}
< {"success":true,"data":[{"date":"2026-01-01","timestamp":1767225600,"results":[{"metric_type":"add","key":["event"],"location":"traqq:add:d:1767225600:event","add_key":null,"result":{"Hash":{"a":1}}}]}],"id":[3]}
> {"cmd":"nonsense","id":4}
< {"success":false,"error":"Cannot read the command: wanted \"cmd\" to be one of record, record_many, query, query_days, find, auth, ping, stats, received \"nonsense\"","id":4}
> {"id":5}
< {"success":false,"error":"Cannot read the command: \"cmd\" is missing, wanted one of record, record_many, query, query_days, find, auth, ping, stats","id":5}
`,
  },
  {
    name: "blank lines get no reply and white space does no harm",
    text: '\n>\n> \t\r\n>  {"cmd": "ping"}\t\r\n< {"success":true}\n' +
      '> \u{feff}{"cmd":"ping"}\n< {"success":true}\n',
  },
  {
    name: "unknown fields are ignored and null counts as absent",
    text: String.raw`
> {"cmd":"ping","event":7,"days":-1,"version":"0.2.0"}
< {"success":true}
> {"cmd":"find","min":1767225600,"max":1767225600,"metric_type":"add","key":"event","add_key":null,"merge":null,"unit":null,"accept":null,"ignore":null,"allow":null,"select":null}
< {"success":true,"data":[]}
> {"cmd":"record","event":{"event":"a","nothing":null,"list":[1],"object":{}},"at":null}
< {"success":true}
> {"cmd":"record_many","events":[],"at":null}
< {"success":true,"data":{"recorded":0,"rejected":[]}}
`,
  },
  {
    name: "record_many reports by index, records the rest and takes one time or many",
    text: String.raw`
> {"cmd":"record_many","events":[{"event":"a"},null,{"event":""},{"event":"b"},7,"x",[],{"event":9}],"at":1767225600}
< {"success":true,"data":{"recorded":2,"rejected":[{"index":1,"error":"Cannot record an event: wanted an object such as {\"event\":\"purchase\"}, received null"},{"index":2,"error":"Cannot record an event: \"event\" must hold more than white space, \"~\" and \":\", received \"\""},{"index":4,"error":"Cannot record an event: wanted an object such as {\"event\":\"purchase\"}, received 7"},{"index":5,"error":"Cannot record an event: wanted an object such as {\"event\":\"purchase\"}, received \"x\""},{"index":6,"error":"Cannot record an event: wanted an object such as {\"event\":\"purchase\"}, received []"},{"index":7,"error":"Cannot record an event: wanted a string in \"event\", received 9"}]}}
> {"cmd":"record_many","events":[{"event":"a"},{"event":"b"},{"event":"c"},{"event":"d"}],"at":[1767225600,1767225600000,null,"yesterday"]}
< {"success":true,"data":{"recorded":2,"rejected":[{"index":1,"error":"Cannot read time: wanted unix seconds, this looks like milliseconds (divide by 1000), received 1767225600000"},{"index":3,"error":"Cannot read time: wanted a Date, unix seconds or an RFC 3339 string such as \"2001-01-01T00:47:00Z\", received \"yesterday\""}]}}
> {"cmd":"record_many","events":[{"event":"a"}],"at":[1,2]}
< {"success":false,"error":"Cannot record: \"at\" has 2 times for 1 events; give one for each"}
> {"cmd":"record_many","events":{"0":{"event":"a"}}}
< {"success":false,"error":"Cannot record: wanted \"events\" to be an array of objects, received {\"0\":{\"event\":\"a\"}}"}
> {"cmd":"record_many"}
< {"success":false,"error":"Cannot record: \"events\" is missing, wanted an array of objects"}
> {"cmd":"find","min":1767225600,"max":1767225600,"metric_type":"add","key":"event","merge":true}
< {"success":true,"data":[{"metric_type":"add","key":["event"],"location":"","add_key":null,"result":{"Hash":{"a":2,"b":1}}}]}
`,
  },
  {
    name: "bad input gets one clear error and the connection lives on",
    text: String.raw`
> hello
< {"success":false,"error":"Cannot read the line: wanted one JSON object such as {\"cmd\":\"ping\"}; Unexpected token 'h', \"hello\" is not valid JSON"}
> {"cmd":"ping"}{"cmd":"ping"}
< {"success":false,"error":"Cannot read the line: wanted one JSON object such as {\"cmd\":\"ping\"}; Unexpected non-whitespace character after JSON at position 14 (line 1 column 15)"}
> [{"cmd":"ping"}]
< {"success":false,"error":"Cannot read the line: wanted a JSON object such as {\"cmd\":\"ping\"}, received [{\"cmd\":\"ping\"}]"}
> null
< {"success":false,"error":"Cannot read the line: wanted a JSON object such as {\"cmd\":\"ping\"}, received null"}
> {"cmd":null}
< {"success":false,"error":"Cannot read the command: wanted \"cmd\" to be one of record, record_many, query, query_days, find, auth, ping, stats, received null"}
> {"cmd":"record"}
< {"success":false,"error":"Cannot record: \"event\" is missing, wanted an object such as {\"event\":\"purchase\"}"}
> {"cmd":"record","event":null}
< {"success":false,"error":"Cannot record an event: wanted an object…
> {"cmd":"record","event":[{"event":"a"}]}
< {"success":false,"error":"Cannot record an event: wanted an object…
> {"cmd":"record","event":{"name":"a"}}
< {"success":false,"error":"Cannot record an event: wanted a string in \"event\", received …
> {"cmd":"record","event":{"event":["a"]}}
< {"success":false,"error":"Cannot record an event: wanted a string in \"event\", received …
> {"cmd":"record","event":{"event":null}}
< {"success":false,"error":"Cannot record an event: wanted a string in \"event\", received null"}
> {"cmd":"record","event":{"event":"a"},"at":1767225600000}
< {"success":false,"error":"Cannot read time: wanted unix seconds…
> {"cmd":"record","event":{"event":"a"},"at":true}
< {"success":false,"error":"Cannot record: wanted \"at\" to be unix seconds or an RFC 3339 string, received true"}
> {"cmd":"record","event":{"event":"a"},"at":"20000-01-01T00:00:00Z"}
< {"success":false,"error":"Cannot read time: wanted a Date…
> {"cmd":"query"}
< {"success":false,"error":"Cannot query: \"min\" is missing, wanted unix seconds or an RFC 3339 string"}
> {"cmd":"query","min":0,"max":{}}
< {"success":false,"error":"Cannot query: wanted \"max\" to be unix seconds or an RFC 3339 string, received {}"}
> {"cmd":"query","min":1767225600,"max":1767225600,"unit":"w"}
< {"success":false,"error":"Cannot query: wanted \"unit\" to be \"d\" or \"h\", received \"w\""}
> {"cmd":"query","min":1767225600,"max":1767225600,"accept":[1]}
< {"success":false,"error":"Cannot query: wanted \"accept\" to be a glob or an array of globs, received [1]"}
> {"cmd":"query","min":1767225600,"max":1767225600,"select":{"key":1}}
< {"success":false,"error":"Cannot query: wanted \"select\" to be \"add/event\" or {\"type\":\"add\",\"key\":\"event\"}, received {\"key\":1}"}
> {"cmd":"query_days"}
< {"success":false,"error":"Cannot query: \"days\" is missing, wanted a whole number from 1"}
> {"cmd":"query_days","days":0}
< {"success":false,"error":"Cannot query: wanted \"days\" to be a whole number from 1, received 0"}
> {"cmd":"query_days","days":-7}
< {"success":false,"error":"Cannot query: wanted \"days\" to be a whole number from 1, received -7"}
> {"cmd":"query_days","days":1.5}
< {"success":false,"error":"Cannot query: wanted \"days\" to be a whole number from 1, received 1.5"}
> {"cmd":"query_days","days":"7"}
< {"success":false,"error":"Cannot query: wanted \"days\" to be a whole number from 1, received \"7\""}
> {"cmd":"query_days","days":1e999}
< {"success":false,"error":"Cannot query: wanted \"days\" to be a whole number from 1, received Infinity"}
> {"cmd":"find","min":0,"max":0,"key":"event"}
< {"success":false,"error":"Cannot find: \"metric_type\" is missing, wanted one of bmp, add, adv, top"}
> {"cmd":"find","min":0,"max":0,"metric_type":"sum","key":"event"}
< {"success":false,"error":"Cannot find: wanted \"metric_type\" to be one of bmp, add, adv, top, received \"sum\""}
> {"cmd":"find","min":0,"max":0,"metric_type":"add","key":["event"]}
< {"success":false,"error":"Cannot find: wanted \"key\" to be property names joined by ~, received [\"event\"]"}
> {"cmd":"find","min":0,"max":0,"metric_type":"adv","key":"event","add_key":1}
< {"success":false,"error":"Cannot find: wanted \"add_key\" to be the name of a property or null, received 1"}
> {"cmd":"find","min":0,"max":0,"metric_type":"add","key":"event","merge":"yes"}
< {"success":false,"error":"Cannot find: wanted \"merge\" to be true or false, received \"yes\""}
> {"cmd":"auth"}
< {"success":false,"error":"Cannot authenticate: wanted \"token\" to be a string"}
> {"cmd":"ping"}
< {"success":true}
`,
  },
  {
    name: "what the engine refuses is an error reply",
    text: String.raw`
> {"cmd":"query","min":1767225600,"max":1767225599}
< {"success":false,"error":"Cannot list the buckets of a range: it ends before it starts…
> {"cmd":"query","min":1767225600,"max":-1367225599,"unit":"h"}
< {"success":false,"error":"…
> {"cmd":"query","min":-1388534400,"max":1767225600,"unit":"h"}
< {"success":false,"error":"Cannot list the hours of a range: at most 50000 (limits.maxBuckets)…
> {"cmd":"query_days","days":9007199254740991}
< {"success":false,"error":"…
> {"cmd":"query","min":1e999,"max":0}
< {"success":false,"error":"…
> {"cmd":"query","min":1767225600000,"max":1767225600001}
< {"success":false,"error":"…
> {"cmd":"query","min":0,"max":0,"select":"sum/event"}
< {"success":false,"error":"…
> {"cmd":"find","min":0,"max":0,"metric_type":"add","key":""}
< {"success":false,"error":"…
> {"cmd":"find","min":0,"max":0,"metric_type":"add","key":"event","add_key":"amount"}
< {"success":false,"error":"…
`,
  },
  {
    name: "values may hold anything",
    options: { prefix: "v", mapping: { add: ["event"] } },
    text: String.raw`
> {"cmd":"record","event":{"event":"line\nfeed, nul \u0000 and \ud83d\ude00"},"at":1767225600}
< {"success":true}
> {"cmd":"record","event":{"event":"lone \ud800 surrogate"},"at":1767225600}
< {"success":true}
> {"cmd":"record","event":{"event":"~:trim:~","amount":1e999},"at":1767225600}
< {"success":true}
> {"cmd":"record","event":{"event":"ünïcödé \u2028 日本語 👩‍👩‍👧"},"at":1767225600}
< {"success":true}
> {"cmd":"query","min":1767225600,"max":1767225600}
< {"success":true,"data":[{"date":"2026-01-01","timestamp":1767225600,"results":[{"metric_type":"add","key":["event"],"location":"v:add:d:1767225600:event","add_key":null,"result":{"Hash":{"line\nfeed, nul \u0000 and 😀":1,"lone � surrogate":1,"trim":1,"ünïcödé ${LINE_SEPARATOR} 日本語 👩‍👩‍👧":1}}}]}]}
`,
  },
  {
    name: "without the token only auth and ping are answered",
    token: "sésame",
    text: String.raw`
> {"cmd":"ping","id":1}
< {"success":true,"id":1}
> {"cmd":"stats","id":2}
< {"success":false,"error":"Cannot do this without the token: send {\"cmd\":\"auth\",\"token\":\"…\"} first on this connection","id":2}
> {"cmd":"record","event":{"event":"a"},"at":1767225600}
< {"success":false,"error":"Cannot do this without the token: send {\"cmd\":\"auth\",\"token\":\"…\"} first on this connection"}
> {"cmd":"auth","token":"sesame"}
< {"success":false,"error":"Cannot authenticate: this is not the server's token"}
> {"cmd":"auth","token":"sésame","id":3}
< {"success":true,"id":3}
> {"cmd":"query","min":1767225600,"max":1767225600}
< {"success":true,"data":[{"date":"2026-01-01","timestamp":1767225600,"results":[]}]}
`,
  },
  {
    name: "after three wrong tokens nothing is answered any more",
    token: "secret",
    text: String.raw`
> {"cmd":"auth","token":""}
< {"success":false,"error":"Cannot authenticate: this is not the server's token"}
> {"cmd":"auth","token":"secre"}
< {"success":false,"error":"Cannot authenticate: this is not the server's token"}
> {"cmd":"auth","token":"secrets"}
< {"success":false,"error":"Cannot authenticate: this is not the server's token; the connection is closed"}
> {"cmd":"auth","token":"secret"}
> {"cmd":"ping"}
`,
  },
  {
    name: "a server without a token takes any",
    text: String.raw`
> {"cmd":"auth","token":"whatever"}
< {"success":true}
`,
  },
];

/** What is sent, and what must come back. */
export function readTranscript({ text }: Transcript): { sent: string; replies: string } {
  const side = (mark: string) =>
    text.split("\n").filter((line) => line.startsWith(mark))
      .map((line) => `${line.slice(mark.length).replace(/^ /, "")}\n`).join("");
  return { sent: side(">"), replies: side("<") };
}
