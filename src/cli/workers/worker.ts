/**
 * The program of a worker of `traqq serve --workers`.
 *
 * @module
 */
import type { Port } from "./line.ts";
import { serveAsWorker } from "./worker_server.ts";

serveAsWorker(globalThis as unknown as Port);
