import { MathBackendCPU } from "@tensorflow/tfjs-backend-cpu";
import "@tensorflow/tfjs-backend-wasm";
// Registers the gradients of tfjs-core; the loss of loss is differentiated through them.
import "@tensorflow/tfjs-layers";
import { createRandom } from "@acr/core";
import { expectNoTensorLeak } from "@acr/testing";
import * as tf from "@tensorflow/tfjs-core";
import { acrLoss, createLoss, l2Loss, listLosses } from "./index.js";
import { LOSS_RULES } from "./internal/loss-rules.js";

// A backend that is not known to lie in the host's memory, so that the losses run as graphs.
tf.copyRegisteredKernels("cpu", "graph");
tf.registerBackend("graph", () => new MathBackendCPU());

const MAX = 3.4028234663852886e38;
const SHAPE: [number, number, number] = [3, 7, 2];
const random = createRandom("tensors");
const draw = (low: number, high: number) => Float32Array.from({ length: 42 }, () => random.uniform(low, high));
const errors = draw(-3, 3);
const truth = draw(-1, 1);
const phis = draw(0, 1).map((phi, i) => (i % 5 === 0 ? Math.round(phi) : phi));
const weightValues = draw(0, 2);
const at = (values: Float32Array) => tf.tensor3d(values, SHAPE);

