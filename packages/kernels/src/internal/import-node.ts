/**
 * A module of Node by a name that bundlers do not follow: for browsers they could not resolve it, and it is never asked
 * for there.
 */
export const importNode = <T>(name: `node:${string}`): Promise<T> =>
  import(/* webpackIgnore: true */ /* @vite-ignore */ name) as Promise<T>;
