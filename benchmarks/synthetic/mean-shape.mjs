// How much better than the mean shape is a model that a short training on synthetic faces gives? Trains, evaluates on
// held-out faces, and scores the mean of the training shapes in the same crops. Prints JSON.
//   node benchmarks/synthetic/mean-shape.mjs [--out runs/synthetic-check] [--backbone mobilenet_v2_050] [--image-size 112]
//     [--epochs 12] [--faces 2000] [--set path=value …]
import { spawnSync } from "node:child_process";
import { cpus } from "node:os";
import { parseArgs } from "node:util";
import { applyAffine, ibug68, invertAffine } from "@acr/core";
import { cropTransform } from "@acr/datasets";
import { evaluate } from "@acr/metrics";
import { openDataset, parseRecipe } from "@acr/trainer";

const { values } = parseArgs({
  options: {
    out: { type: "string", default: "runs/synthetic-check" },
    backbone: { type: "string", default: "mobilenet_v2_050" },
    "image-size": { type: "string", default: "112" },
    epochs: { type: "string", default: "12" },
    faces: { type: "string", default: "2000" },
    set: { type: "string", multiple: true, default: [] },
  },
});
const backbone = ["--backbone", values.backbone, "--image-size", values["image-size"]];
const training = ["train", "--dataset", "synthetic", ...backbone, "--epochs", values.epochs, "--seed", "1"].concat(
  ...["--set", `synthetic.trainCount=${values.faces}`, ...values.set.flatMap((text) => ["--set", text])],
  ...["--out", values.out],
);
const evaluation = ["evaluate", "--run", values.out, "--dataset", "synthetic", "--split", "test", "--json"];

/** Runs the command line and returns what it prints on stdout. */
function acr(args) {
  const { status, stdout } = spawnSync("npx", ["acr", ...args], {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "inherit"],
  });
  if (status !== 0) throw new Error(`acr ${args.join(" ")} ended with ${status}`);
  return stdout;
}

const start = performance.now();
acr(training);
const seconds = Math.round((performance.now() - start) / 1000);
const trained = JSON.parse(acr(evaluation));

const recipe = parseRecipe({ seed: 1, synthetic: { trainCount: Number(values.faces) } });
const centered = ({ box, landmarks }) => applyAffine(cropTransform(box), landmarks);
const mean = new Float64Array(2 * ibug68.landmarkCount);
const train = await openDataset(recipe, "train");
for await (const face of train) centered(face).forEach((value, k) => (mean[k] += value / train.length));
const [predictions, targets] = [[], []];
for await (const face of await openDataset(recipe, "test")) {
  predictions.push(applyAffine(invertAffine(cropTransform(face.box)), mean));
  targets.push(face.landmarks);
}
const guess = evaluate(predictions, targets, { scheme: ibug68 });
console.log(
  JSON.stringify(
    {
      what: "held-out synthetic faces, NME by the outer eye corners: mean of the training shapes against a trained model",
      commands: [`acr ${training.join(" ")}`, `acr ${evaluation.join(" ")}`],
      cpu: cpus()[0].model,
      node: process.version,
      trainingSeconds: seconds,
      testFaces: targets.length,
      meanShapeNmePercent: guess.nmePercent,
      trainedNmePercent: trained.nmePercent,
      ratio: guess.nmePercent / trained.nmePercent,
    },
    undefined,
    2,
  ),
);
