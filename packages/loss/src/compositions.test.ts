import "@tensorflow/tfjs-backend-cpu";
import { ibug68 } from "@acr/core";
import { expectNoTensorLeak } from "@acr/testing";
import * as tf from "@tensorflow/tfjs-core";
import {
  createLoss,
  type Loss,
  l1Loss,
  l2Loss,
  perGroup,
  poseBalanced,
  poseBins,
  uncertaintyWeighted,
  weightedSum,
  withVisibility,
} from "./index.js";

beforeAll(() => tf.setBackend("cpu"));
const value = (x: tf.Tensor) => x.dataSync()[0]!;
const p = () =>
  tf.tensor3d([
    [
      [1, 2],
      [3, 4],
    ],
    [
      [0, -1],
      [2, 0.5],
    ],
  ]);
const zero = () => tf.zeros([2, 2, 2]);
const scheme = { id: "two", landmarkCount: 2, groups: { first: [0], second: [1] } };

/** Gradient against central differences of the loss itself. */
function expectGradient(loss: Loss, batch: object, x = p()): void {
  const gradient = tf
    .grad((y) => loss(y, zero(), batch) as tf.Scalar)(x)
    .dataSync();
  const values = x.dataSync();
  for (let i = 0; i < values.length; i++) {
    const moved = (h: number) => {
      const copy = Float32Array.from(values);
      copy[i]! += h;
      return value(loss(tf.tensor3d(copy, [2, 2, 2]), zero(), batch));
    };
    expect(gradient[i]!).toBeCloseTo((moved(1 / 64) - moved(-1 / 64)) * 32, 2);
  }
}

function expectRoundTrip(loss: Loss, batch: object): void {
  const copy = createLoss(loss.lossName, JSON.parse(JSON.stringify(loss.options)));
  expect(copy.options).toEqual(loss.options);
  expect(copy.needs).toEqual(loss.needs);
  expect(value(copy(p(), zero(), batch))).toBe(value(loss(p(), zero(), batch)));
}

describe("weightedSum(losses)", () => {
  const loss = weightedSum([{ loss: createLoss("l2") }, { loss: createLoss("l1"), weight: 0.5 }]);
  it("adds values and gradients, for every reduction, without a leak", async () => {
    expect(value(loss(p(), zero()))).toBeCloseTo(value(l2Loss(p(), zero())) + 0.5 * value(l1Loss(p(), zero())), 5);
    expect(loss(p(), zero(), { reduction: "none" }).shape).toEqual([2, 2, 2]);
    expectGradient(loss, {});
    expectRoundTrip(loss, {});
    await expectNoTensorLeak(() => tf.tidy(() => void tf.grad((x) => loss(x, zero()) as tf.Scalar)(p())));
  });
  it("needs what its parts need, and refuses no part, a function, NaN", () => {
    expect(weightedSum([{ loss }, { loss: createLoss("acr") }]).needsDifficulty).toBe(true);
    expect(() => weightedSum([])).toThrow("at least one");
    expect(() => weightedSum([{ loss: l2Loss as never }])).toThrow("losses[0].loss must be a loss of createLoss");
    expect(() => weightedSum([{ loss, weight: Number.NaN }])).toThrow(
      "losses[0].weight must be a finite number; got NaN",
    );
    expect(() => createLoss("weightedSum", { loses: [] })).toThrow('unknown option "loses"');
  });
});

describe("perGroup(loss, scheme, weights)", () => {
  const loss = perGroup(createLoss("l2"), scheme, { first: 3 }, { rest: 0 });
  it("multiplies the loss of each landmark by the factor of its group", () => {
    expect(value(loss(p(), zero()))).toBeCloseTo((3 * (1 + 4 + 0 + 1)) / 8, 5);
    expect(
      value(
        loss(p(), zero(), {
          weights: tf.tensor2d([
            [2, 1],
            [0, 1],
          ]),
        }),
      ),
    ).toBeCloseTo((3 * 2 * 5) / 8, 5);
    expectGradient(loss, {});
    expectRoundTrip(loss, {});
  });
  it("refuses unknown groups with the nearest, negative factors, two owners and other landmark counts", () => {
    expect(() => perGroup(loss, ibug68, { jaws: 1 })).toThrow('unknown group "jaws" of ibug68; did you mean jaw?');
    expect(() => perGroup(loss, ibug68, { jaw: -1 })).toThrow("the weight of jaw must be a finite number >= 0; got -1");
    expect(() => perGroup(loss, { ...scheme, groups: { a: [0], b: [0] } }, { a: 1, b: 1 })).toThrow(
      "landmark 0 is in both",
    );
    expect(() => loss(tf.zeros([1, 3, 2]), tf.zeros([1, 3, 2]))).toThrow(
      "perGroup: predictions must hold the 2 landmarks",
    );
  });
});

