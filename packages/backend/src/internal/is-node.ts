/** Whether this is Node, or a runtime that takes its part: what asks for files, processes and threads is kept from browsers. */
export const isNode = (): boolean => typeof process !== "undefined" && process.versions?.node !== undefined;
