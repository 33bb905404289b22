export { type CompareLossesOptions, compareLosses } from "./compare-losses.js";
export { main } from "./main.js";
