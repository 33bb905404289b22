/**
 * How well `scoreLabels` finds wrong labels: in 40 of the training faces of 300-W two landmarks change places, far apart
 * by number. Needs the data set (research only), by default beside the checkout.
 *
 *   ACR_DATA=../shared/data node benchmarks/shape-model/label-scores.mjs   after npm run build
 */
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { createRandom } from "@acr/core";
import { open300W } from "@acr/datasets";
import { scoreLabels } from "@acr/shape-model";

const PLANTED = 40;
const root = `${process.env.ACR_DATA ?? fileURLToPath(new URL("../../../shared/data", import.meta.url))}/300w`;
if (!existsSync(root)) {
  console.error(`No faces at ${root}: set ACR_DATA to the folder that holds 300w.`);
  process.exit(0);
}
const dataset = await open300W({ root, split: "train", onWarning: () => {} });
const shapes = Array.from({ length: dataset.length }, (_, i) => [...dataset.describe(i).landmarks]);
const start = performance.now();
const asTheyAre = scoreLabels(shapes);
const ms = Math.round(performance.now() - start);

const random = createRandom(7);
const planted = new Set();
while (planted.size < PLANTED) planted.add(Math.floor(random.uniform(0, shapes.length)));
for (const i of planted) {
  const a = Math.floor(random.uniform(0, 68));
  const b = (a + Math.floor(random.uniform(8, 58))) % 68;
  for (const axis of [0, 1])
    [shapes[i][2 * a + axis], shapes[i][2 * b + axis]] = [shapes[i][2 * b + axis], shapes[i][2 * a + axis]];
}
const scores = scoreLabels(shapes);
const isPlanted = ({ index }) => planted.has(index);
console.log(
  JSON.stringify(
    {
      node: process.version,
      faces: shapes.length,
      ms,
      suspectsAsTheyAre: asTheyAre.filter(({ isSuspect }) => isSuspect).length,
      planted: PLANTED,
      plantedAmongFirst: scores.slice(0, PLANTED).filter(isPlanted).length,
      plantedCalledSuspect: scores.filter(({ isSuspect }) => isSuspect).filter(isPlanted).length,
    },
    null,
    2,
  ),
);
