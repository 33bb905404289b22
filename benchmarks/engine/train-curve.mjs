// What the comparisons of loss curves share: the batches of a setting, and training a net on them on the current backend.
import { createLandmarkModel } from "@acr/backbones";
import { FusedAdam, optimizeForTraining } from "@acr/kernels";
import { createSyntheticFaces } from "@acr/synthetic";
import * as tf from "@tensorflow/tfjs-core";

/** The rate of the default recipe's warm-up: step / 300 · 1e-3, steps counted from 1. */
export const PEAK_RATE = 1e-3;
export const WARM_UP_STEPS = 300;

/** Batches that `repeated` goes round in. */
const REPEATED_BATCHES = 4;

/**
 * What a net can be trained on, the number of landmarks and the seeds of a step's pictures and landmarks:
 * - `noise`: a new batch of uniform noise each step, pictures and landmarks. There is nothing to learn but the mean.
 * - `faces`: a new batch of drawn faces each step.
 * - `repeated`: four batches of noise again and again, which a net learns by heart.
 */
const KINDS = {
  noise: { landmarkCount: 68, seeds: (step) => [1 + step, 1e6 + step] },
  faces: { landmarkCount: 68 },
  repeated: { landmarkCount: 5, seeds: (step) => [step % REPEATED_BATCHES, 100 + (step % REPEATED_BATCHES)] },
};
export const PICTURES = Object.keys(KINDS);

/** Of a step: pictures `[batch, size, size, 3]` from 0 to 255 and landmarks `[batch, K, 2]` in the centered frame. */
function createBatches({ pictures, size, batch, steps }) {
  const { landmarkCount, seeds } = KINDS[pictures];
  if (seeds) {
    return async (step) => {
      const [pictureSeed, landmarkSeed] = seeds(step);
      return [
        tf.randomUniform([batch, size, size, 3], 0, 255, "float32", pictureSeed),
        tf.randomUniform([batch, landmarkCount, 2], -0.5, 0.5, "float32", landmarkSeed),
      ];
    };
  }
  const faces = createSyntheticFaces({ count: steps * batch, imageSize: Math.max(32, size), seed: 1 });
  return async (step) => {
    const pixels = new Float32Array(batch * size * size * 3);
    const landmarks = new Float32Array(batch * landmarkCount * 2);
    for (let i = 0; i < batch; i++) {
      const face = await faces.get(step * batch + i);
      pixels.set(face.image.data, i * size * size * 3);
      landmarks.set(
        face.landmarks.map((value) => value / size - 0.5),
        i * landmarkCount * 2,
      );
    }
    return [tf.tensor(pixels, [batch, size, size, 3]), tf.tensor(landmarks, [batch, landmarkCount, 2])];
  };
}

/**
 * The loss of each step: mean squared error, FusedAdam, the start of seed 1, through the fused kernels of the current backend.
 *
 * @param setting - `{ backbone, size, batch, steps, pictures }`, and `peak` and `warmUp` where the rate is not the recipe's.
 * @param hooks.start - gets `{ model, variables, adam }` before the first step; losses it returns are of steps already done.
 * @param hooks.afterStep - gets these and `losses`; true stops.
 * @returns `{ losses, leaked }`: the second is how many tensors a step left behind, from the second on.
 */
export async function trainCurve(setting, { start, afterStep } = {}) {
  const { backbone, size, batch, steps, pictures, peak = PEAK_RATE, warmUp = WARM_UP_STEPS } = setting;
  const batchOf = createBatches({ pictures, size, batch, steps });
  const model = createLandmarkModel({
    backbone,
    imageSize: size,
    landmarkCount: KINDS[pictures].landmarkCount,
    seed: 1,
    // Its masks are drawn by the engine.
    ...(backbone.startsWith("efficientnet") && { dropPath: 0 }),
  });
  const fused = optimizeForTraining(model);
  const variables = model.trainableWeights.map((weight) => weight.read());
  const adam = new FusedAdam();
  const state = { model, variables, adam };
  const losses = [...((await start?.(state)) ?? [])];
  const first = losses.length;
  let tensors;
  for (let step = first; step < steps; step++) {
    const [x, y] = await batchOf(step);
    const loss = tf.tidy(() => {
      const { value, grads } = tf.variableGrads(
        () => tf.mean(tf.square(tf.sub(fused.apply(x, { training: true }), y))),
        variables,
      );
      adam.applyGradients(grads, { learningRate: warmUp > 0 ? peak * Math.min(1, (step + 1) / warmUp) : peak });
      return value;
    });
    losses.push((await loss.data())[0]);
    tf.dispose([x, y, loss]);
    if (step === first + 1) tensors = tf.memory().numTensors;
    if (await afterStep?.({ ...state, losses })) break;
  }
  const leaked = tensors === undefined ? 0 : tf.memory().numTensors - tensors;
  adam.dispose();
  model.dispose();
  return { losses, leaked };
}

/** The largest distance of a curve from another, relative to the other; NaN where one of them lacks a step. */
export const distanceOf = (losses, reference) =>
  reference.length === 0 || losses.length !== reference.length
    ? Number.NaN
    : Math.max(...reference.map((loss, i) => Math.abs(losses[i] / loss - 1)));
