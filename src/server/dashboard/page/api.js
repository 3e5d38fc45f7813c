/**
 * Questions to the server that this page came from.
 *
 * @module
 */

/** The server's paths begin here: this file is two folders below, whatever `basePath` is. */
const BASE = new URL("../../", import.meta.url);

const TIMEOUT_MS = 60_000;

/** An answer that is an error, or none at all: then the status is 0. */
export class ApiError extends Error {
  /**
   * @param {number} status
   * @param {string} message
   */
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

/**
 * @param {string} path without a slash at its start
 * @param {Record<string, string>} [parameters]
 */
export function urlOf(path, parameters = {}) {
  const url = new URL(path, BASE);
  for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, value);
  return url.href;
}

/**
 * @param {string} path
 * @param {Record<string, string>} [parameters]
 * @param {AbortSignal} [signal] ends it
 * @returns {Promise<any>}
 */
export function get(path, parameters, signal) {
  return ask(urlOf(path, parameters), { signal });
}

/**
 * @param {string} path
 * @param {unknown} body
 * @returns {Promise<any>}
 */
export function post(path, body) {
  return ask(urlOf(path), {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
  });
}

/**
 * @param {string} url
 * @param {RequestInit} init
 */
async function ask(url, init) {
  const late = AbortSignal.timeout(TIMEOUT_MS);
  const signal = init.signal ? AbortSignal.any([init.signal, late]) : late;
  /** @type {Response} */
  let response;
  let body;
  try {
    response = await fetch(url, { ...init, signal });
    body = await response.json();
  } catch (error) {
    if (init.signal?.aborted) throw error;
    throw new ApiError(0, "Cannot reach the server: it does not answer; is it running?");
  }
  if (!response.ok) {
    throw new ApiError(response.status, body?.error ?? `The server answered ${response.status}`);
  }
  return body;
}
