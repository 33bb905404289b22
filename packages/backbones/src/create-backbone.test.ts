import "@tensorflow/tfjs-backend-cpu";
import { readFileSync } from "node:fs";
import { InvalidArgumentError } from "@acr/core";
import { expectNoTensorLeak, goldenFolder } from "@acr/testing";
import * as tf from "@tensorflow/tfjs-core";
import { createBackbone, getBackbonePreset, listBackbones } from "./index.js";

interface Counts {
  total: number;
  trainable: number;
  layers: number;
}
const golden = goldenFolder("keras");
const json = (file: string) => JSON.parse(readFileSync(`${golden}/${file}`, "utf8"));
/** Sizes whose building takes seconds are counted in the slow suite. */
const BUILT = [...listBackbones("mobilenet_v2_*"), "efficientnet_b0", "efficientnet_b3"];
const keyOf = ({ model, alpha }: { model: string; alpha?: number }) =>
  alpha === undefined
    ? model.replace("EfficientNetB", "efficientnet_b")
    : `mobilenet_v2_${String(Math.round(alpha * 100)).padStart(3, "0")}`;
const trainable = (weights: { trainable: boolean; shape: readonly (number | null)[] }[]) =>
  weights
    .filter((weight) => weight.trainable)
    .reduce((sum, { shape }) => sum + shape.reduce<number>((a, b) => a * (b ?? 0), 1), 0);

beforeAll(() => tf.setBackend("cpu"));
beforeEach(() => tf.engine().startScope());
afterEach(() => tf.engine().endScope());

