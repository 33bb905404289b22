import { createLoss, packTargets, toLayersLoss } from "@acr/loss";
import { widenOutput } from "@acr/loss/layers";
import * as tf from "@tensorflow/tfjs-core";
import { difficulty } from "./difficulty.mjs";
import { createModel, errorOf, inputs, LANDMARKS, landmarks } from "./project.mjs";

const model = createModel();
const training = widenOutput(model); // the same weights; fit wants an output as wide as the targets
training.compile({
  optimizer: tf.train.adam(0.005),
  loss: toLayersLoss(createLoss("acr", { scale: 10 }), { landmarkCount: LANDMARKS }), // was: "meanSquaredError"
});
await training.fit(inputs, packTargets(landmarks, difficulty), { epochs: 40, batchSize: 32, verbose: 0 }); // was: landmarks
console.log(`model.fit: error ${errorOf(model).toFixed(2)} % of the crop`);
