/** What needs Node: kept out of the main entry, which browsers load. */
export { isRunning } from "./is-running.js";
export { makeFolder } from "./make-folder.js";
export { storageFault } from "./storage-fault.js";
