/**
 * The dashboard as answers to requests: the page, and the files that it loads. All are public, as there
 * is nothing in them; the numbers come from the other paths, which ask for a token.
 *
 * @module
 */
import { show } from "../../base/show.ts";
import { Problem } from "../http/problem.ts";
import { FILES, hashOf, PAGE, type PageFile, VERSION } from "./files.ts";

/** What the page may do: load its own files and ask this server, nothing else. */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "connect-src 'self'",
  "img-src 'self' data:",
  "base-uri 'none'",
  "form-action 'self'",
  "frame-ancestors 'none'",
].join("; ");

const HEADERS = {
  "Content-Security-Policy": POLICY,
  "X-Content-Type-Options": "nosniff",
  "Referrer-Policy": "no-referrer",
};

/** The routes of the dashboard, as those of the handler. */
export const dashboardRoutes = {
  "/": {
    GET: { right: "none", run: ({ request, url }: Visit) => page(request, url) },
  },
  "/dashboard/:version/:name": {
    GET: { right: "none", run: ({ request, url }: Visit) => file(request, url) },
  },
} as const;

interface Visit {
  readonly request: Request;
  readonly url: URL;
}

/** Asked for each time, and sent only if it has changed. */
function page(request: Request, url: URL): Response {
  // Its links are relative, so that it works below any path: that must end in a slash.
  if (!url.pathname.endsWith("/")) {
    const headers = { ...HEADERS, Location: `${url.pathname}/${url.search}` };
    return new Response(null, { status: 308, headers });
  }
  return answer(request, PAGE, "no-cache");
}

function file(request: Request, url: URL): Response {
  const [version, name] = url.pathname.split("/").slice(-2);
  const file = version === VERSION ? FILES.get(name) : undefined;
  if (file === undefined) {
    throw new Problem(
      404,
      `Cannot find ${show(url.pathname)}: this server has no such file; load the page again`,
    );
  }
  return answer(request, file, "public, max-age=31536000, immutable");
}

function answer(request: Request, file: PageFile, caching: string): Response {
  const tag = `"${hashOf(file.text)}"`;
  const headers = { ...HEADERS, "Cache-Control": caching, ETag: tag };
  const known = request.headers.get("if-none-match")?.split(",").map((tag) =>
    tag.trim().replace(/^W\//, "")
  );
  if (known?.includes(tag) || known?.includes("*")) {
    return new Response(null, { status: 304, headers });
  }
  return new Response(file.text, { headers: { ...headers, "Content-Type": file.contentType } });
}
