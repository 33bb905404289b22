// A backbone in which rounding is amplified little: for comparisons of whole nets between programs.
import { createBackbone } from "@acr/backbones";
import * as tf from "@tensorflow/tfjs-core";

/** He-normal kernels without their mean over the inputs, BatchNorm scales and variances in 0.5 … 1.5, small shifts. */
export function randomNet(backbone, size) {
  const model = createBackbone(backbone, { inputSize: size, pooling: "avg", dropPath: 0 });
  tf.tidy(() =>
    model.setWeights(
      model.weights.map(({ originalName: name, shape }, i) => {
        const uniform = (low, high) => tf.randomUniform(shape, low, high, "float32", i + 1);
        if (name.endsWith("gamma") || name.endsWith("variance")) return uniform(0.5, 1.5);
        if (!name.endsWith("kernel")) return uniform(-0.2, 0.2);
        const isDepthwise = name.endsWith("depthwise_kernel");
        const inputs = shape.slice(0, isDepthwise ? 2 : -1).reduce((a, b) => a * b, 1);
        const kernel = tf.randomNormal(shape, 0, Math.sqrt(2 / inputs), "float32", i + 1);
        return isDepthwise ? kernel : tf.sub(kernel, tf.mean(kernel, [0, 1, 2].slice(0, shape.length - 1), true));
      }),
    ),
  );
  return model;
}

/** Smooth colour patterns with noise [count, size, size, 3] in low … high. */
export function randomImages(count, size, low, high, seed) {
  return tf.tidy(() => {
    const coarse = tf.randomNormal([count, 5, 5, 3], 0, 1, "float32", seed);
    const noise = tf.randomNormal([count, size, size, 3], 0, 0.15, "float32", seed + 1);
    const smooth = tf.image.resizeBilinear(coarse, [size, size]);
    return tf.add(tf.mul(tf.add(tf.tanh(tf.add(smooth, noise)), 1), (high - low) / 2), low);
  });
}

/** Values that a backbone's images have. */
export const imageRange = (backbone) => (backbone.startsWith("efficientnet") ? [0, 255] : [-1, 1]);
