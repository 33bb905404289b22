import { acrLoss } from "@acr/loss";
import * as tf from "@tensorflow/tfjs-core";
import { difficulty } from "./difficulty.mjs";
import { createModel, errorOf, inputs, landmarks } from "./project.mjs";

const model = createModel();
const optimizer = tf.train.adam(0.005);
for (let step = 0; step < 150; step++) {
  // Was: tf.losses.meanSquaredError(landmarks, model.predict(inputs))
  optimizer.minimize(() => acrLoss(model.predict(inputs), landmarks, { difficulty, lambda: 5, scale: 10 }));
}
console.log(`optimizer.minimize: error ${errorOf(model).toFixed(2)} % of the crop`);
