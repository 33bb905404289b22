// What smaller weights cost: the NME of trained runs on their validation faces, with weights as exportTfjs stores them.
//   node benchmarks/backbones/quantize-cost.mjs RUN… > benchmarks/backbones/quantize-cost.json

import { exportTfjs } from "@acr/backbones";
import { setupBackend } from "@acr/backend";
import { optimizeForTraining } from "@acr/kernels";
import { evaluateModel, loadModel, openDataset, readRecipe } from "@acr/trainer";
import { loadLayersModel } from "@tensorflow/tfjs-layers";

await setupBackend({ prefer: ["wasm"], threads: 1 });
const rows = [];
for (const folder of process.argv.slice(2)) {
  const recipe = await readRecipe(folder);
  const faces = await openDataset(recipe, recipe.valSplit);
  const model = await loadModel(`${folder}/model`);
  let whole;
  for (const quantize of ["none", "float16", "uint8"]) {
    const files = await exportTfjs(model, { quantize });
    const { modelTopology, weightsManifest } = JSON.parse(new TextDecoder().decode(files["model.json"]));
    const loaded = await loadLayersModel({
      load: async () => ({
        modelTopology,
        weightSpecs: weightsManifest[0].weights,
        weightData: files["weights.bin"].slice().buffer,
      }),
    });
    const { metrics, predictions } = await evaluateModel(optimizeForTraining(loaded), faces, {
      ...recipe,
      resamples: 0,
    });
    whole ??= predictions;
    const shifts = predictions.flatMap((shape, i) => Array.from(shape, (value, k) => Math.abs(value - whole[i][k])));
    rows.push({
      backbone: recipe.backbone,
      head: recipe.head,
      loss: recipe.loss,
      epochs: recipe.epochs,
      imageSize: recipe.imageSize,
      dataset: recipe.dataset,
      split: recipe.valSplit,
      faces: faces.length,
      quantize,
      megabytes: files["weights.bin"].length / 2 ** 20,
      nmePercent: metrics.nmePercent,
      meanShiftPixels: shifts.reduce((a, b) => a + b, 0) / shifts.length,
      largestShiftPixels: shifts.reduce((a, b) => Math.max(a, b), 0),
    });
    loaded.dispose();
  }
  model.dispose();
}
console.log(JSON.stringify(rows, null, 1));
