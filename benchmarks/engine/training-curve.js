// Twenty steps of a small net on the current backend with a fixed start and fixed data: shared by Node and the browser.
import { FusedAdam, optimizeForTraining } from "@acr/kernels";
import * as tf from "@tensorflow/tfjs-core";
import * as tfl from "@tensorflow/tfjs-layers";

const SIZE = 33;
const BATCH = 4;

/** Stem, a depthwise block with a skip connection, a block with ten channels (the composed path) and swish. */
function createNet() {
  const { layers } = tfl;
  let seed = 1;
  const kernel = () => tfl.initializers.glorotUniform({ seed: seed++ });
  const conv = (x, filters, kernelSize, strides = 1) =>
    layers
      .conv2d({ filters, kernelSize, strides, padding: "same", useBias: false, kernelInitializer: kernel() })
      .apply(x);
  const depthwise = (x, kernelSize, strides) =>
    layers
      .depthwiseConv2d({ kernelSize, strides, padding: "same", useBias: false, depthwiseInitializer: kernel() })
      .apply(x);
  const norm = (x) => layers.batchNormalization({}).apply(x);
  const activation = (name, x) => layers.activation({ activation: name }).apply(x);
  const image = tfl.input({ shape: [SIZE, SIZE, 3] });
  const stem = activation("swish", norm(conv(image, 16, 3, 2)));
  let x = activation("swish", norm(depthwise(stem, 3, 1)));
  x = layers.add().apply([stem, norm(conv(x, 16, 1))]);
  x = activation("swish", norm(depthwise(x, 5, 2)));
  x = activation("sigmoid", norm(conv(x, 10, 1)));
  x = layers.globalAveragePooling2d({}).apply(x);
  return tfl.model({ inputs: image, outputs: layers.dense({ units: 6, kernelInitializer: kernel() }).apply(x) });
}

/** The loss of each step. */
export function trainingCurve(steps = 20) {
  const net = createNet();
  const fused = optimizeForTraining(net);
  const variables = net.trainableWeights.map((weight) => weight.read());
  const adam = new FusedAdam({ learningRate: 1e-2, weightDecay: 1e-2, clipNorm: 1 });
  const losses = [];
  for (let i = 0; i < steps; i++) {
    tf.tidy(() => {
      const pixels = tf.randomUniform([BATCH, SIZE, SIZE, 3], -1, 1, "float32", 1 + (i % 2));
      const targets = tf.randomUniform([BATCH, 6], -1, 1, "float32", 3 + (i % 2));
      const { value, grads } = tf.variableGrads(
        () => tf.mean(tf.square(tf.sub(fused.apply(pixels, { training: true }), targets))),
        variables,
      );
      adam.applyGradients(grads);
      losses.push(value.dataSync()[0]);
    });
  }
  adam.dispose();
  net.dispose();
  return losses;
}
