/** The server that `load.ts` starts: memory storage, the mapping of the quick start. */
import { serveTcp } from "../../src/server/tcp.ts";
import { MemoryStorage } from "../../src/storage/memory.ts";
import { Traqq } from "../../src/traqq.ts";
import { QUICK_START } from "../_events.ts";

const traqq = await Traqq.open({
  storage: new MemoryStorage(),
  mapping: QUICK_START,
});
const server = serveTcp(traqq, { port: 0 });
console.log(server.addr.port);
await server.finished;
