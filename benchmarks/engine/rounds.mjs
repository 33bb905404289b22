// What comparisons of training steps share: processes that print JSON, rounds in which each engine takes its turn, and a row
// of the results.
import { execFileSync } from "node:child_process";
import { cpus } from "node:os";
import { fileURLToPath } from "node:url";

const ACR = fileURLToPath(new URL("../../packages/cli/bin/acr.js", import.meta.url));

/** What a program prints. */
export const run = (command, args) =>
  execFileSync(command, args, { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"], maxBuffer: 1e7 });

/** The JSON in the last line that a program prints. */
export const lastJson = (command, args) => JSON.parse(run(command, args).trim().split("\n").at(-1));

/** What `acr bench` measures. */
export const bench = ({ model, size, batch, threads, steps }, ...flags) => {
  const what = ["--backbone", model, "--image-size", size, "--batch-size", batch, "--threads", threads];
  return JSON.parse(run(process.execPath, [ACR, "bench", ...what, "--steps", steps, ...flags, "--json"]));
};

/** The middle of a list. */
export function median(list) {
  const sorted = [...list].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** Each engine once a round; by its name the last of what it told, all its milliseconds and their median. */
export function measureRounds(engines, rounds) {
  const results = Object.fromEntries(Object.keys(engines).map((name) => [name, { ms: [] }]));
  for (let round = 0; round < rounds; round++) {
    for (const [name, measure] of Object.entries(engines)) {
      const { ms, ...rest } = measure();
      Object.assign(results[name], rest).ms.push(Number(ms.toFixed(2)));
      console.error(round, name, ms.toFixed(1));
    }
  }
  return Object.fromEntries(
    Object.entries(results).map(([name, { ms, ...rest }]) => [name, { ...rest, medianMs: median(ms), rounds: ms }]),
  );
}

/** Where and on what a row was measured. */
export const machineAndCommit = () => ({
  machine: `${cpus().length} × ${cpus()[0].model}`,
  commit: run("git", ["rev-parse", "--short", "HEAD"]).trim(),
});
