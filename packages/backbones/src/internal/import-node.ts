/** Whether this is Node (or one that passes for it): only there are paths read and written. */
export const isNode = (): boolean => typeof globalThis.process?.versions?.node === "string";

/**
 * A module of Node by a name that bundlers do not follow: for browsers they could not resolve it, and it is never asked
 * for there. (`process.getBuiltinModule` would need Node 20.16.)
 */
export const importNode = <T>(name: `node:${string}`): Promise<T> =>
  import(/* webpackIgnore: true */ /* @vite-ignore */ name) as Promise<T>;
