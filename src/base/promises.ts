/**
 * Promises that nobody has to await.
 *
 * @module
 */

/** The promise itself; should it reject with nobody waiting, the process goes on. */
export function handled<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => {});
  return promise;
}

/** As `Promise.withResolvers`, for a promise that nobody has to await. */
export function handledResolvers(): PromiseWithResolvers<void> {
  const resolvers = Promise.withResolvers<void>();
  handled(resolvers.promise);
  return resolvers;
}
