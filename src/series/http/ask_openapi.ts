/**
 * What the OpenAPI document says of `POST /sql` and `POST /query`.
 *
 * @module
 */
import { FORMATS } from "./formats.ts";

const time = { oneOf: [{ type: "string" }, { type: "integer" }] };
const texts = { type: "array", items: { type: "string" } };

const ANSWER = {
  type: "object",
  required: ["measurement", "columns", "results", "total_rows", "execution_time_ms"],
  properties: {
    measurement: { type: "string" },
    columns: {
      type: "array",
      items: {
        type: "object",
        required: ["name", "type"],
        properties: { name: { type: "string" }, type: { type: "string" } },
      },
    },
    results: {
      type: "array",
      items: { type: "object", required: ["fields"], properties: { fields: { type: "object" } } },
    },
    total_rows: { type: "integer" },
    execution_time_ms: { type: "number" },
  },
};

/** `POST /sql`. */
export const SQL: object = operation("sql", "Answers a statement of SQL about points", {
  "text/plain": { schema: { type: "string" } },
  "application/json": {
    schema: {
      type: "object",
      required: ["sql"],
      properties: { sql: { type: "string" }, parameters: { type: "array" } },
    },
  },
});

/** `POST /query`. */
export const QUESTION: object = operation("ask", "Points, or numbers made of them", {
  "application/json": {
    schema: {
      type: "object",
      required: ["measurement"],
      properties: {
        measurement: { type: "string" },
        time_range: { type: "object", properties: { start: time, end: time } },
        tag_filters: { type: "array", items: { type: "object", required: ["key"] } },
        fields: texts,
        aggregation: { type: "object", required: ["function"] },
        group_by: texts,
        order: { type: "string", enum: ["asc", "desc"] },
        limit: { type: "integer", minimum: 0 },
        offset: { type: "integer", minimum: 0 },
      },
    },
  },
});

function operation(operationId: string, summary: string, content: object): object {
  const failures = ["400", "401", "403", "413", "429", "503", "504"];
  return {
    operationId,
    summary,
    parameters: [{
      name: "format",
      in: "query",
      description: "Also by Accept.",
      schema: { type: "string", enum: Object.keys(FORMATS), default: "json" },
    }],
    requestBody: { required: true, content },
    responses: {
      "200": {
        description: "The rows, as they come",
        content: {
          [FORMATS.json]: { schema: ANSWER },
          [FORMATS.ndjson]: { schema: { type: "string" } },
          "text/csv": { schema: { type: "string" } },
          [FORMATS.arrow]: { schema: { type: "string" } },
        },
      },
      ...Object.fromEntries(
        failures.map((status) => [status, { $ref: "#/components/responses/Error" }]),
      ),
    },
  };
}
