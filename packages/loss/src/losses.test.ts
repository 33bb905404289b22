import "@tensorflow/tfjs-backend-cpu";
import { createRandom } from "@acr/core";
import * as tf from "@tensorflow/tfjs-core";
import {
  acrLoss,
  charbonnierLoss,
  createLoss,
  huberLoss,
  l1Loss,
  l2Loss,
  listLosses,
  logCoshLoss,
  rectifiedWingLoss,
  smoothL1Loss,
  softWingLoss,
  wingLoss,
} from "./index.js";

const FUNCTIONS: Record<string, (p: tf.Tensor, t: tf.Tensor, options: object) => tf.Tensor> = {
  acr: acrLoss,
  charbonnier: charbonnierLoss,
  huber: huberLoss,
  l1: l1Loss,
  l2: l2Loss,
  logCosh: logCoshLoss,
  rectifiedWing: rectifiedWingLoss,
  smoothL1: smoothL1Loss,
  softWing: softWingLoss,
  wing: wingLoss,
};

const STEP = 1e-3;

beforeAll(() => tf.setBackend("cpu"));

describe.each(listLosses())("createLoss(%j)", (name) => {
  const loss = createLoss(name);
  const random = createRandom(name);
  const points = () =>
    tf.tensor3d(
      Array.from({ length: 12 }, () => random.uniform(-3, 3)),
      [2, 3, 2],
    );
  const difficulty = tf.tensor3d(
    Array.from({ length: 12 }, (_, i) => [0, 0.3, 0.8, 1][i % 4]!),
    [2, 3, 2],
  );

  it("has a gradient that finite differences confirm away from the switch points", () => {
    const p = points();
    const t = points();
    const gradient = tf
      .grad((x) => loss(x, t, { difficulty, reduction: "sum" }) as tf.Scalar)(p)
      .dataSync();
    const values = p.dataSync();
    const at = (i: number, value: number) => {
      const moved = Float32Array.from(values);
      moved[i] = value;
      return loss(tf.tensor3d(moved, [2, 3, 2]), t, { difficulty, reduction: "none" }).dataSync()[i]!;
    };
    const truth = t.dataSync();
    for (let i = 0; i < values.length; i++) {
      const distance = Math.abs(values[i]! - truth[i]!);
      if ([0, 0.5, 1, 2].some((corner) => Math.abs(distance - corner) < 0.02)) continue;
      const numeric = (at(i, values[i]! + STEP) - at(i, values[i]! - STEP)) / (2 * STEP);
      expect(gradient[i]!).toBeCloseTo(numeric, 1);
    }
  });

  it("is symmetric, 0 with gradient 0 at zero error, and grows with the error", () => {
    const errors = tf.reshape(tf.linspace(0, 20, 80), [1, 40, 2]);
    const phi = tf.fill([1, 40, 2], 0.5);
    const zero = tf.zerosLike(errors);
    const values = [...loss(errors, zero, { difficulty: phi, reduction: "none" }).dataSync()];
    const mirrored = [...loss(tf.neg(errors), zero, { difficulty: phi, reduction: "none" }).dataSync()];
    expect(mirrored).toEqual(values);
    expect(values[0]).toBe(0);
    values.slice(1).forEach((value, i) => expect(value).toBeGreaterThanOrEqual(values[i]!));
    for (const constant of [0, 1]) {
      const gradient = tf.grad((x) => loss(x, zero, { difficulty: tf.fill([1, 40, 2], constant) }) as tf.Scalar)(zero);
      expect([...gradient.dataSync()].every((value) => value === 0)).toBe(true);
    }
  });

  it("is the function of that name, whose options are checked before any operation runs", () => {
    const [p, t] = [points(), points()];
    const needed = name === "acr" ? { difficulty } : {};
    expect(FUNCTIONS[name]!(p, t, needed).dataSync()).toEqual(loss(p, t, needed).dataSync());
    const before = tf.memory().numTensors;
    const calls: [() => unknown, string][] = [
      [() => FUNCTIONS[name]!(p, t, { ...needed, weight: 1 }), 'unknown option "weight". Did you mean weights?'],
      [() => FUNCTIONS[name]!(p, t, { ...needed, reduction: "average" }), 'reduction must be "mean", "sum" or "none"'],
      [() => FUNCTIONS[name]!(tf.zeros([0]), t, needed), "predictions must be [B, K, 2] or [B, 2K]; got [0]"],
      [() => FUNCTIONS[name]!([1] as never, t, needed), "predictions must be a tensor; got an array"],
      [() => FUNCTIONS[name]!(p, t, null as never), "options must be an object; got null"],
    ];
    for (const [call, message] of calls) expect(() => tf.tidy(() => void call())).toThrow(message);
    expect(tf.memory().numTensors).toBe(before);
  });

  it("takes [B, 2K] as well, gives NaN for NaN, and round-trips its options", () => {
    const p = points();
    const t = points();
    const flat = loss(tf.reshape(p, [2, 6]), tf.reshape(t, [2, 6]), { difficulty }).dataSync()[0];
    expect(flat).toBe(loss(p, t, { difficulty }).dataSync()[0]);
    expect(loss(tf.fill([2, 3, 2], Number.NaN), t, { difficulty }).dataSync()[0]).toBeNaN();
    const copy = createLoss(loss.lossName, JSON.parse(JSON.stringify(loss.options)));
    expect(copy(p, t, { difficulty }).dataSync()).toEqual(loss(p, t, { difficulty }).dataSync());
  });
});

