import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { defaultAugmentation } from "@acr/augment";
import { createLandmarkModel } from "@acr/backbones";
import { createLoader } from "@acr/datasets";
import * as tf from "@tensorflow/tfjs-core";
import type { LayersModel } from "@tensorflow/tfjs-layers";
import {
  fitShapeModel,
  loadCheckpoint,
  openDataset,
  parseRecipe,
  type Recipe,
  type RecipeInput,
  runFiles,
  train,
} from "./index.js";

jest.setTimeout(60_000);

const root = mkdtempSync(join(tmpdir(), "acr-reference-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));

const BASE: RecipeInput = {
  ...{ synthetic: { trainCount: 12, valCount: 2 }, backbone: "mobilenet_v2_035", imageSize: 64, batchSize: 4 },
  ...{
    epochs: 1,
    seed: 5,
    backend: "wasm",
    threads: 1,
    checkpointSteps: 1,
    logs: { tensorboard: false, samplesEvery: 0 },
  },
};

type Arrays = Record<string, Float64Array>;

/**
 * The training loop again, the plain way: the unfused network, and everything else (loss, schedule,
 * accumulation, clipping, optimizer, average, difficulty, label smoothing) in float64 of plain JavaScript.
 */
async function trainPlainly(
  recipe: Recipe,
): Promise<{ weights: Arrays; average: Arrays; start: Arrays; losses: number[] }> {
  const faces = await openDataset(recipe, "train");
  const { scheme } = faces;
  const augmentation = defaultAugmentation();
  const loader = createLoader(faces, {
    batchSize: recipe.batchSize,
    imageSize: recipe.imageSize,
    seed: recipe.seed,
    augment: augmentation,
    workers: 0,
  });
  const shapeModel = fitShapeModel(await loader.shapes(), { scheme, augmentation, seed: recipe.seed });
  const model = createLandmarkModel({
    ...{ backbone: recipe.backbone, landmarkCount: scheme.landmarkCount, imageSize: recipe.imageSize },
    ...{ head: "gap", dropout: 0, meanShape: shapeModel.mean, seed: recipe.seed },
  });
  const variables = model.trainableWeights.map((weight) => weight.read() as tf.Variable);
  const names = nameWeights(model);
  const weights: Arrays = {};
  for (const variable of variables) weights[names.get(variable.name)!] = Float64Array.from(variable.dataSync());
  const start = structuredClone(weights);
  const average = structuredClone(weights);
  const slots: Record<"m" | "v", Arrays> = { m: {}, v: {} };
  const losses: number[] = [];
  const total = Math.ceil(loader.batchesPerEpoch / recipe.accumulate);
  let sums: Arrays | undefined;
  let gathered = 0;
  let step = 0;
  let batch = 0;
  for await (const { images, landmarks, size } of loader.epoch(0)) {
    const width = landmarks.length / size;
    const rows = Array.from({ length: size }, (_, i) =>
      Float64Array.from(landmarks.subarray(i * width, (i + 1) * width)),
    );
    const { amount, fraction } = recipe.labelSmoothing;
    const smoothModes = shapeModel.modeCount({ by: "variance", fraction });
    const targets = rows.map((face) => {
      const smooth = shapeModel.smooth(face, { modes: smoothModes });
      return face.map((y, i) => (1 - amount) * y + amount * smooth[i]!);
    });
    const modes = shapeModel.modeCount({ by: "variance", fraction: 0.8 });
    const phi = rows.map((face) => shapeModel.difficulty(face, { modes, unit: "coordinate" }));
    const x = tf.tensor4d(Float32Array.from(images), [size, recipe.imageSize, recipe.imageSize, 3]);
    const predicted = tf.tidy(() => (model.apply(x, { training: true }) as tf.Tensor).dataSync());
    const { value, slope } = lossOf(recipe, {
      predicted,
      targets: targets.flatMap((row) => [...row]),
      phi: phi.flatMap((row) => [...row]),
    });
    losses.push(value);
    // The chain rule: the network's own gradients, times those of the loss.
    const grads = tf.tidy(
      () =>
        tf.variableGrads(() => {
          const output = model.apply(x, { training: true }) as tf.Tensor;
          return tf.sum(tf.mul(output, tf.tensor(slope, output.shape))) as tf.Scalar;
        }, variables).grads,
    );
    x.dispose();
    sums ??= {};
    for (const [name, gradient] of Object.entries(grads)) {
      const key = names.get(name)!;
      const values = gradient.dataSync();
      sums[key] = sums[key] ? sums[key].map((sum, i) => sum + values[i]!) : Float64Array.from(values);
    }
    tf.dispose(grads);
    gathered++;
    batch++;
    if (gathered < recipe.accumulate && batch < loader.batchesPerEpoch) continue;
    const count = gathered;
    const rate = rateAt(recipe, step, total);
    let squares = 0;
    for (const sum of Object.values(sums)) for (const value of sum) squares += (value / count) ** 2;
    const norm = Math.sqrt(squares);
    const clip =
      recipe.optimizer.clipNorm !== undefined && norm > recipe.optimizer.clipNorm
        ? recipe.optimizer.clipNorm / norm
        : 1;
    for (const [name, sum] of Object.entries(sums))
      stepOf(recipe, { w: weights[name]!, g: sum.map((value) => (value / count) * clip), slots, name, rate, step });
    const d = Math.min(recipe.ema?.decay ?? 0, (1 + step) / (10 + step));
    for (const [name, w] of Object.entries(weights))
      average[name] = average[name]!.map((a, i) => d * a + (1 - d) * w[i]!);
    for (const variable of variables)
      tf.tidy(() => variable.assign(tf.tensor(Float32Array.from(weights[names.get(variable.name)!]!), variable.shape)));
    step++;
    gathered = 0;
    sums = undefined;
  }
  await loader.close();
  model.dispose();
  return { weights, average, start, losses };
}

/** Mean loss and its derivative by each coordinate: e², or Eqs. 6 and 8 with coordinates times `scale`. */
function lossOf(
  recipe: Recipe,
  { predicted, targets, phi }: { predicted: ArrayLike<number>; targets: readonly number[]; phi: readonly number[] },
): { value: number; slope: Float32Array } {
  const count = targets.length;
  const slope = new Float32Array(count);
  let value = 0;
  targets.forEach((target, i) => {
    const error = predicted[i]! - target;
    if (recipe.loss === "l2") {
      value += error ** 2 / count;
      slope[i] = (2 * error) / count;
      return;
    }
    const { lambda, scale } = recipe.lossOptions as { lambda: number; scale: number };
    const delta = Math.abs(error) * scale;
    const power = 2 - phi[i]!;
    if (delta > 1) {
      value += (delta ** 2 + lambda * Math.log(2) - 1) / count;
      slope[i] = (Math.sign(error) * scale * 2 * delta) / count;
      return;
    }
    value += (lambda * Math.log(1 + delta ** power)) / count;
    slope[i] = (Math.sign(error) * scale * lambda * power * delta ** (power - 1)) / (1 + delta ** power) / count;
  });
  return { value, slope };
}

/** A half cosine with linear warm-up, by hand. */
function rateAt({ learningRate, learningRateSchedule: schedule }: Recipe, step: number, total: number): number {
  if (schedule.name !== "cosine") return learningRate;
  const wave = (1 + Math.cos((Math.PI * step) / total)) / 2;
  return (
    learningRate *
    Math.min(1, step / schedule.warmupSteps) *
    (schedule.finalFraction + (1 - schedule.finalFraction) * wave)
  );
}

function stepOf(
  { optimizer }: Recipe,
  {
    w,
    g,
    slots,
    name,
    rate,
    step,
  }: { w: Float64Array; g: Float64Array; slots: Record<"m" | "v", Arrays>; name: string; rate: number; step: number },
): void {
  const { beta1 = 0.9, beta2 = 0.999, epsilon = 1e-7, momentum = 0.9, weightDecay = 0 } = optimizer;
  slots.m[name] ??= new Float64Array(w.length);
  slots.v[name] ??= new Float64Array(w.length);
  const [m, v] = [slots.m[name], slots.v[name]];
  for (let i = 0; i < w.length; i++) {
    w[i]! *= 1 - rate * weightDecay;
    if (optimizer.name === "sgd") {
      m[i] = momentum * m[i]! + rate * g[i]!;
      w[i]! -= m[i]!;
      continue;
    }
    m[i] = beta1 * m[i]! + (1 - beta1) * g[i]!;
    v[i] = beta2 * v[i]! + (1 - beta2) * g[i]! ** 2;
    const unbiased = m[i]! / (1 - beta1 ** (step + 1));
    w[i]! -= (rate * unbiased) / (Math.sqrt(v[i]! / (1 - beta2 ** (step + 1))) + epsilon);
  }
}

/** Weights by the names that checkpoints have. */
const nameWeights = (model: LayersModel) =>
  new Map(model.weights.map((weight, i) => [(weight.read() as tf.Variable).name, `${i}:${weight.originalName}`]));

/** ‖(got − start) − (expected − start)‖ / ‖expected − start‖ over all weights together. */
function difference(got: Record<string, ArrayLike<number>>, expected: Arrays, start: Arrays): number {
  let error = 0;
  let moved = 0;
  for (const [name, values] of Object.entries(expected)) {
    values.forEach((value, i) => {
      error += (got[name]![i]! - value) ** 2;
      moved += (value - start[name]![i]!) ** 2;
    });
  }
  return Math.sqrt(error / moved);
}

it.each<[string, RecipeInput, number]>([
  [
    "L2, SGD with momentum, two batches a step and one left over, clipped, averaged, with warm-up",
    {
      ...{ loss: "l2", accumulate: 2, learningRate: 0.5, ema: { decay: 0.5 } },
      learningRateSchedule: { name: "cosine", warmupSteps: 1, finalFraction: 0.1 },
      optimizer: { name: "sgd", momentum: 0.8, clipNorm: 0.2, weightDecay: 0.01 },
    },
    0.01,
  ],
  [
    "ACR with smoothed labels and AdamW",
    {
      ...{
        loss: "acr",
        lossOptions: { lambda: 2, scale: 3 },
        labelSmoothing: { amount: 0.5, fraction: 0.7 },
        difficulty: { unit: "coordinate" },
        // Larger steps through a normalisation over four faces amplify the rounding of a weight to other weights.
        learningRate: 1e-5,
      },
      learningRateSchedule: { name: "constant" },
      // Large against the gradients' rounding, which Adam would else blow up to whole steps.
      optimizer: { name: "adamw", epsilon: 1e-3, weightDecay: 1 },
    },
    0.02,
  ],
])("train with %s moves the weights as a plain float64 loop does", async (_title, input, tolerance) => {
  const recipe = parseRecipe({ ...BASE, ...input });
  const folder = join(root, recipe.loss);
  const losses: number[] = [];
  for await (const event of train({ recipe, folder }))
    if (event.type === "step") losses.push(event.loss * event.batch - losses.reduce((sum, loss) => sum + loss, 0));
  const { arrays } = await loadCheckpoint(runFiles(folder).checkpoint);
  const expected = await trainPlainly(recipe);
  const part = (prefix: string) =>
    Object.fromEntries(
      Object.entries(arrays).flatMap(([name, array]) =>
        name.startsWith(prefix) ? [[name.slice(prefix.length), array]] : [],
      ),
    );
  expected.losses.forEach((loss, i) => {
    expect(losses[i]! / loss).toBeCloseTo(1, 2);
  });
  expect(difference(part("weight/"), expected.weights, expected.start)).toBeLessThan(tolerance);
  if (recipe.ema) expect(difference(part("average/"), expected.average, expected.start)).toBeLessThan(tolerance);
});
