/**
 * A module of Node, or of ours that needs it, by a name that bundlers do not follow: for browsers they could not resolve it, and it is never asked
 * for there.
 */
export const importNode = <T>(name: `node:${string}` | "@acr/core/node"): Promise<T> =>
  import(/* webpackIgnore: true */ /* @vite-ignore */ name) as Promise<T>;
