import { setFlagsFromString } from "node:v8";
import { createLandmarkModel } from "@acr/backbones";
import { setupBackend } from "@acr/backend";
import { FusedAdam, optimizeForTraining, registerTrainingKernels } from "@acr/kernels";
import * as tf from "@tensorflow/tfjs-core";

const SIZE = 32;
const BATCH = 4;
const STEPS = 20;
const LANDMARKS = 5;
const THREADS = 2;

/** The bits of every loss and, in the end, of every weight, moving statistics included. */
async function train(backbone: string, wideRegisters: false | "always"): Promise<Int32Array[]> {
  // The first call starts wasm on shared memory; the kernels are then registered anew, in the build that is wanted.
  await setupBackend({ prefer: ["wasm"], threads: THREADS });
  await setupBackend({ prefer: ["cpu"] });
  await tf.setBackend("wasm");
  const kernels = await registerTrainingKernels({ threads: THREADS, wideRegisters });
  expect(kernels.variant).toBe(`simd-threads-relaxed${wideRegisters ? "-wide" : ""}`);
  expect(kernels.threads).toBe(THREADS);
  const isEfficientNet = backbone.startsWith("efficientnet");
  const model = createLandmarkModel({
    backbone,
    imageSize: SIZE,
    landmarkCount: LANDMARKS,
    seed: 1,
    // Its masks are drawn by the engine.
    ...(isEfficientNet && { dropPath: 0 }),
  });
  const fused = optimizeForTraining(model);
  const variables = model.trainableWeights.map((weight) => weight.read() as tf.Variable);
  const adam = new FusedAdam();
  const bits = (tensor: tf.Tensor) => new Int32Array(Float32Array.from(tensor.dataSync()).buffer);
  const results: Int32Array[] = [];
  for (let step = 0; step < STEPS; step++) {
    tf.tidy(() => {
      const x = tf.randomUniform([BATCH, SIZE, SIZE, 3], 0, 255, "float32", 1 + step);
      const y = tf.randomUniform([BATCH, LANDMARKS, 2], -0.5, 0.5, "float32", 1001 + step);
      const { value, grads } = tf.variableGrads(
        () => tf.mean(tf.square(tf.sub(fused.apply(x, { training: true }) as tf.Tensor, y))) as tf.Scalar,
        variables,
      );
      adam.applyGradients(grads);
      results.push(bits(value));
    });
  }
  for (const weight of model.weights) results.push(bits(weight.read()));
  adam.dispose();
  model.dispose();
  await kernels.undo();
  return results;
}

test.each(["mobilenet_v2_035", "efficientnet_b0"])(
  "%s trained on two threads has the same bits in the build for 256-bit registers",
  async (backbone) => {
    const usual = await train(backbone, false);
    // Known from Node 24 on: V8 joins what it compiles from here on, in the threads too. Elsewhere the build's own tiles and loops run.
    if (Number.parseInt(process.versions.node, 10) >= 24) setFlagsFromString("--experimental-wasm-revectorize");
    const wide = await train(backbone, "always");
    expect(wide).toHaveLength(usual.length);
    const differing = usual.flatMap((words, i) => (words.every((word, k) => word === wide[i]![k]) ? [] : [i]));
    expect(differing).toEqual([]);
    expect(new Set(usual.slice(0, STEPS).map(([loss]) => loss)).size).toBe(STEPS);
  },
);
