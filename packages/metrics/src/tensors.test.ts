import "@tensorflow/tfjs-backend-cpu";
import { ibug68, type LandmarkScheme } from "@acr/core";
import { expectNoTensorLeak } from "@acr/testing";
import * as tf from "@tensorflow/tfjs-core";
import { layers, sequential } from "@tensorflow/tfjs-layers";
import {
  aucMetric,
  evaluate,
  evaluateTensors,
  failureRateMetric,
  type Normalizer,
  nme,
  nmeMetric,
  nmeTensor,
} from "./index.js";

const ring = (x: number, y: number, radius: number) =>
  Float32Array.from({ length: 136 }, (_, i) => (i % 2 === 0 ? x + radius * Math.cos(i) : y + radius * Math.sin(i - 1)));
const targets = [ring(50, 60, 30), ring(10, 20, 40), ring(0, 0, 15), ring(5, 90, 22)];
const predictions = targets.map((shape, f) => shape.map((value, i) => value + 2 * Math.sin(i * 7 + f) * (f + 1)));
const flat = (shapes: Float32Array[]) => tf.tensor2d(shapes.map((shape) => [...shape]));
const points = (shapes: Float32Array[]) =>
  tf.tensor3d(
    shapes.flatMap((shape) => [...shape]),
    [shapes.length, 68, 2],
  );

beforeAll(() => tf.setBackend("cpu"));

const NORMALIZERS: Normalizer[] = [
  "inter-ocular",
  "inter-pupil",
  "box-geometric",
  "box-diagonal",
  "face-size",
  [3, 40],
  [[1, 2], 9],
];

it.each(NORMALIZERS.map((normalizer) => [normalizer]))(
  "nmeTensor equals nme, normalised by %j, and leaks nothing",
  async (normalizer) => {
    await expectNoTensorLeak(() => {
      const [p, t] = [points(predictions), points(targets)];
      const visible = tf.tensor2d(targets.map((_, f) => Array.from({ length: 68 }, (_, k) => ((k + f) % 4 ? 1 : 0))));
      const all = nmeTensor(p, t, { scheme: ibug68, normalizer });
      const some = nmeTensor(p, t, { scheme: ibug68, normalizer, visible });
      const flags = visible.arraySync();
      targets.forEach((target, f) => {
        const options = { scheme: ibug68, normalizer };
        expect(all.arraySync()[f]! / nme(predictions[f]!, target, options)).toBeCloseTo(1, 4);
        expect(some.arraySync()[f]! / nme(predictions[f]!, target, { ...options, visible: flags[f] })).toBeCloseTo(
          1,
          4,
        );
      });
      tf.dispose([p, t, visible, all, some]);
    });
  },
);

it("nmeTensor gives NaN without a landmark, uses the first two channels of packed targets, and refuses wrong shapes", async () => {
  await expectNoTensorLeak(() =>
    tf.tidy(() => {
      const [p, t] = [points(predictions), points(targets)];
      const values = (visible?: tf.Tensor) => nmeTensor(p, t, { scheme: ibug68, visible }).arraySync();
      expect(values(tf.zeros([4, 68]))).toEqual(Array(4).fill(Number.NaN));
      const packed = tf.concat([t, tf.ones([4, 68, 3])], 2);
      expect(nmeTensor(p, packed, { scheme: ibug68 }).arraySync()).toEqual(values());
      const messages: [() => unknown, string][] = [
        [() => nmeTensor(flat(predictions), t), "must be [B, K, 2]; got [4, 136]. Use toLandmarks(x)"],
        [() => nmeTensor(p, points(targets.slice(1))), "must be [4, 68, 2]; got [3, 68, 2]"],
        [() => nmeTensor(p, t), "inter-ocular needs a scheme"],
        [() => nmeTensor(p, t, { normalizer: [0, 99] }), "two landmark indices; got [0,99]"],
        [() => nmeTensor(p, t, { scheme: ibug68, visible: tf.zeros([4, 3]) }), "visible must be [4, 68]"],
      ];
      for (const [run, message] of messages) expect(run).toThrow(message);
    }),
  );
});

