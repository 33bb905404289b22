// Faces a second on one core, by picture size. Writes JSON to stdout; run it on a quiet machine.
//   node packages/synthetic/bench/render-speed.mjs [--faces 400] [--rounds 3]
import { cpus } from "node:os";
import { parseArgs } from "node:util";
import { createSyntheticFaces } from "@acr/synthetic";

const { values } = parseArgs({
  options: { faces: { type: "string", default: "400" }, rounds: { type: "string", default: "3" } },
});
const [count, rounds] = [Number(values.faces), Number(values.rounds)];
const SIZES = [64, 96, 128, 160, 224];
const median = (list) => list.toSorted((a, b) => a - b)[list.length >> 1];
const speeds = new Map(SIZES.map((size) => [size, { wall: [], cpu: [] }]));
for (let round = 0; round <= rounds; round++) {
  for (const size of SIZES) {
    const faces = createSyntheticFaces({ count, seed: `speed-${round}`, imageSize: size });
    const [start, used] = [performance.now(), process.cpuUsage()];
    for (let i = 0; i < count; i++) await faces.get(i);
    const { user, system } = process.cpuUsage(used);
    // The first round warms up.
    if (round === 0) continue;
    speeds.get(size).wall.push((count * 1000) / (performance.now() - start));
    speeds.get(size).cpu.push((count * 1e6) / (user + system));
  }
}
const rounded = (value) => Math.round(value * 10) / 10;
console.log(
  JSON.stringify(
    {
      what: "synthetic faces rendered, all options at their defaults, one thread",
      cpu: cpus()[0].model,
      node: process.version,
      faces: count,
      rounds,
      facesPerSecond: Object.fromEntries([...speeds].map(([size, { wall }]) => [size, rounded(median(wall))])),
      facesPerCpuSecond: Object.fromEntries([...speeds].map(([size, { cpu }]) => [size, rounded(median(cpu))])),
    },
    undefined,
    2,
  ),
);
