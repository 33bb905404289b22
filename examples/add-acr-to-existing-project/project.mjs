// The existing project: inputs, landmarks in the centered frame (crop side = 1) and a model. Nothing here knows of ACR.
import "@tensorflow/tfjs-backend-cpu";
import * as tf from "@tensorflow/tfjs-core";
import { layers, sequential } from "@tensorflow/tfjs-layers";

export const LANDMARKS = 5;
await tf.setBackend("cpu");

const FACES = 128;
const mean = tf.tensor2d([[-0.2, -0.1, 0.2, -0.1, 0, 0.05, -0.15, 0.2, 0.15, 0.2]]);
export const inputs = tf.randomNormal([FACES, 16], 0, 1, "float32", 1);
const movement = tf.matMul(inputs, tf.randomNormal([16, 2 * LANDMARKS], 0, 0.02, "float32", 2));
const noise = tf.randomNormal([FACES, 2 * LANDMARKS], 0, 0.005, "float32", 3);
export const landmarks = tf.add(tf.add(mean, movement), noise);

export const createModel = () =>
  sequential({ layers: [layers.dense({ inputShape: [16], units: 2 * LANDMARKS, kernelInitializer: "zeros" })] });

/** Mean distance of predicted and true landmarks, % of the crop. */
export const errorOf = (model) =>
  tf.tidy(() => {
    const d = tf.reshape(tf.sub(model.predict(inputs), landmarks), [FACES, LANDMARKS, 2]);
    return 100 * tf.mean(tf.sqrt(tf.sum(tf.square(d), 2))).dataSync()[0];
  });
