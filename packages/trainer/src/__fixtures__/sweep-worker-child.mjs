// A worker with trials that only wait, for tests that kill it: `node sweep-worker-child.mjs URL LOCK-MS TRIAL-MS LOG`.
// Appends the id of each trial that it ends to LOG, or the id and "aborted" where it was told to stop before. Needs the built package.
import { appendFileSync } from "node:fs";
import { runSweepWorker } from "@acr/trainer";

const [url, lockMs, trialMs, log] = process.argv.slice(2);
const abort = new AbortController();
process.on("SIGTERM", () => abort.abort());
await runSweepWorker({
  url,
  lockMs: Number(lockMs),
  signal: abort.signal,
  run: async (trial, { untilEpoch, signal }) => {
    await new Promise((resolve) => {
      setTimeout(resolve, Number(trialMs)).unref();
      signal.addEventListener("abort", resolve);
    });
    if (signal.aborted) {
      appendFileSync(log, `${trial.id} aborted\n`);
      return undefined;
    }
    appendFileSync(log, `${trial.id}\n`);
    return { nmePercent: 1 + trial.index, bestEpoch: 1, epochs: untilEpoch, seconds: 0 };
  },
});
