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

/**
 * What `work` gives, unless it takes longer than `ms`: then it goes on alone and its end is ignored.
 *
 * @param late what to reject with then
 */
export async function withDeadline<T>(
  work: Promise<T>,
  ms: number,
  late: () => Error,
): Promise<T> {
  const deadline = Promise.withResolvers<never>();
  const timer = setTimeout(() => deadline.reject(late()), Math.max(ms, 1));
  try {
    return await Promise.race([handled(work), deadline.promise]);
  } finally {
    clearTimeout(timer);
  }
}
