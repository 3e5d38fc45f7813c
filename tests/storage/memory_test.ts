import { MemoryStorage } from "../../src/storage/memory.ts";
import { storageContract } from "../contract/mod.ts";

storageContract({
  name: "MemoryStorage",
  capabilities: { atomicity: "chunk", survivesProcess: false },
  open: () => Promise.resolve(new MemoryStorage()),
  skip: [
    { needs: "place", capability: "survivesProcess", reason: "it ends with its process" },
    {
      needs: "faults",
      capability: "survivesProcess",
      reason: "there is no connection that could break",
    },
  ],
});