describe("createBackbone(name, options)", () => {
  (golden ? test.each(BUILT) : test.skip.each(BUILT))("%s has Keras' layers, shapes and parameters", (name) => {
    const counts: Counts = json("parameter-counts.json").models.find(
      (entry: { model: string }) => keyOf(entry) === name,
    ).withoutTop;
    const { blocks, inputSize } = json("block-shapes.json").models.find(
      (entry: { model: string }) => keyOf(entry) === name,
    );
    const model = createBackbone(name, { pooling: "avg" });
    // The seventh number of Keras' Normalization, a count of images, has no place in a convolution.
    const absent = name.startsWith("efficientnet") ? 1 : 0;
    expect(model.countParams()).toBe(counts.total - absent);
    expect(trainable(model.trainableWeights as never)).toBe(counts.trainable);
    expect(model.layers).toHaveLength(counts.layers);
    expect(model.inputs[0]!.shape).toEqual([null, inputSize, inputSize, 3]);
    for (const { lastLayer, shape } of blocks)
      expect([lastLayer, model.getLayer(lastLayer).outputShape]).toEqual([lastLayer, [null, ...shape]]);
    expect(getBackbonePreset(name).parameterCount).toBe(counts.total);
    expect(model.outputs[0]!.shape).toEqual([null, getBackbonePreset(name).featureCount]);
    model.dispose();
  });

  (golden ? test.each(["mobilenet_v2_035", "efficientnet_b0"]) : test.skip.each(["mobilenet_v2_035"]))(
    "%s names its layers as Keras, in the same order",
    (name) => {
      const { activations, inputShape } = json(`${name}/reference.json`) as {
        activations: Record<string, { shape: number[] }>;
        inputShape: number[];
      };
      const model = createBackbone(name, { inputSize: inputShape[1], pooling: "avg" });
      const shapes = new Map(model.layers.map((layer) => [layer.name, layer.outputShape]));
      for (const [layer, { shape }] of Object.entries(activations))
        expect([layer, shapes.get(layer)]).toEqual([layer, [null, ...shape.slice(1)]]);
      model.dispose();
    },
  );

  test("pads odd and even sides as Keras does", () => {
    const model = createBackbone("mobilenet_v2_035", { inputSize: [97, 64] });
    expect(model.getLayer("block_1_pad").outputShape).toEqual([null, 51, 33, 48]);
    expect(model.getLayer("block_1_depthwise").outputShape).toEqual([null, 25, 16, 48]);
    model.dispose();
  });

  test("gives the same weights for the same seed and others for another", () => {
    const kernels = [1, 1, 2].map((seed) => {
      const model = createBackbone("mobilenet_v2_035", { inputSize: 32, seed });
      const kernel = model.getLayer("block_3_expand").getWeights()[0]!.dataSync().slice();
      model.dispose();
      return kernel;
    });
    expect(kernels[0]).toEqual(kernels[1]);
    expect(kernels[0]).not.toEqual(kernels[2]);
  });

  test("starts kernels uniformly in ±1/√inputs of one output value", () => {
    const model = createBackbone("mobilenet_v2_100", { inputSize: 32 });
    for (const [layer, inputs] of [
      ["block_14_expand", 160],
      ["block_14_depthwise", 9],
    ] as const) {
      const values = Array.from(model.getLayer(layer).getWeights()[0]!.dataSync());
      const bound = 1 / Math.sqrt(inputs);
      const largest = values.reduce((a, b) => Math.max(a, Math.abs(b)), 0);
      expect(largest).toBeLessThanOrEqual(bound * 1.000001);
      expect(largest).toBeGreaterThan(bound * 0.99);
    }
    model.dispose();
  });

  test("outputIndices gives a pyramid of strides 2 to 32", () => {
    for (const name of ["mobilenet_v2_035", "efficientnet_b0"]) {
      const model = createBackbone(name, { inputSize: 64, outputIndices: [0, 1, 2, 3, 4] });
      expect(model.outputs.map(({ shape }) => shape[1])).toEqual([32, 16, 8, 4, 2]);
      model.dispose();
    }
  });

  test.each([
    "efficientnet_lite0",
    "mobilenet_v3_small",
    "mobilenet_v3_large",
    "resnet_18",
    "pfld_050",
    "mobilefacenet_100",
  ])("%s has the parameters and features its preset says, and a pyramid of strides 2 to 32", (name) => {
    const model = createBackbone(name, { inputSize: 64, pooling: "avg" });
    const { parameterCount, featureCount } = getBackbonePreset(name);
    expect(model.countParams()).toBe(parameterCount);
    expect(model.outputs[0]!.shape).toEqual([null, featureCount]);
    model.dispose();
    const pyramid = createBackbone(name, { inputSize: [64, 96], outputIndices: [0, 1, 2, 3, 4] });
    expect(pyramid.outputs.map(({ shape }) => shape.slice(1, 3))).toEqual(
      [1, 2, 3, 4, 5].map((n) => [64 / 2 ** n, 96 / 2 ** n]),
    );
    pyramid.dispose();
  });

  test("dropPath leaves whole branches out in training alone, more often towards the end", () => {
    for (const name of ["mobilenet_v2_035", "pfld_050"]) {
      const model = createBackbone(name, { inputSize: 32, dropPath: 0.4 });
      const rates = model.layers
        .filter((layer) => layer.name.endsWith("_drop"))
        .map((layer) => layer.getConfig() as { rate: number; noiseShape: unknown });
      expect(rates.length).toBeGreaterThan(3);
      expect(rates.map(({ rate }) => rate)).toEqual([...rates.map(({ rate }) => rate)].sort((a, b) => a - b));
      expect(rates.every(({ rate }) => rate > 0 && rate < 0.4)).toBe(true);
      expect(rates[0]!.noiseShape).toEqual([null, 1, 1, 1]);
      model.dispose();
    }
  });

  test("hard-swish is x · relu6(x + 3) / 6", () => {
    const model = createBackbone("mobilenet_v3_small", { inputSize: 32 });
    tf.tidy(() => {
      const x = tf.tensor4d([-4, -3, -1, 0, 1, 3, 7, 2], [1, 1, 1, 8]);
      const through = ["shift", "clip"].reduce(
        (y, part) => model.getLayer(`conv_hard_swish_gate_${part}`).call(y, {}) as tf.Tensor4D,
        x,
      );
      const gate = model.getLayer("conv_hard_swish_gate").call(through, {}) as tf.Tensor;
      const y = model.getLayer("conv_hard_swish").call([x, gate], {}) as tf.Tensor;
      const expected = Array.from(x.dataSync(), (v) => (v * Math.min(6, Math.max(0, v + 3))) / 6);
      for (const [i, value] of y.dataSync().entries()) expect(value).toBeCloseTo(expected[i]!, 5);
    });
    model.dispose();
  });

  test("trainable: false freezes everything, batchNormMomentum reaches every BatchNorm", () => {
    const model = createBackbone("mobilenet_v2_035", {
      inputSize: 32,
      trainable: false,
      batchNormMomentum: 0.5,
    });
    expect(model.trainableWeights).toHaveLength(0);
    const momenta = model.layers.map((layer) => layer.getConfig().momentum).filter((value) => value !== undefined);
    expect(new Set(momenta)).toEqual(new Set([0.5]));
    model.dispose();
  });

  test("uses Keras' momentum and epsilon by default", () => {
    const config = (name: string, layer: string) => {
      const model = createBackbone(name, { inputSize: 32 });
      const { momentum, epsilon } = model.getLayer(layer).getConfig();
      model.dispose();
      return { momentum, epsilon };
    };
    expect(config("mobilenet_v2_035", "Conv_1_bn")).toEqual({ momentum: 0.999, epsilon: 1e-3 });
    expect(config("efficientnet_b0", "top_bn")).toEqual({ momentum: 0.99, epsilon: 1e-3 });
  });

  test("leaves no tensor behind a disposed model", async () => {
    await expectNoTensorLeak(() => createBackbone("efficientnet_b0", { inputSize: 32 }).dispose());
  });

  test.each([
    ["mobilenet_v2_50", {}, /unknown backbone "mobilenet_v2_50"\. Nearest names: mobilenet_v2_050/],
    ["mobilenet_v2_050", { inputsize: 64 }, /unknown option "inputsize"\. Did you mean inputSize/],
    ["mobilenet_v2_050", { inputSize: 31 }, /inputSize must be an integer >= 32.*got 31/],
    ["mobilenet_v2_050", { pooling: "mean" }, /pooling must be "none" or "avg" or "max"; got "mean"/],
    ["mobilenet_v2_050", { outputIndices: [5] }, /outputIndices must be integers 0 … 4; got 5/],
    ["mobilenet_v2_050", { outputIndices: [] }, /must name one map at least/],
    ["mobilenet_v2_050", { outputIndices: 3 }, /outputIndices must be a list of integers 0 … 4; got 3/],
    ["mobilenet_v2_050", { outputIndices: ["length"] }, /outputIndices must be integers 0 … 4; got "length"/],
    ["mobilenet_v2_050", { outputIndices: [Number.NaN] }, /outputIndices must be integers 0 … 4; got NaN/],
    ["mobilenet_v2_050", { inputSize: 1e9 }, /inputSize must be at most 16384; got 1000000000/],
    ["mobilenet_v2_050", { trainable: "no" }, /trainable must be true or false; got "no"/],
    ["mobilenet_v2_050", { outputIndices: [4], pooling: "avg" }, /exclude each other/],
    ["efficientnet_b0", { dropPath: 1 }, /dropPath must be a number in \[0, 1\); got 1/],
    ["mobilenet_v2_050", { batchNormMomentum: -1 }, /batchNormMomentum must be a number in \[0, 1\)/],
    ["mobilenet_v2_050", { seed: Number.NaN }, /seed must be a finite number or a string/],
  ])("createBackbone(%j, %j) throws", (name, options, message) => {
    const run = () => createBackbone(name, options as never);
    const { numTensors } = tf.memory();
    expect(run).toThrow(InvalidArgumentError);
    expect(run).toThrow(message);
    expect(tf.memory().numTensors).toBe(numTensors);
  });
});