describe("acrLoss(predictions, targets, options)", () => {
  const errors = tf.tensor3d([
    [
      [0, 0.25],
      [0.999999, 1.000001],
      [3, 1e18],
    ],
  ]);
  const zero = tf.zerosLike(errors);
  const run = (phi: number, options = {}) => [
    ...acrLoss(errors, zero, {
      difficulty: tf.fill([1, 3, 1], phi),
      lambda: 2,
      reduction: "none",
      ...options,
    }).dataSync(),
  ];

  it("equals its closed forms at Φ = 0 and Φ = 1, and is continuous at Δ = 1", () => {
    expect(run(0)[1]).toBeCloseTo(2 * Math.log(1 + 0.25 ** 2), 6);
    expect(run(1)[1]).toBeCloseTo(2 * Math.log(1.25), 6);
    expect(run(0.5)[2]).toBeCloseTo(run(0.5)[3]!, 4);
    expect(run(0.5)[4]).toBeCloseTo(9 + 2 * Math.LN2 - 1, 5);
  });

  it("stays finite for huge errors and clamps Φ", () => {
    expect(run(1)[5]).toBeGreaterThan(1e35);
    expect(run(1)[5]).toBeLessThan(Number.POSITIVE_INFINITY);
    expect(run(1.0000001)).toEqual(run(1));
    expect(run(-1e-7)).toEqual(run(0));
  });
});

describe("bad input", () => {
  const p = tf.zeros([2, 3, 2]);
  it.each([
    [
      () => l2Loss(p, tf.zeros([2, 4, 2])),
      "l2Loss: predictions and targets must have one shape; got [2, 3, 2] and [2, 4, 2]",
    ],
    [() => l2Loss(tf.zeros([2, 3, 3]), p), "l2Loss: predictions must be [B, K, 2] or [B, 2K]; got [2, 3, 3]"],
    [() => l2Loss(tf.zeros([2, 0, 2]), p), "must hold at least one landmark"],
    [() => l1Loss(tf.zeros([2, 3, 2], "int32"), p), "l1Loss: predictions must be float32; got int32"],
    [() => acrLoss(p, p, {}), "acrLoss: difficulty is required"],
    [
      () => acrLoss(p, p, { difficulty: tf.zeros([2, 5]) }),
      "acrLoss: difficulty must be [2, 3], [2, 3, 1] or [2, 3, 2]; got [2, 5]",
    ],
    [() => createLoss("acr", { lambda: 0 }), "acrLoss: lambda must be a finite number > 0; got 0"],
    [() => createLoss("acr", { lamda: 1 }), 'unknown option "lamda". Did you mean lambda?'],
    [() => createLoss("wings"), 'unknown loss "wings"; did you mean wing?'],
    [() => wingLoss(p, p, { width: Number.NaN }), "wingLoss: width must be a finite number > 0; got NaN"],
    [() => rectifiedWingLoss(p, p, { rectify: 10 }), "rectify must be in [0, width = 10); got 10"],
    [() => l2Loss(p, p, { reduction: "avg" as never }), 'reduction must be "mean", "sum" or "none"; got "avg"'],
  ])("throws a clear error (%#)", (run, message) => {
    expect(run).toThrow(message);
  });
});