describe("withVisibility(loss)", () => {
  const loss = withVisibility(createLoss("l2"));
  const visibility = () =>
    tf.tensor2d([
      [1, 0],
      [0, 1],
    ]);
  it("averages over what is visible; labels of hidden landmarks may be NaN", () => {
    expect(value(loss(p(), zero(), { visibility: visibility() }))).toBeCloseTo((1 + 4 + 4 + 0.25) / 4, 5);
    const targets = tf.tensor3d([
      [
        [0, 0],
        [Number.NaN, Number.NaN],
      ],
      [
        [Number.NaN, 0],
        [0, 0],
      ],
    ]);
    const { value: mean, grad } = tf.valueAndGrad(
      (x) => loss(x, targets, { visibility: tf.cast(visibility(), "bool") }) as tf.Scalar,
    )(p());
    expect(value(mean)).toBeCloseTo(9.25 / 4, 5);
    expect([...grad.dataSync()]).toEqual([0.5, 1, 0, 0, 0, 0, 1, 0.25]);
    expect(value(loss(p(), zero(), { visibility: visibility(), reduction: "sum" }))).toBeCloseTo(9.25, 5);
    expectGradient(loss, { visibility: visibility() });
    expectRoundTrip(loss, { visibility: visibility() });
  });
  it("gives NaN where nothing is visible, and refuses calls without visibility or of another shape", () => {
    expect(value(loss(p(), zero(), { visibility: tf.zeros([2, 2]) }))).toBeNaN();
    expect(() => loss(p(), zero())).toThrow("withVisibility loss: visibility is required");
    expect(() => loss(p(), zero(), { visibility: tf.zeros([3, 2]) })).toThrow("must be [2, 2]");
  });
});

describe("poseBalanced(loss, bins) and poseBins(coefficients)", () => {
  const loss = poseBalanced(createLoss("l2"), { edges: [0, 2], weights: [1, 2, 5] });
  it("weighs each face by its bin, an edge belonging to the bin above", () => {
    const none = loss(p(), zero(), { pose: tf.tensor1d([0, 2.5]), reduction: "none" }).dataSync();
    expect([...none]).toEqual([2, 8, 18, 32, 0, 5, 20, 1.25]);
    expect(
      value(
        loss(p(), zero(), {
          pose: tf.tensor2d([
            [-1, 9],
            [-3, 9],
          ]),
        }),
      ),
    ).toBeCloseTo(value(l2Loss(p(), zero())), 5);
    expect(value(loss(p(), zero(), { pose: tf.tensor1d([0, Number.NaN]) }))).toBeNaN();
    expectGradient(loss, { pose: tf.tensor1d([0, 2.5]) });
    expectRoundTrip(loss, { pose: tf.tensor1d([0, 2.5]) });
    expect(() => loss(p(), zero(), { pose: tf.tensor1d([1]) })).toThrow("pose must be [2] or [2, M]; got [1]");
  });
  it("makes bins that count alike, with a mean weight of 1", () => {
    const coefficients = [...new Array(90).fill(0.1), ...new Array(10).fill(1)];
    const { edges, weights } = poseBins(coefficients, { binCount: 2 });
    expect(edges[0]).toBeCloseTo(0.55);
    expect(weights[0]).toBeCloseTo(100 / 180);
    expect(weights[1]).toBeCloseTo(5);
    expect(90 * weights[0]! + 10 * weights[1]!).toBeCloseTo(100);
    expect(poseBins(coefficients, { binCount: 2, maxWeight: 2 }).weights[1]).toBe(2);
    expect(() => poseBins([1, 1])).toThrow("must differ");
    expect(() => poseBins([])).toThrow("at least one");
    expect(() => poseBalanced(loss, { edges: [1, 0], weights: [1, 1, 1] })).toThrow("edges must be finite, increasing");
    expect(() => poseBalanced(loss, { edges: [1], weights: [1] })).toThrow("weights must be 2 finite numbers");
  });
});

describe("uncertaintyWeighted(losses)", () => {
  it("has the gradients of its formula, and trains its factors towards ln lᵢ", () => {
    const loss = uncertaintyWeighted([createLoss("l2"), createLoss("l1")], { initialLogVariances: [0.5, -1] });
    const [a, b] = [value(l2Loss(p(), zero())), value(l1Loss(p(), zero()))];
    expect(value(loss(p(), zero()))).toBeCloseTo((Math.exp(-0.5) * a + 0.5 + Math.exp(1) * b - 1) / 2, 4);
    expectGradient(loss, {});
    const optimizer = tf.train.adam(0.05);
    const [x, t] = [p(), zero()];
    for (let i = 0; i < 300; i++) optimizer.minimize(() => loss(x, t) as tf.Scalar, false, [loss.logVariances]);
    const trained = [...loss.logVariances.dataSync()];
    expect(trained[0]).toBeCloseTo(Math.log(a), 1);
    expect(trained[1]).toBeCloseTo(Math.log(b), 1);
    loss.dispose();
    loss.dispose();
    expect([...loss.logVariances.dataSync()]).toEqual([0.5, -1]);
    expectRoundTrip(loss, {});
    expect(() => loss(p(), zero(), { reduction: "none" })).toThrow('must be "mean" or "sum"');
    expect(() => uncertaintyWeighted([])).toThrow("at least one");
    expect(() => uncertaintyWeighted([createLoss("l1")], { initialLogVariances: [] })).toThrow(
      "must be 1 finite numbers",
    );
  });
});
