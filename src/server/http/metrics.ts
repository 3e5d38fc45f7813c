/**
 * `GET /stats` and `GET /metrics`: all counters of the server by room, as JSON and as Prometheus text
 * (exposition format 0.0.4).
 *
 * @module
 */
import type { HistogramStats } from "../../base/histogram.ts";
import type { TcpCounters } from "../_connection.ts";
import type { Totals } from "../totals.ts";
import type { HttpStats } from "./counters.ts";

/** Counters of the rooms; HTTP is one of them. */
export type Rooms = Totals & Required<Pick<Totals, "http" | "loopLag">>;

/** The content type of {@linkcode toPrometheus}. */
export const PROMETHEUS_TYPE = "text/plain; version=0.0.4; charset=utf-8";

/** One object with a key per room. */
export function toStats({ traqq, http, tcp, loopLag }: Rooms): object {
  const { journal, ...own } = traqq;
  const {
    recorded,
    rejected,
    late,
    future,
    overloaded,
    rejectedValues,
    overflowed,
    ...writer
  } = own;
  return {
    engine: { recorded, rejected, late, future, overloaded, rejectedValues, overflowed },
    writer,
    ...journal === undefined ? {} : { journal },
    http,
    ...tcp === undefined ? {} : { tcp },
    process: { loopLag },
  };
}

/** All counters as Prometheus text. */
export function toPrometheus({ traqq, http, tcp, loopLag }: Rooms): string {
  const page = new Page();
  page.counter("events_recorded_total", "Events that were counted.", traqq.recorded);
  page.counter("events_rejected_total", "Events that were refused, by reason.", [
    ['reason="invalid"', traqq.rejected],
    ['reason="late"', traqq.late],
    ['reason="future"', traqq.future],
    ['reason="overloaded"', traqq.overloaded],
    ['reason="not_json"', http.unreadableLines],
  ]);
  page.counter(
    "values_rejected_total",
    "Values to be summed that are no numbers.",
    traqq.rejectedValues,
  );
  page.counter("fields_overflowed_total", "Fields counted as ~other.", traqq.overflowed);
  page.counter("events_recovered_total", "Events read back from the journal.", traqq.recovered);
  page.gauge("events_pending", "Events that storage has not confirmed.", traqq.pending);
  page.gauge("cells_pending", "Cells held in memory for them.", traqq.pendingCells);
  page.counter("slowed_total", "Times that a caller waited for memory.", traqq.slowed);
  page.counter("flushes_total", "Flushes by outcome.", [
    ['outcome="stored"', traqq.flushes],
    ['outcome="failed"', traqq.failedFlushes],
  ]);
  page.counter("commits_total", "Atomic commits by outcome.", [
    ['outcome="applied"', traqq.commits],
    ['outcome="skipped"', traqq.skipped],
  ]);
  page.counter("commit_retries_total", "Attempts at a commit that were repeated.", traqq.retries);
  page.counter(
    "commits_replayed_total",
    "Commits repeated after storage went back.",
    traqq.replayed,
  );
  page.counter("cells_refused_total", "Cells that storage refused for good.", traqq.refusedCells);
  page.histogram("commit_duration_seconds", "Time of confirmed commits.", traqq.commitTimes);
  const { journal } = traqq;
  if (journal !== undefined) {
    page.counter("journal_written_bytes_total", "Bytes written to the journal.", journal.bytes);
    page.counter("journal_syncs_total", "Syncs of the journal.", journal.syncs);
    page.counter("journal_failures_total", "Failed writes and syncs.", journal.failures);
    page.gauge("journal_held_bytes", "Bytes not on the disk for certain.", journal.heldBytes);
    page.gauge("journal_segments", "Files of the journal.", journal.segments);
  }
  page.histogram("event_loop_lag_seconds", "How late timers were.", loopLag);
  page.counter("http_requests_total", "Requests by method, path and status.", answersOf(http));
  page.histogram("http_request_duration_seconds", "Time of answers.", http.times);
  page.gauge("http_requests_active", "Requests being answered.", http.active);
  page.counter("http_body_bytes_total", "Bytes of bodies, unzipped.", http.bodyBytes);
  page.gauge("http_held_bytes", "Bytes of bodies in memory.", http.heldBytes);
  page.counter("http_wrong_tokens_total", "Requests with a wrong token.", http.wrongTokens);
  page.gauge("http_live_listeners", "Listeners of /live.", http.listeners);
  page.counter("http_live_dropped_total", "Listeners that were too slow.", http.droppedListeners);
  if (tcp !== undefined) writeTcp(page, tcp);
  return page.text;
}

function writeTcp(page: Page, tcp: TcpCounters): void {
  page.gauge("tcp_connections", "TCP connections that are open.", tcp.connections);
  page.counter("tcp_connections_total", "TCP connections by outcome.", [
    ['outcome="accepted"', tcp.accepted],
    ['outcome="refused"', tcp.refused],
  ]);
  page.counter("tcp_commands_total", "Lines that were answered.", tcp.commands);
  page.counter("tcp_errors_total", "Replies that were errors.", tcp.errors);
  page.counter("tcp_idled_total", "Connections closed for silence.", tcp.idled);
  page.counter("tcp_socket_errors_total", "Connections that broke.", tcp.socketErrors);
  page.counter("tcp_half_lines_total", "Lines whose end never came.", tcp.halfLines);
  page.counter("tcp_bytes_total", "Bytes by direction.", [
    ['direction="in"', tcp.bytesIn],
    ['direction="out"', tcp.bytesOut],
  ]);
}

type Values = number | readonly (readonly [labels: string, value: number])[];

function answersOf({ answers }: HttpStats): Values {
  return Object.entries(answers).map(([key, count]) => {
    const [method, path, status] = key.split(" ");
    return [`method="${method}",path="${path}",status="${status}"`, count];
  });
}

/** Text that grows by one metric at a time. Labels are ours: there is nothing in them to escape. */
class Page {
  text = "";

  counter(name: string, help: string, values: Values): void {
    this.#write(name, "counter", help, values);
  }

  gauge(name: string, help: string, values: Values): void {
    this.#write(name, "gauge", help, values);
  }

  histogram(name: string, help: string, { count, sumMs, atMostMs }: HistogramStats): void {
    this.#head(name, "histogram", help);
    // An object has its whole numbers first.
    const bounds = Object.keys(atMostMs).map(Number).sort((a, b) => a - b);
    for (const boundMs of bounds) {
      this.text += `traqq_${name}_bucket{le="${boundMs / 1000}"} ${atMostMs[boundMs]}\n`;
    }
    this.text += `traqq_${name}_bucket{le="+Inf"} ${count}\n`;
    this.text += `traqq_${name}_sum ${sumMs / 1000}\ntraqq_${name}_count ${count}\n`;
  }

  #write(name: string, type: string, help: string, values: Values): void {
    this.#head(name, type, help);
    const list = typeof values === "number" ? [["", values] as const] : values;
    for (const [labels, value] of list) {
      this.text += `traqq_${name}${labels === "" ? "" : `{${labels}}`} ${value}\n`;
    }
  }

  #head(name: string, type: string, help: string): void {
    this.text += `# HELP traqq_${name} ${help}\n# TYPE traqq_${name} ${type}\n`;
  }
}
