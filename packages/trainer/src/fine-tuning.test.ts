import "@tensorflow/tfjs-backend-cpu";
import "@tensorflow/tfjs-backend-wasm";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createBackbone, freezeLayers, saveKerasWeights } from "@acr/backbones";
import { InvalidArgumentError } from "@acr/core";
import { optimizeForTraining, registerTrainingKernels } from "@acr/kernels";
import * as tf from "@tensorflow/tfjs-core";
import type { LayersModel } from "@tensorflow/tfjs-layers";
import * as tfl from "@tensorflow/tfjs-layers";
import { createOptimizer } from "./create-optimizer.js";
import { createGroupedOptimizer } from "./internal/create-grouped-optimizer.js";
import { loadModel } from "./load-model.js";
import type { RecipeInput } from "./recipe.js";
import { train } from "./train.js";

const BACKBONE = "mobilenet_v2_035";
let folder: string;
beforeAll(async () => {
  await tf.setBackend("wasm");
  await registerTrainingKernels();
  folder = mkdtempSync(join(tmpdir(), "acr-fine-tuning-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

const bytesOf = (layer: { getWeights(): tf.Tensor[] }) =>
  Buffer.concat(layer.getWeights().map((weight) => new Uint8Array(weight.dataSync().slice().buffer)));
async function run(recipe: RecipeInput, name: string): Promise<LayersModel> {
  const events = train({ recipe, folder: join(folder, name) });
  for (;;) if ((await events.next()).done) return loadModel(join(folder, name, "model"));
}
const recipe: RecipeInput = {
  backbone: BACKBONE,
  imageSize: 32,
  epochs: 1,
  batchSize: 8,
  synthetic: { trainCount: 32, valCount: 4 },
  // Without warm-up; the head's kernel starts at 0 and hands back no gradient in the first step.
  learningRate: 0.01,
  learningRateSchedule: { name: "constant" },
  logs: { tensorboard: false, samplesEvery: 0, histogramsEvery: 0 },
  backend: "wasm",
};

test("train: frozen parts of a recipe end bit-identical to the file they came from, statistics included; others learn", async () => {
  const backbone = createBackbone(BACKBONE, { inputSize: 32, seed: 7 });
  const weights = join(folder, "start.weights.h5");
  await saveKerasWeights(backbone, weights);
  const model = await run({ ...recipe, weights: { file: weights }, freeze: [0, 1, "block_5_*"] }, "frozen");
  const same = (name: string) => bytesOf(model.getLayer(name)).equals(bytesOf(backbone.getLayer(name)));
  for (const name of ["Conv1", "bn_Conv1", "block_2_depthwise_BN", "block_5_project", "block_5_project_BN"])
    expect([name, same(name)]).toEqual([name, true]);
  for (const name of ["block_4_depthwise_BN", "block_6_expand", "Conv_1_bn"])
    expect([name, same(name)]).toEqual([name, false]);
  backbone.dispose();
  model.dispose();
});

test("train: parts that name nothing, a file that is absent, and weights beside init are refused", async () => {
  const refuse = (extra: RecipeInput, message: RegExp) =>
    expect(run({ ...recipe, ...extra }, "refused")).rejects.toThrow(message);
  await refuse({ weights: { file: "absent.h5" }, init: "runs/a" }, /weights: and init exclude each other/);
  await refuse({ weights: { file: join(folder, "absent.h5") } }, /absent\.h5" does not exist/);
  rmSync(join(folder, "refused"), { recursive: true, force: true });
  await refuse({ freeze: ["stage9"] }, /"stage9" names no layer with weights/);
});

/** Three convolutions with BatchNorm, small enough that rounding is not amplified as in a whole backbone. */
function smallNet(): LayersModel {
  const input = tfl.input({ shape: [12, 12, 3] });
  let x = input;
  for (const [i, part] of ["front", "middle", "back"].entries()) {
    const kernelInitializer = tfl.initializers.glorotUniform({ seed: i + 1 });
    const convolution = { filters: 8, kernelSize: 3, padding: "same", useBias: false, kernelInitializer } as const;
    x = tfl.layers.conv2d({ name: `${part}_conv`, ...convolution }).apply(x) as tfl.SymbolicTensor;
    x = tfl.layers.batchNormalization({ name: `${part}_bn` }).apply(x) as tfl.SymbolicTensor;
    x = tfl.layers.activation({ name: `${part}_swish`, activation: "swish" }).apply(x) as tfl.SymbolicTensor;
  }
  x = tfl.layers.globalAveragePooling2d({}).apply(x) as tfl.SymbolicTensor;
  return tfl.model({ inputs: input, outputs: x });
}

test("optimizeForTraining: a model with a frozen part in its middle has the gradients and outputs of the plain one", async () => {
  const model = smallNet();
  expect(freezeLayers(model, ["middle*"])).toEqual(["middle_conv", "middle_bn"]);
  const fused = optimizeForTraining(model);
  const variables = model.trainableWeights.map((weight) => weight.read() as tf.Variable);
  expect(variables).toHaveLength(6);
  const statistics = bytesOf(model.getLayer("middle_bn"));
  const gradients = (network: LayersModel) =>
    tf.tidy(() => {
      const x = tf.randomNormal([4, 12, 12, 3], 0, 1, "float32", 5);
      const { value, grads } = tf.variableGrads(
        () => tf.mean(tf.square(network.apply(x, { training: true }) as tf.Tensor)) as tf.Scalar,
        variables,
      );
      return [value, ...variables.map(({ name }) => grads[name]!)].map((tensor) =>
        Float32Array.from(tensor.dataSync()),
      );
    });
  const [plain, fast] = [gradients(model), gradients(fused)];
  const largestOf = (values: Float32Array) => values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  for (const [i, values] of fast.entries()) {
    const largest = largestOf(plain[i]!);
    expect(largest).toBeGreaterThan(0);
    const error = values.reduce((most, value, k) => Math.max(most, Math.abs(value - plain[i]![k]!)), 0) / largest;
    expect(error).toBeLessThan(1e-4);
  }
  expect(bytesOf(model.getLayer("middle_bn")).equals(statistics)).toBe(true);
  model.dispose();
});

describe("createGroupedOptimizer(options, scales)", () => {
  let gradient: { a: tf.Tensor; b: tf.Tensor };
  beforeAll(() => {
    gradient = { a: tf.tensor1d([1, -2]), b: tf.tensor1d([3]) };
  });
  const start = () => ({
    a: tf.variable(tf.tensor1d([1, 1]), true, `a${counter}`),
    b: tf.variable(tf.tensor1d([1]), true, `b${counter++}`),
  });
  let counter = 0;

  test.each(["adam", "sgd", "rmsprop"] as const)(
    "%s: each variable moves as alone with its own rate, over several steps",
    (name) => {
      const [one, other] = [start(), start()];
      const scales = new Map([
        [one.a.name, 0.1],
        [one.b.name, 2],
      ]);
      const grouped = createGroupedOptimizer({ name, learningRate: 0.5 }, scales);
      const alone = [createOptimizer({ name, learningRate: 0.05 }), createOptimizer({ name, learningRate: 1 })];
      for (let i = 0; i < 3; i++) {
        grouped.applyGradients({ [one.a.name]: gradient.a, [one.b.name]: gradient.b });
        alone[0]!.applyGradients({ [other.a.name]: gradient.a });
        alone[1]!.applyGradients({ [other.b.name]: gradient.b });
      }
      for (const key of ["a", "b"] as const)
        for (const [i, value] of one[key].dataSync().entries()) expect(value).toBeCloseTo(other[key].dataSync()[i]!, 5);
      for (const optimizer of [grouped, ...alone]) optimizer.dispose();
      tf.dispose([one, other] as never);
    },
  );

  test("clips by the norm over all groups, and goes on from its state as if never stopped", () => {
    const [one, other] = [start(), start()];
    const make = ({ a, b }: typeof one) =>
      createGroupedOptimizer(
        { name: "sgd", learningRate: 1, clipNorm: 1, momentum: 0.5 },
        new Map([
          [a.name, 1],
          [b.name, 0.5],
        ]),
      );
    const first = make(one);
    first.applyGradients({ [one.a.name]: gradient.a, [one.b.name]: gradient.b });
    const norm = Math.sqrt(1 + 4 + 9);
    expect(one.a.dataSync()[0]).toBeCloseTo(1 - 1 / norm, 5);
    expect(one.b.dataSync()[0]).toBeCloseTo(1 - (0.5 * 3) / norm, 5);
    const { step, slots } = first.getState();
    expect(step).toBe(1);
    expect(Object.keys(slots).sort()).toEqual([one.a.name, one.b.name].sort());
    const second = make(one);
    second.setState({ step, slots });
    const same = make(other);
    for (let i = 0; i < 2; i++) same.applyGradients({ [other.a.name]: gradient.a, [other.b.name]: gradient.b });
    second.applyGradients({ [one.a.name]: gradient.a, [one.b.name]: gradient.b });
    for (const key of ["a", "b"] as const) expect(one[key].arraySync()).toEqual(other[key].arraySync());
    for (const optimizer of [first, second, same]) optimizer.dispose();
  });

  test("is the plain optimizer where all scales are 1, and refuses what that refuses", () => {
    expect(() => createGroupedOptimizer({ name: "sgd", beta1: 0.5 } as never, new Map([["a", 2]]))).toThrow(
      InvalidArgumentError,
    );
    const plain = createGroupedOptimizer({ name: "adam" }, new Map([["a", 1]]));
    expect(plain.getState()).toEqual({ step: 0, slots: {} });
    plain.dispose();
  });
});
