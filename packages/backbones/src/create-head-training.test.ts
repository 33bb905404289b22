import "@tensorflow/tfjs-backend-cpu";
import "@tensorflow/tfjs-backend-wasm";
import { InvalidArgumentError } from "@acr/core";
import { expectNoTensorLeak } from "@acr/testing";
import * as tf from "@tensorflow/tfjs-core";
import { type LayersModel, layers, sequential } from "@tensorflow/tfjs-layers";
import { createHeadTraining, createLandmarkModel, type HeadName, listHeads } from "./index.js";

const COUNT = 3;
const meanShape = [-0.2, -0.1, 0.2, -0.1, 0, 0.25];
const create = (head: HeadName) =>
  createLandmarkModel({ backbone: "mobilenet_v2_035", landmarkCount: COUNT, imageSize: 64, head, meanShape, seed: 2 });
/** One target inside, one on the rim, one outside the crop. */
const TARGETS = [
  [
    [-0.2, 0.1],
    [0.49, -0.3],
    [0.1, 0.55],
  ],
  [
    [0.02, -0.02],
    [-0.31, 0.17],
    [0.25, 0.25],
  ],
];
const l1 = (predictions: tf.Tensor, targets: tf.Tensor): tf.Scalar =>
  tf.tidy(() => tf.mean(tf.abs(tf.sub(predictions, targets))) as tf.Scalar);
const zero = () => tf.scalar(0);

const softmax = (logits: number[]) => {
  const top = Math.max(...logits);
  const powers = logits.map((value) => Math.exp(value - top));
  const sum = powers.reduce((a, b) => a + b, 0);
  return powers.map((value) => value / sum);
};
const centres = (n: number, reach = 1) => Array.from({ length: n }, (_, i) => reach * ((i + 0.5) / n - 0.5));
const average = (values: number[]) => values.reduce((a, b) => a + b, 0) / values.length;
const gaussian = (places: number[], target: number, sigma: number) =>
  softmax(places.map((place) => -0.5 * ((place - target) / sigma) ** 2));

/** [B][K][cells] from nested [B][H][W][K]. */
const byLandmark = (maps: number[][][][]) =>
  maps.map((map) => Array.from({ length: map[0]![0]!.length }, (_, k) => map.flat().map((cell) => cell[k]!)));

/** The definitions, in plain float64 JavaScript. */
const references: Record<Exclude<HeadName, "gap">, (outputs: unknown[]) => number> = {
  integral([logits]) {
    const maps = byLandmark(logits as number[][][][]);
    const [xs, ys] = [centres(16), centres(16)];
    return average(
      maps.flatMap((faces, b) =>
        faces.map((cells, k) => {
          const p = softmax(cells);
          const [x, y] = TARGETS[b]![k]! as [number, number];
          const [across, down] = [gaussian(xs, x, 1 / 16), gaussian(ys, y, 1 / 16)];
          const q = ys.flatMap((_, row) => xs.map((__, column) => down[row]! * across[column]!));
          const kl = (a: number[]) =>
            a.reduce((sum, value, i) => sum + (value > 0 ? value * Math.log((2 * value) / (p[i]! + q[i]!)) : 0), 0);
          return 0.5 * (kl(p) + kl(q));
        }),
      ),
    );
  },
  simcc(outputs) {
    const bins = Math.round(64 * 2 * 1.2);
    const losses = (outputs as number[][][][]).map((faces, axis) =>
      average(
        faces.flatMap((face, b) =>
          face.map((logits, k) => {
            const target = gaussian(centres(bins, 1.2), TARGETS[b]![k]![axis]!, (4 * 1.2) / bins);
            return -softmax(logits).reduce((sum, p, i) => sum + target[i]! * Math.log(p), 0);
          }),
        ),
      ),
    );
    return average(losses);
  },
  pip([scores, ...offsets]) {
    const side = 4;
    const cellOf = (value: number) => Math.min(side - 1, Math.max(0, Math.floor((value + 0.5) * side)));
    // Of three landmarks each has the two others as neighbours, the nearer first.
    const order = [
      [0, 1, 2],
      [1, 0, 2],
      [2, 0, 1],
    ];
    const maps = byLandmark(scores as number[][][][]);
    const classification = average(
      maps.flatMap((faces, b) =>
        faces.map((cells, k) => {
          const [x, y] = TARGETS[b]![k]! as [number, number];
          return -Math.log(softmax(cells)[cellOf(y) * side + cellOf(x)]!);
        }),
      ),
    );
    const regressions = (offsets as number[][][][][]).map((map, axis) =>
      average(
        TARGETS.flatMap((face, b) =>
          face.flatMap(([x, y], k) => {
            const cell = map[b]![cellOf(y!)]![cellOf(x!)]!;
            const centre = centres(side)[cellOf(axis === 0 ? x! : y!)]!;
            return order[k]!.map((other, c) => Math.abs(cell[k * 3 + c]! - (face[other]![axis]! - centre) * side));
          }),
        ),
      ),
    );
    return classification + average(regressions);
  },
};
const OWN_LOSS = Object.keys(references) as (keyof typeof references)[];