describe.each(["cpu", "wasm", "graph"])("on %s", (backend) => {
  beforeAll(() => tf.setBackend(backend));

  it.each(listLosses())("%s gives value, gradient and second derivative of its rule", async (name) => {
    const rule = LOSS_RULES[name]!();
    const loss = createLoss(name);
    await expectNoTensorLeak(() =>
      tf.tidy(() => {
        const t = at(truth);
        const p = tf.add(t, at(errors)) as tf.Tensor3D;
        const batch = { difficulty: at(phis), weights: at(weightValues), reduction: "sum" as const };
        const e = [...tf.sub(p, t).dataSync()];
        const { value, grad } = tf.valueAndGrad((x) => loss(x, t, batch) as tf.Scalar)(p);
        const total = e.reduce((sum, x, i) => sum + rule.value(x, phis[i]!) * weightValues[i]!, 0);
        expect(Math.abs(value.dataSync()[0]! / total - 1)).toBeLessThan(1e-5);
        const slopes = grad.dataSync();
        e.forEach((x, i) => {
          const expected = rule.slope(x, phis[i]!) * weightValues[i]!;
          expect(Math.abs(slopes[i]! - expected)).toBeLessThan(2e-5 * Math.max(1, Math.abs(expected)));
        });
        // d/dx Σ (dl/dx)² = 2 l'(x) l''(x), by a gradient of the gradient.
        const penalty = tf
          .grad((x) => tf.sum(tf.square(tf.grad((y) => loss(y, t, batch) as tf.Scalar)(x))))(p)
          .dataSync();
        e.forEach((x, i) => {
          const expected = 2 * rule.slope(x, phis[i]!) * rule.curvature(x, phis[i]!) * weightValues[i]! ** 2;
          expect(Math.abs(penalty[i]! - expected)).toBeLessThan(1e-4 * Math.max(1, Math.abs(expected)));
        });
      }),
    );
  });

  it("a gradient of a function of the loss passes through it to the second order, elementwise too", () => {
    const t = tf.zeros([1, 1, 2]);
    const p = tf.tensor3d([[[0.5, -2]]]);
    for (const reduction of ["none", "sum"] as const) {
      const second = tf.grad((x) =>
        tf.sum(tf.grad((y) => tf.sum(tf.square(l2Loss(y, t, { reduction }))))(x as tf.Tensor)),
      )(p);
      // none: (x⁴)'' = 12 x²; sum: s = x² + y², d/dx Σ d(s²) = 4 s + 8 x (x + y)
      const [x, y] = [0.5, -2];
      const s = x * x + y * y;
      const expected =
        reduction === "none" ? [12 * x * x, 12 * y * y] : [4 * s + 8 * x * (x + y), 4 * s + 8 * y * (x + y)];
      second.dataSync().forEach((value, i) => expect(value).toBeCloseTo(expected[i]!, 3));
    }
  });

  it("third derivatives throw", () => {
    const d = tf.grad((x) => tf.sum(tf.grad((y) => l2Loss(y, tf.zeros([1, 1, 2])) as tf.Scalar)(x)));
    expect(() => tf.grad((x) => tf.sum(tf.square(d(x))))(tf.ones([1, 1, 2]))).toThrow(
      "l2Loss: third derivatives are not supported",
    );
  });

  it("acrLoss stays finite for every finite input, and its mean too", () => {
    const big = [0, -0, 1e-45, 1e-38, 1, 1e19, 1.8e19, 2e19, 1e38, MAX, -MAX, -1e30];
    const p = tf.tensor3d(big, [1, 6, 2]);
    const t = tf.tensor3d(
      big.map((x) => (Math.abs(x) === MAX ? -x : 0)),
      [1, 6, 2],
    );
    for (const phi of [0, 0.5, 1]) {
      for (const scale of [1, 1000]) {
        for (const weights of [undefined, tf.zeros([1, 6]), tf.fill([1, 6], 3)]) {
          const batch = { difficulty: tf.fill([1, 6], phi), scale, weights };
          for (const reduction of ["mean", "sum", "none"] as const) {
            if (backend === "graph" && reduction !== "none") continue; // the sum of a GPU's kernel overflows by itself
            const { value, grad } = tf.valueAndGrad((x) => tf.sum(acrLoss(x, t, { ...batch, reduction })) as tf.Scalar)(
              p,
            );
            const values = [...acrLoss(p, t, { ...batch, reduction }).dataSync(), ...grad.dataSync()];
            expect(values.every(Number.isFinite)).toBe(true);
            if (reduction !== "none") expect(value.dataSync()[0]).toBeLessThanOrEqual(MAX);
          }
        }
      }
    }
  });

  it("NaN in a prediction gives NaN out, whatever the weights around it", () => {
    for (const name of listLosses()) {
      const p = tf.tensor3d([0, Number.NaN, 1, 1], [1, 2, 2]);
      const { value, grad } = tf.valueAndGrad(
        (x) => createLoss(name)(x, tf.zeros([1, 2, 2]), { difficulty: tf.zeros([1, 2]) }) as tf.Scalar,
      )(p);
      expect(value.dataSync()[0]).toBeNaN();
      expect([...grad.dataSync()].map(Number.isNaN)).toEqual([false, true, false, false]);
    }
  });

  it("Φ and weights broadcast from [B, K], [B, K, 1], [B, K, 2] and [B, 2K] alike", () => {
    const perPoint = draw(0, 1).subarray(0, 21);
    const perCoordinate = Float32Array.from({ length: 42 }, (_, i) => perPoint[i >> 1]!);
    const p = at(errors);
    const t = at(truth);
    const forms = [
      tf.tensor2d(perPoint, [3, 7]),
      tf.tensor3d(perPoint, [3, 7, 1]),
      tf.tensor3d(perCoordinate, SHAPE),
      tf.tensor2d(perCoordinate, [3, 14]),
    ];
    const values = forms.map((form) => acrLoss(p, t, { difficulty: form, weights: form }).dataSync()[0]!);
    for (const value of values) expect(value).toBeCloseTo(values[0]!, 5);
    const flat = tf.grad((x) => acrLoss(x, tf.reshape(t, [3, 14]), { difficulty: forms[0] }) as tf.Scalar)(
      tf.reshape(p, [3, 14]),
    );
    expect(flat.shape).toEqual([3, 14]);
    const faces = l2Loss(p, t, { weights: tf.tensor2d([1, 0, 0], [3, 1]), reduction: "sum" }).dataSync()[0]!;
    expect(faces).toBeCloseTo(
      l2Loss(tf.slice(p, [0, 0, 0], [1, 7, 2]), tf.slice(t, [0, 0, 0], [1, 7, 2]), { reduction: "sum" }).dataSync()[0]!,
      3,
    );
    expect(l2Loss(p, t, { weights: tf.ones([3, 7], "bool") }).dataSync()[0]).toBeCloseTo(
      l2Loss(p, t).dataSync()[0]!,
      5,
    );
  });

  it("reductions agree: mean = sum / (B · K · 2), sum = the sum of none; nothing of the caller is disposed", () => {
    for (const name of listLosses()) {
      const [p, t, difficulty] = [at(errors), at(truth), at(phis)];
      const loss = createLoss(name);
      const none = loss(p, t, { difficulty, reduction: "none" });
      const sum = loss(p, t, { difficulty, reduction: "sum" }).dataSync()[0]!;
      expect(none.shape).toEqual(SHAPE);
      expect(Math.abs([...none.dataSync()].reduce((a, b) => a + b) / sum - 1)).toBeLessThan(1e-5);
      expect(Math.abs((loss(p, t, { difficulty }).dataSync()[0]! * 42) / sum - 1)).toBeLessThan(1e-5);
      expect([p, t, difficulty].every((x) => !x.isDisposed)).toBe(true);
    }
  });

  it("a difficulty far outside [0, 1] throws in tfjs' debug mode only", () => {
    const p = tf.ones([1, 2, 2]);
    const run = (phi: number) => acrLoss(p, p, { difficulty: tf.fill([1, 2], phi) });
    expect(() => run(1.5)).not.toThrow();
    const warn = jest.spyOn(console, "warn").mockImplementation(() => {});
    const log = jest.spyOn(console, "log").mockImplementation(() => {});
    tf.env().set("DEBUG", true);
    try {
      expect(() => run(1.5)).toThrow("acrLoss: difficulty must be in [-0.001, 1.001]; got 1.5");
      expect(() => run(1.0000001)).not.toThrow();
      expect(() => l2Loss(p, p, { weights: tf.fill([1, 2], -1) })).toThrow("l2Loss: weights must be in [0");
    } finally {
      tf.env().set("DEBUG", false);
      warn.mockRestore();
      log.mockRestore();
    }
  });
});
