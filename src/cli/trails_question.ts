/**
 * `traqq trails funnel`, `sessions`, `retention` and `paths`: flags to a question, its answer printed.
 *
 * @module
 */
import {
  type CalendarOptions,
  funnel,
  paths,
  retention,
  type RetentionOptions,
  sessions,
  TrailsError,
} from "../trails/mod.ts";
import { harmlessJson } from "./draw/text.ts";
import { EXIT, UsageError } from "./errors.ts";
import { type Values, wholeNumber } from "./flags.ts";
import { csvLine } from "../protocol/csv.ts";
import type { Terminal } from "./terminal.ts";
import {
  type Drawn,
  funnelDrawn,
  pathsDrawn,
  retentionDrawn,
  sessionsDrawn,
} from "./trails_answers.ts";
import { overData } from "./trails_data.ts";
import { type OutputChoice, printAll, printMsgpack, readOutput } from "./trails_output.ts";

/** A question of any kind, and how its answer is shown. */
interface Asked {
  readonly program: string;
  run(...args: Parameters<Parameters<typeof overData<Drawn>>[4]>): Promise<Drawn>;
}

/** Asks it, or only prints its program. @returns the exit code */
export async function ask(
  word: "funnel" | "sessions" | "retention" | "paths",
  values: Values,
  files: readonly string[],
  terminal: Terminal,
): Promise<number> {
  const question = asUsage(() => questionOf(word, values));
  if (values.has("print")) {
    terminal.out(question.program);
    return EXIT.ok;
  }
  const output = readOutput(values, terminal);
  const all = [...files, ...values.all("data")];
  if (all.length === 0) throw new UsageError(`trails ${word} needs data, such as events.tdb`);
  return await overData(
    values,
    all,
    terminal,
    word,
    (data, options) => question.run(data, options),
    (drawn) => print(drawn, output, terminal),
  );
}

function questionOf(word: "funnel" | "sessions" | "retention" | "paths", values: Values): Asked {
  const some = <T extends Record<string, unknown>>(options: T) =>
    Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as {
      [K in keyof T]?: Exclude<T[K], undefined>;
    };
  const get = (name: string) => values.get(name);
  // What is no word of the language is refused by the question itself, with what would be right.
  const calendar = some({
    unit: get("unit") as CalendarOptions["unit"],
    timezone: get("timezone"),
    weekStart: get("week-start")?.toLowerCase() as CalendarOptions["weekStart"],
  });
  switch (word) {
    case "funnel": {
      const question = funnel(values.all("step"), {
        ...some({ within: get("within"), by: get("per"), field: get("field") }),
        ...some({ order: get("order") as "any" | undefined }),
        exclude: values.all("exclude"),
      });
      return asked(question, funnelDrawn);
    }
    case "sessions":
      return asked(
        sessions({ ...calendar, ...some({ gap: get("gap"), by: get("per") }) }),
        sessionsDrawn,
      );
    case "retention": {
      const question = retention({
        ...calendar,
        ...some({ start: get("start"), return: get("return"), field: get("field") }),
        ...some({ mode: get("mode") as RetentionOptions["mode"] }),
      });
      return asked(question, retentionDrawn);
    }
    case "paths": {
      const question = paths(
        some({
          field: get("field"),
          length: wholeNumber(values, "length", 1),
          from: get("from"),
          gap: get("gap"),
        }),
      );
      return asked(question, pathsDrawn);
    }
  }
}

function asked<A>(
  question: { readonly program: string; run(...args: Parameters<Asked["run"]>): Promise<A> },
  draw: (answer: A) => Drawn,
): Asked {
  return {
    program: question.program,
    run: async (data, options) => draw(await question.run(data, options)),
  };
}

/** What a flag says wrongly is wrong usage. */
function asUsage<T>(make: () => T): T {
  try {
    return make();
  } catch (error) {
    if (error instanceof TrailsError) throw new UsageError(error.message, { cause: error });
    throw error;
  }
}

function print(
  { answer, columns, rows, table }: Drawn,
  { format, limit, csv }: OutputChoice,
  terminal: Terminal,
): void | Promise<void> {
  switch (format) {
    case "table":
      return terminal.out(`${table(limit, terminal).join("\n")}\n`);
    case "json":
      return terminal.out(`${harmlessJson(JSON.stringify(answer))}\n`);
    case "ndjson":
      return printAll(
        rows.map((row) => {
          // Without a prototype, so that no name is special.
          const object: Record<string, unknown> = Object.create(null);
          for (const [i, name] of columns.entries()) object[name] = row[i];
          return `${harmlessJson(JSON.stringify(object))}\n`;
        }),
        terminal,
      );
    case "csv":
      return printAll(
        [columns, ...rows].map((row) => csvLine(row.map((cell) => cell ?? ""), csv)),
        terminal,
      );
    case "msgpack":
      return printMsgpack(answer, terminal);
  }
}