beforeAll(() => tf.setBackend("wasm"));

describe("createHeadTraining(model, options)", () => {
  let models: Record<HeadName, LayersModel>;
  beforeAll(() => {
    models = Object.fromEntries(listHeads().map((head) => [head, create(head)])) as never;
  });
  afterAll(() => {
    for (const model of Object.values(models)) model.dispose();
  });
  const run = (head: HeadName, auxiliaryWeight: number) => {
    const training = createHeadTraining(models[head], { auxiliaryWeight });
    const images = tf.randomUniform([2, 64, 64, 3], 0, 255, "float32", 4);
    return { training, outputs: training.model.apply(images, { training: false }) as tf.Tensor[] };
  };

  test("names the head and leaves a model alone that has no loss of its own", () => {
    expect(listHeads().map((head) => createHeadTraining(models[head]).head)).toEqual(listHeads());
    expect(createHeadTraining(models.gap).model).toBe(models.gap);
    expect(createHeadTraining(models.integral).model).toBe(models.integral);
    const other = sequential({ layers: [layers.reshape({ inputShape: [6], targetShape: [3, 2] })] });
    expect(createHeadTraining(other)).toMatchObject({ head: undefined, model: other });
    other.dispose();
  });

  test.each(OWN_LOSS)("%s: the own loss is what its definition says", (head) => {
    tf.tidy(() => {
      const { training, outputs } = run(head, 1);
      const logits = outputs.slice(1).map((output) => tf.mul(output, 3));
      const value = training.loss([outputs[0]!, ...logits], tf.tensor3d(TARGETS), zero).dataSync()[0]!;
      expect(value / references[head](logits.map((output) => output.arraySync()))).toBeCloseTo(1, 4);
    });
  });

  test.each(OWN_LOSS)("%s: its gradient is what finite differences give", (head) => {
    tf.tidy(() => {
      const { training, outputs } = run(head, 1);
      const targets = tf.tensor3d(TARGETS);
      const logits = outputs.slice(1).map((output) => tf.variable(output));
      const landmarks = outputs[0]!;
      const loss = () => training.loss([landmarks, ...logits], targets, zero);
      const { grads } = tf.variableGrads(loss, logits);
      for (const variable of logits) {
        const gradient = grads[variable.name]!;
        const values = variable.arraySync();
        // Along the gradient itself every component counts.
        const step = 0.02 / Math.sqrt(tf.sum(tf.square(gradient)).dataSync()[0]!);
        const shifted = [1, -1].map((sign) => {
          variable.assign(tf.add(tf.tensor(values), tf.mul(gradient, sign * step)));
          return references[head](logits.map((output) => output.arraySync()));
        });
        variable.assign(tf.tensor(values));
        const slope = (shifted[0]! - shifted[1]!) / (2 * step);
        expect(slope / tf.sum(tf.square(gradient)).dataSync()[0]!).toBeCloseTo(1, 2);
      }
    });
  });

  test("adds the weighted own loss to that of the coordinates", () => {
    tf.tidy(() => {
      const targets = tf.tensor3d(TARGETS);
      const { outputs, training } = run("simcc", 0.25);
      const own = run("simcc", 1).training.loss(outputs, targets, zero).dataSync()[0]!;
      const coordinates = l1(outputs[0]!, targets).dataSync()[0]!;
      expect(training.loss(outputs, targets, l1).dataSync()[0]).toBeCloseTo(coordinates + 0.25 * own, 5);
      const alone = createHeadTraining(models.simcc, { auxiliaryWeight: 0 });
      expect(alone.model).toBe(models.simcc);
      expect(alone.loss(outputs[0]!, targets, l1).dataSync()[0]).toBeCloseTo(coordinates, 6);
    });
  });

  test.each(listHeads())("%s leaves no tensor behind", async (head) => {
    const { model } = createHeadTraining(models[head]);
    const images = tf.zeros([2, 64, 64, 3]);
    const targets = tf.tensor3d(TARGETS);
    const outputs = model.predict(images) as tf.Tensor | tf.Tensor[];
    await expectNoTensorLeak(() => createHeadTraining(models[head]).loss(outputs, targets, l1).dispose());
    tf.dispose([images, targets, outputs]);
  });

  test("refuses other models, and a weight that is out of range or without use", () => {
    const other = sequential({ layers: [layers.dense({ inputShape: [3], units: 2 })] });
    for (const [model, options, message] of [
      [other, {}, /model must be a LayersModel with one output \[B, K, 2\]/],
      [undefined, {}, /model must be a LayersModel/],
      [models.simcc, { auxiliaryWeight: -1 }, /auxiliaryWeight must be a finite number >= 0; got -1/],
      [models.gap, { auxiliaryWeight: 1 }, /this head has no loss of its own/],
      [models.gap, { weight: 1 }, /unknown option "weight"/],
    ] as const) {
      expect(() => createHeadTraining(model as LayersModel, options as never)).toThrow(InvalidArgumentError);
      expect(() => createHeadTraining(model as LayersModel, options as never)).toThrow(message);
    }
    other.dispose();
  });
});
