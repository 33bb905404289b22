import "@tensorflow/tfjs-backend-cpu";
import "@tensorflow/tfjs-backend-wasm";
import { expectNoTensorLeak } from "@acr/testing";
import * as tf from "@tensorflow/tfjs-core";
import { type DescentSlots, type FusedDescentOptions, fusedDescentStep } from "./fused-descent-step.js";
import { registerTrainingKernels } from "./register-training-kernels.js";

type Settings = Omit<FusedDescentOptions, "slots" | "learningRate">;
const SETTINGS: [string, Settings][] = [
  ["plain descent", {}],
  ["momentum and decay", { momentum: 0.8, weightDecay: 0.1 }],
  ["Nesterov's momentum", { momentum: 0.8, nesterov: true }],
  ["RMSProp", { rho: 0.8, epsilon: 1e-2 }],
  ["RMSProp with momentum and decay", { rho: 0.8, epsilon: 1e-2, momentum: 0.5, weightDecay: 0.1 }],
];
/** Of 3 weights after 6 steps of falling rate, by Keras 3.15.1; with decay also clipped to the norm 1. */
const KERAS = [
  [0.9959240555763245, -2.058210611343384, 0.4178731441497803],
  [0.9857615232467651, -2.0458359718322754, 0.3862118721008301],
  [0.9907698631286621, -2.2382335662841797, 0.14153550565242767],
  [0.979752242565155, -2.0827105045318604, 0.4204775393009186],
  [0.9761980175971985, -2.127854824066162, 0.3374837040901184],
];
const START = [1, -2, 0.5];
const gradientOf = (t: number, settings: Settings) => {
  const g = [0, 1, 2].map((i) => Math.sin(3 * t + i) * (i + 1));
  const norm = Math.hypot(...g);
  return settings.weightDecay && norm > 1 ? g.map((value) => value / norm) : g;
};

/** Weights behind steps of falling rate. */
function descend(start: number[], gradient: (t: number) => number[], settings: Settings, steps = 6) {
  const slots: DescentSlots = {};
  const variable = tf.tidy(() => tf.variable(tf.tensor1d(start)));
  for (let t = 0; t < steps; t++)
    tf.tidy(() =>
      fusedDescentStep(variable, tf.tensor1d(gradient(t)), { ...settings, learningRate: 0.05 / (t + 1), slots }),
    );
  const result = [...variable.dataSync()];
  const kept = Object.keys(slots).sort();
  tf.dispose(slots as tf.NamedTensorMap);
  variable.dispose();
  return { result, kept };
}

describe.each(["cpu", "wasm"])("fusedDescentStep on %s", (backend) => {
  let undo: () => Promise<void>;
  beforeAll(async () => {
    await tf.setBackend(backend);
    ({ undo } = await registerTrainingKernels());
  });
  afterAll(() => undo());

  it.each(SETTINGS.map(([name, settings], i) => [name, settings, KERAS[i]!] as const))(
    "takes the steps of Keras: %s",
    (_name, settings, expected) => {
      const { result, kept } = descend(START, (t) => gradientOf(t, settings), settings);
      result.forEach((value, i) => expect(Math.abs(value - expected[i]!)).toBeLessThan(1e-6));
      expect(kept).toEqual([
        ...(settings.momentum ? ["momentum"] : []),
        ...(settings.rho === undefined ? [] : ["square"]),
      ]);
    },
  );

  // Below and above the size from which threads share a weight, and no multiple of 4.
  it.each([1, 7, 20003])("follows its formulas in float64 on %i weights", (size) => {
    const start = Array.from({ length: size }, (_, i) => Math.fround(Math.sin(1 + 0.7 * i)));
    const gradients = [0, 1, 2, 3].map((t) =>
      Array.from({ length: size }, (_, i) => Math.fround(Math.sin(2 + 1.3 * t + 0.9 * i))),
    );
    for (const [, settings] of SETTINGS) {
      const { momentum = 0, nesterov = false, rho, epsilon = 1e-7, weightDecay = 0 } = settings;
      const expected = start.map((first, i) => {
        let [w, u, s] = [first, 0, 0];
        for (let t = 0; t < 4; t++) {
          const g = gradients[t]![i]!;
          const rate = 0.05 / (t + 1);
          s = rho === undefined ? 0 : rho * s + (1 - rho) * g * g;
          const change = rho === undefined ? rate * g : (rate * g) / Math.sqrt(s + epsilon);
          u = momentum * u + change;
          w = w * (1 - rate * weightDecay) - (nesterov ? momentum * u + change : u);
        }
        return w;
      });
      const { result } = descend(start, (t) => gradients[t]!, settings, 4);
      const worst = result.reduce((max, x, i) => Math.max(max, Math.abs(x - expected[i]!)), 0);
      expect(worst).toBeLessThan(2e-6);
    }
  });

  it("changes only its slots in a step of rate 0", () => {
    const slots: DescentSlots = {};
    const variable = tf.tidy(() => tf.variable(tf.tensor1d(START)));
    const options = { learningRate: 0, rho: 0.9, momentum: 0.9, weightDecay: 1, slots };
    tf.tidy(() => fusedDescentStep(variable, tf.tensor1d([1, 2, 3]), options));
    expect([...variable.dataSync()]).toEqual(START);
    expect(slots.square!.dataSync()[2]).toBeCloseTo(0.9, 6);
    tf.dispose([variable, slots as tf.NamedTensorMap]);
  });

  it("leaks no tensor", async () => {
    for (const [, settings] of SETTINGS)
      await expectNoTensorLeak(() => void descend(START, (t) => gradientOf(t, settings), settings));
  });

  it("refuses options out of range and tensors of another size", () => {
    const variable = tf.tidy(() => tf.variable(tf.tensor1d(START)));
    const gradient = tf.tensor1d([1, 2, 3]);
    const step =
      (options: object, g: tf.Tensor = gradient) =>
      () =>
        fusedDescentStep(variable, g, { learningRate: 0.1, slots: {}, ...options });
    expect(step({ learningRate: Number.NaN })).toThrow("fusedDescentStep: learningRate must be >= 0; got NaN");
    expect(step({ momentum: 1 })).toThrow("momentum must be in [0, 1); got 1");
    expect(step({ rho: -0.1 })).toThrow("rho must be in [0, 1); got -0.1");
    expect(step({ epsilon: 0 })).toThrow("epsilon must be > 0; got 0");
    expect(step({ weightDecay: -1 })).toThrow("weightDecay must be >= 0; got -1");
    expect(step({ rho: 0.9, nesterov: true })).toThrow("nesterov is not for rho");
    expect(step({ momentun: 0.9 })).toThrow('unknown option "momentun"');
    const short = tf.tensor1d([1]);
    expect(step({}, short)).toThrow("gradient must be [3] as the variable; got [1]");
    expect(step({ momentum: 0.9, slots: { momentum: short } })).toThrow(
      "momentum must be [3] as the variable; got [1]",
    );
    expect([...variable.dataSync()]).toEqual(START);
    tf.dispose([variable, gradient, short]);
  });
});
