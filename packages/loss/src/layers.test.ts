import "@tensorflow/tfjs-backend-cpu";
import { expectNoTensorLeak } from "@acr/testing";
import * as tf from "@tensorflow/tfjs-core";
import * as tfl from "@tensorflow/tfjs-layers";
import { acrLoss, createLoss, l2Loss, packTargets, toLayersLoss, withVisibility } from "./index.js";
import { widenOutput } from "./layers.js";

const K = 3;
const B = 8;
beforeAll(() => tf.setBackend("cpu"));

const createModel = () =>
  tfl.sequential({
    layers: [
      tfl.layers.dense({
        inputShape: [4],
        units: 2 * K,
        kernelInitializer: tfl.initializers.glorotUniform({ seed: 1 }),
      }),
    ],
  });
const data = () => {
  const x = tf.randomNormal([B, 4], 0, 1, "float32", 1);
  const w = tf.randomNormal([4, 2 * K], 0, 1, "float32", 2);
  return { x, y: tf.matMul(x, w), difficulty: tf.randomUniform([B, K, 2], 0, 1, "float32", 3) };
};

describe("toLayersLoss(loss), packTargets(targets, difficulty) and widenOutput(model)", () => {
  it("give acrLoss the same number in compile as a direct call", async () => {
    const { x, y, difficulty } = data();
    const model = createModel();
    const direct = acrLoss(model.predict(x) as tf.Tensor, y, { difficulty }).dataSync()[0]!;
    const training = widenOutput(model);
    training.compile({ optimizer: tf.train.adam(0.05), loss: toLayersLoss(acrLoss, { landmarkCount: K }) });
    const evaluated = training.evaluate(x, packTargets(y, difficulty), { batchSize: B }) as tf.Scalar;
    expect(evaluated.dataSync()[0]).toBeCloseTo(direct, 4);
    const { history } = await training.fit(x, packTargets(y, difficulty), { epochs: 15, batchSize: B, verbose: 0 });
    expect(history.loss!.at(-1)).toBeLessThan((history.loss![0] as number) / 2);
    // The model itself was trained: they share weights.
    expect(acrLoss(model.predict(x) as tf.Tensor, y, { difficulty }).dataSync()[0]).toBeLessThan(direct / 2);
  });

  it("train by fitDataset without a wider output, with a [B, K, 2] output too", async () => {
    const { x, y, difficulty } = data();
    const model = createModel();
    model.add(tfl.layers.reshape({ targetShape: [K, 2] }));
    model.compile({ optimizer: tf.train.adam(0.05), loss: toLayersLoss(createLoss("acr", { lambda: 2 })) });
    const packed = packTargets(y, difficulty);
    const dataset = {
      iterator: async () => ({ next: async () => ({ done: false, value: { xs: x.clone(), ys: packed.clone() } }) }),
    };
    const { history } = await model.fitDataset(dataset as never, { batchesPerEpoch: 1, epochs: 15, verbose: 0 });
    expect(history.loss!.at(-1)).toBeLessThan((history.loss![0] as number) / 2);
  });

  it("pass weights, or visibility where the loss needs that", () => {
    const { y } = data();
    const weights = tf.concat([tf.ones([B, 1]), tf.zeros([B, K - 1])], 1);
    const p = tf.zerosLike(y);
    const packed = packTargets(y, undefined, { weights });
    expect(packed.shape).toEqual([B, 6 * K]);
    const weighted = toLayersLoss(createLoss("l2"))(packed, p).dataSync()[0]!;
    expect(weighted).toBeCloseTo(l2Loss(p, y, { weights }).dataSync()[0]!, 5);
    expect(toLayersLoss(withVisibility(createLoss("l2")))(packed, p).dataSync()[0]).toBeCloseTo(weighted * K, 4);
  });

  it("take plain targets for losses without difficulty, and leak nothing", async () => {
    const { x, y, difficulty } = data();
    const loss = toLayersLoss(l2Loss);
    await expectNoTensorLeak(() => tf.tidy(() => void [loss(y, tf.zerosLike(y)), packTargets(y, difficulty)]));
    expect(loss(y, tf.zerosLike(y)).dataSync()[0]).toBeCloseTo(l2Loss(tf.zerosLike(y), y).dataSync()[0]!, 6);
    x.dispose();
  });

  it("refuse what does not fit", () => {
    const { y } = data();
    expect(() => toLayersLoss(acrLoss)(y, tf.zerosLike(y))).toThrow("acrLoss: difficulty is required");
    expect(() => toLayersLoss(acrLoss)(tf.zeros([B, 5]), y)).toThrow(
      "1, 2 or 3 times as wide as 6 outputs; got [8, 5]",
    );
    expect(() => toLayersLoss("acr" as never)).toThrow("loss must be a function; got string");
    expect(() => toLayersLoss(acrLoss, { landmarkCount: 0 })).toThrow("landmarkCount must be an integer > 0");
    expect(() => packTargets(y, tf.zeros([B, 4]))).toThrow(
      "difficulty must be [8, 3], [8, 3, 1] or [8, 3, 2]; got [8, 4]",
    );
    expect(() => packTargets(tf.zeros([2, 3]))).toThrow("targets must be [B, K, 2] or [B, 2K]; got [2, 3]");
    expect(() => widenOutput(createModel(), 4 as never)).toThrow("blocks must be 2 or 3; got 4");
    expect(() => widenOutput({} as never)).toThrow("must have one output");
  });
});
