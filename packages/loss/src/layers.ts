export { widenOutput } from "./widen-output.js";
