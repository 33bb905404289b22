/**
 * The classical baseline on real faces: trained on 300-W's train split, searched on LFPW's test set, both from the
 * detector's boxes. NME is divided by the outer eye corners. Needs the data set (research only), by default beside the
 * checkout.
 *
 *   ACR_DATA=../shared/data node benchmarks/shape-model/active-shape-model.mjs   after npm run build
 */
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { open300W } from "@acr/datasets";
import { evaluate } from "@acr/metrics";
import { ActiveShapeModel } from "@acr/shape-model";

const root = `${process.env.ACR_DATA ?? fileURLToPath(new URL("../../../shared/data", import.meta.url))}/300w`;
if (!existsSync(root)) {
  console.error(`No faces at ${root}: set ACR_DATA to the folder that holds 300w.`);
  process.exit(0);
}
const open = async (split) => {
  const dataset = await open300W({ root, split, box: "detector", onWarning: () => {} });
  const faces = [];
  // Decoded beforehand, so that the times below are those of the model alone.
  for await (const face of dataset) faces.push(face);
  return { scheme: dataset.scheme, faces };
};
const train = await open("train");
let start = performance.now();
const model = await ActiveShapeModel.fit(train.faces, { scheme: train.scheme });
const fitMs = Math.round(performance.now() - start);
const trainCount = train.faces.length;
train.faces.length = 0;

const { faces, scheme } = await open("lfpw/testset");
const targets = faces.map(({ landmarks }) => landmarks);
const searchAll = (options) => faces.map(({ image, box }) => model.search(image, box, options).landmarks);
searchAll({ maxIterations: 1 });
start = performance.now();
const found = searchAll();
const seconds = (performance.now() - start) / 1000;
const figures = (predictions) => {
  const { nmePercent, medianPercent, failureRatePercent } = evaluate(predictions, targets, {
    scheme,
    normalizer: "inter-ocular",
  });
  return { nmePercent, medianPercent, failureRatePercent };
};
console.log(
  JSON.stringify(
    {
      node: process.version,
      trainCount,
      testCount: faces.length,
      modes: model.shapeModel.modes.length,
      modelKilobytes: Math.round(model.toBinary().length / 1024),
      fitMs,
      facesPerSecond: Math.round(faces.length / seconds),
      search: figures(found),
      oneRoundALevel: figures(searchAll({ maxIterations: 1 })),
    },
    null,
    2,
  ),
);
