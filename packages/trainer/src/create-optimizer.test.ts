import { expectNoTensorLeak } from "@acr/testing";
import { setBackend, type Tensor, tensor1d, tidy, train, type Variable, variable } from "@tensorflow/tfjs-core";
import "@tensorflow/tfjs-backend-cpu";
import { createOptimizer, type OptimizerOptions } from "./create-optimizer.js";

beforeAll(() => setBackend("cpu"));

const START = [1, -2, 0.5];
const GRADIENTS = Array.from({ length: 6 }, (_, t) => START.map((_w, i) => Math.sin(3 * t + i) * (i + 1)));

/** The weights after all steps. */
function run(options: OptimizerOptions, { reloadAt = -1 } = {}): number[] {
  const weights = tidy(() => variable(tensor1d(START)));
  let optimizer = createOptimizer(options);
  GRADIENTS.forEach((values, t) => {
    if (t === reloadAt) {
      const state = optimizer.getState();
      optimizer.dispose();
      optimizer = createOptimizer(options);
      optimizer.setState(state);
    }
    const gradient = tensor1d(values);
    optimizer.applyGradients({ [weights.name]: gradient });
    gradient.dispose();
  });
  const result = Array.from(weights.dataSync());
  optimizer.dispose();
  weights.dispose();
  return result;
}

/** The same by tfjs' own optimizer. */
function runTfjs(optimizer: { applyGradients(grads: object): void; dispose(): void }): number[] {
  const weights: Variable = tidy(() => variable(tensor1d(START)));
  for (const values of GRADIENTS) {
    tidy(() => optimizer.applyGradients({ [weights.name]: tensor1d(values) as Tensor }));
  }
  const result = Array.from(weights.dataSync());
  optimizer.dispose();
  weights.dispose();
  return result;
}

const expectClose = (got: number[], expected: number[]) =>
  expected.forEach((value, i) => {
    expect(got[i]).toBeCloseTo(value, 5);
  });

it("createOptimizer adam, sgd and rmsprop step as tfjs' own", () => {
  expectClose(run({ name: "adam", learningRate: 0.05 }), runTfjs(train.adam(0.05, 0.9, 0.999, 1e-7)));
  expectClose(run({ name: "sgd", learningRate: 0.05, momentum: 0 }), runTfjs(train.sgd(0.05)));
  expectClose(run({ name: "sgd", learningRate: 0.05, momentum: 0.8 }), runTfjs(train.momentum(0.05, 0.8)));
  expectClose(
    run({ name: "sgd", learningRate: 0.05, momentum: 0.8, nesterov: true }),
    runTfjs(train.momentum(0.05, 0.8, true)),
  );
});

it("createOptimizer rmsprop and weightDecay follow their formulas in float64", () => {
  const [rho, momentum, epsilon, rate, decay] = [0.8, 0.5, 1e-3, 0.05, 0.1];
  const w = [...START];
  const s = [0, 0, 0];
  const u = [0, 0, 0];
  for (const g of GRADIENTS) {
    for (let i = 0; i < 3; i++) {
      s[i] = rho * s[i]! + (1 - rho) * g[i]! ** 2;
      u[i] = momentum * u[i]! + (rate * g[i]!) / Math.sqrt(s[i]! + epsilon);
      w[i] = w[i]! * (1 - rate * decay) - u[i]!;
    }
  }
  expectClose(run({ name: "rmsprop", learningRate: rate, rho, momentum, epsilon, weightDecay: decay }), w);
});

it("createOptimizer adamw is adam with decay by default", () => {
  const plain = run({ name: "adam", learningRate: 0.05, weightDecay: 0.01 });
  expect(run({ name: "adamw", learningRate: 0.05 })).toEqual(plain);
  expect(plain).not.toEqual(run({ name: "adam", learningRate: 0.05 }));
});

it.each(["sgd", "rmsprop", "adam"] as const)("createOptimizer(%s) clips by the global norm", (name) => {
  const first = tidy(() => variable(tensor1d([0, 0])));
  const second = tidy(() => variable(tensor1d([0])));
  const optimizer = createOptimizer({
    name,
    learningRate: 1,
    clipNorm: 1,
    ...(name === "sgd" ? { momentum: 0 } : { epsilon: 1e3 }),
  });
  tidy(() => {
    optimizer.applyGradients({ [first.name]: tensor1d([3, 0]), [second.name]: tensor1d([4]) });
  });
  // (3, 4) scaled to length 1; behind a large epsilon all of them are linear in the gradient.
  expect(second.dataSync()[0]! / first.dataSync()[0]!).toBeCloseTo(4 / 3, 2);
  if (name === "sgd")
    expect([...first.dataSync(), ...second.dataSync()]).toEqual([-0.6000000238418579, 0, -0.800000011920929]);
  optimizer.dispose();
  first.dispose();
  second.dispose();
});

it.each([
  { name: "adam", learningRate: 0.05 },
  { name: "sgd", learningRate: 0.05, momentum: 0.9, clipNorm: 1 },
  { name: "rmsprop", learningRate: 0.05, momentum: 0.9 },
] as OptimizerOptions[])("createOptimizer(%j) goes on from its state as if it had not stopped", (options) => {
  expect(run(options, { reloadAt: 3 })).toEqual(run(options));
});

it("createOptimizer leaks no tensors", async () => {
  await expectNoTensorLeak(() => void run({ name: "sgd" }));
  await expectNoTensorLeak(() => void run({ name: "rmsprop", momentum: 0.5, weightDecay: 0.1, clipNorm: 1 }));
});

it.each([
  [{ name: "adma" }, 'unknown optimizer "adma"; did you mean adam?'],
  [{ name: "sgd", beta1: 0.9 }, "sgd has no beta1"],
  [{ name: "sgd", momentum: 1 }, "momentum must be in [0, 1); got 1"],
  [{ name: "rmsprop", learningRate: 0 }, "learningRate must be > 0; got 0"],
  [{ name: "sgd", clipNorm: Number.NaN }, "clipNorm must be > 0; got NaN"],
  [{ name: "sgd", momentm: 1 }, 'unknown option "momentm"'],
])("createOptimizer(%j) throws", (options, message) => {
  expect(() => createOptimizer(options as OptimizerOptions)).toThrow(message);
});

it("createOptimizer refuses gradients and states of variables that are not there", () => {
  const optimizer = createOptimizer({ name: "sgd" });
  const gradient = tensor1d([1]);
  expect(() => optimizer.applyGradients({ nowhere: gradient })).toThrow('no variable is called "nowhere"');
  expect(() => optimizer.setState({ step: 1, slots: { nowhere: { momentum: new Float32Array(1) } } })).toThrow(
    "expected an existing variable",
  );
  gradient.dispose();
});
