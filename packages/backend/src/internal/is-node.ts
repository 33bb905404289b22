/** True in Node, where files, workers and packages can be reached by name. */
export const isNode = (): boolean => typeof process === "object" && typeof process.versions?.node === "string";