it("evaluateTensors equals evaluate on the same float32 numbers", async () => {
  await expectNoTensorLeak(async () => {
    const [p, t] = [points(predictions), points(targets)];
    const visible = tf.tensor2d(targets.map((_, f) => Array.from({ length: 68 }, (_, k) => (k > f ? 1 : 0))));
    expect(await evaluateTensors(p, t, { scheme: ibug68, visible })).toEqual(
      evaluate(predictions, targets, { scheme: ibug68, visible: visible.arraySync() }),
    );
    const short = points(targets.slice(1));
    await expect(evaluateTensors(p, short)).rejects.toThrow("targets must be [4, 68, 2]; got [3, 68, 2]");
    tf.dispose([p, t, short, visible]);
  });
});

it("the metrics agree with evaluate for [B, K, 2] and [B, 2K], and leak nothing", async () => {
  const whole = evaluate(predictions, targets, { scheme: ibug68, failureThreshold: 0.12, aucThreshold: 0.2 });
  await expectNoTensorLeak(() => {
    for (const asTensor of [flat, points] as ((shapes: Float32Array[]) => tf.Tensor)[]) {
      const [t, p] = [asTensor(targets), asTensor(predictions)];
      for (const [metric, expected] of [
        [nmeMetric(ibug68), whole.nmePercent],
        [failureRateMetric(ibug68, { threshold: 0.12 }), whole.failureRatePercent],
        [aucMetric(ibug68, { threshold: 0.2 }), whole.auc],
      ] as const) {
        const value = metric(t, p);
        expect(value.dataSync()[0]! / expected).toBeCloseTo(1, 4);
        value.dispose();
      }
      tf.dispose([t, p]);
    }
  });
  const wrong = tf.zeros([2, 29, 2]);
  expect(() => nmeMetric(ibug68)(wrong, wrong)).toThrow("nmePercent: tensors must be [B, 68, 2] or [B, 136]");
  wrong.dispose();
});

it("the metrics work in model.compile and average unequal batches to the figure of all faces", async () => {
  const scheme = {
    ...ibug68,
    landmarkCount: 3,
    normalizers: { ...ibug68.normalizers, "inter-ocular": [[0], [1]] },
  } as LandmarkScheme;
  const model = sequential({ layers: [layers.dense({ units: 6, inputShape: [4], kernelInitializer: "ones" })] });
  model.compile({
    optimizer: "sgd",
    loss: "meanSquaredError",
    metrics: [nmeMetric(scheme), failureRateMetric(scheme, { threshold: 1 }), aucMetric(scheme, { threshold: 3 })],
  });
  const x = tf.randomUniform([7, 4], 0, 1, "float32", 3);
  const y = tf.add(tf.randomUniform([7, 6], 0, 1, "float32", 4), tf.tensor1d([0, 0, 2, 0, 1, 1]));
  const [, nmePercent, failures, area] = (model.evaluate(x, y, { batchSize: 3 }) as tf.Scalar[]).map(
    (s) => s.dataSync()[0]!,
  );
  const rows = (tensor: tf.Tensor) => tensor.arraySync() as number[][];
  const whole = evaluate(rows(model.predict(x) as tf.Tensor), rows(y), {
    normalizer: [0, 1],
    failureThreshold: 1,
    aucThreshold: 3,
  });
  expect(nmePercent! / whole.nmePercent).toBeCloseTo(1, 4);
  expect(failures).toBeCloseTo(whole.failureRatePercent, 3);
  expect(area).toBeCloseTo(whole.auc, 4);
  expect(model.metricsNames).toEqual(["loss", "nmePercent", "failureRatePercent", "auc"]);
});
