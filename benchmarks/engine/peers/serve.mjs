import { createInterface } from "node:readline";
import { median } from "../rounds.mjs";

/**
 * Lets `rounds.mjs` measure a step: warms up for two steps and a second, as `acr bench` does, prints the version, and
 * answers each number of steps on the standard input with the median milliseconds per image, behind a step that isn't timed.
 */
export async function serve(step, batch, version) {
  const begun = performance.now();
  for (let steps = 0; steps < 2 || performance.now() - begun < 1000; steps++) await step();
  console.log(JSON.stringify({ version }));
  for await (const line of createInterface({ input: process.stdin })) {
    const times = [];
    let value = await step();
    for (let steps = Number(line); steps > 0; steps--) {
      const started = performance.now();
      value = await step();
      times.push((performance.now() - started) / batch);
    }
    console.log(JSON.stringify({ ms: median(times), value, peakMemoryMb: process.resourceUsage().maxRSS / 1024 }));
  }
  process.exit(0);
}
