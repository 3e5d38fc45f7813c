/** The server that `load.ts` starts: memory storage, the mapping of the seeds' quick start. */
import { serveTcp } from "../../src/server/tcp.ts";
import { MemoryStorage } from "../../src/storage/memory.ts";
import { Traqq } from "../../src/traqq.ts";

const traqq = await Traqq.open({
  storage: new MemoryStorage(),
  mapping: {
    bitmap: ["ip"],
    add: ["event", "event~geo"],
    addValue: [{ key: "event~geo", addKey: "amount" }],
    top: ["geo"],
  },
});
const server = serveTcp(traqq, { port: 0 });
console.log(server.addr.port);
await server.finished;
