/** Headless Chromium for tests, as `consumers` and `benchmarks` use it. */
export { findChromium, runPage } from "../../../consumers/browser/run-page.js";
