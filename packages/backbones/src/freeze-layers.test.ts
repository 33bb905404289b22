import "@tensorflow/tfjs-backend-cpu";
import { InvalidArgumentError } from "@acr/core";
import * as tf from "@tensorflow/tfjs-core";
import {
  initializers,
  input,
  type LayersModel,
  layers,
  model as makeModel,
  type SymbolicTensor,
} from "@tensorflow/tfjs-layers";
import { createBackbone, createLandmarkModel, freezeLayers, learningRateScales } from "./index.js";

const create = () =>
  createLandmarkModel({ backbone: "pfld_050", landmarkCount: 2, imageSize: 32, seed: 1, batchNormMomentum: 0.5 });
/** Three stages of convolution and BatchNorm, and a head: plain tfjs trains no backbone within seconds. */
function tiny(): LayersModel {
  const images = input({ shape: [32, 32, 3] });
  let x: SymbolicTensor = images;
  const add = (layer: layers.Layer) => {
    x = layer.apply(x) as SymbolicTensor;
  };
  for (const [i, name] of ["stem", "middle", "last"].entries()) {
    const seeded = { kernelInitializer: initializers.glorotNormal({ seed: i + 1 }), useBias: false };
    add(layers.conv2d({ filters: 4, kernelSize: 3, strides: 2, name: `${name}_conv`, ...seeded }));
    add(layers.batchNormalization({ name: `${name}_bn`, momentum: 0.5 }));
    add(layers.activation({ activation: "swish", name: `${name}_swish` }));
  }
  add(layers.globalAveragePooling2d({ name: "pool" }));
  add(layers.dense({ units: 4, kernelInitializer: initializers.glorotNormal({ seed: 9 }), name: "head_dense" }));
  add(layers.reshape({ targetShape: [2, 2], name: "landmarks" }));
  return makeModel({ inputs: images, outputs: x });
}
const bytesOf = (model: LayersModel) =>
  new Map(
    model.layers.flatMap((layer) =>
      layer.weights.map((weight) => [
        `${layer.name}/${weight.originalName}`,
        Buffer.from(new Uint8Array(weight.read().dataSync().slice().buffer)),
      ]),
    ),
  );
/** Names of the weights that differ. */
function changes(before: Map<string, Buffer>, after: Map<string, Buffer>): string[] {
  return [...before].filter(([name, bytes]) => !after.get(name)!.equals(bytes)).map(([name]) => name);
}
function step(model: LayersModel, optimizer: tf.Optimizer): void {
  const variables = model.trainableWeights.map((weight) => weight.read() as tf.Variable);
  tf.tidy(() => {
    const x = tf.randomUniform([2, 32, 32, 3], 0, 255, "float32", 3);
    const y = tf.randomUniform([2, 2, 2], -0.5, 0.5, "float32", 4);
    optimizer.minimize(
      () => tf.mean(tf.square(tf.sub(model.apply(x, { training: true }) as tf.Tensor, y))),
      false,
      variables,
    );
  });
}

beforeAll(() => tf.setBackend("cpu"));

describe("freezeLayers(model, parts)", () => {
  test("frozen weights and BatchNorm's statistics are bit-identical after steps, all others move", () => {
    const model = tiny();
    const frozen = freezeLayers(model, [0, "last_*"]);
    expect(frozen).toEqual(["stem_conv", "stem_bn", "last_conv", "last_bn"]);
    const before = bytesOf(model);
    const optimizer = tf.train.sgd(0.1);
    for (let i = 0; i < 3; i++) step(model, optimizer);
    const moved = changes(before, bytesOf(model));
    // Between two frozen stages one learns: its gradient went through the later.
    expect(moved.map((name) => name.split("/").pop())).toEqual([
      ...["kernel", "gamma", "beta", "moving_mean", "moving_variance", "kernel", "bias"],
    ]);
    expect(new Set(moved.map((name) => name.split("/")[0]))).toEqual(
      new Set(["middle_conv", "middle_bn", "head_dense"]),
    );
    model.dispose();
  });

  test("a frozen BatchNorm uses its moving statistics in training, and the batch's again once thawed", () => {
    const model = createBackbone("pfld_050", { inputSize: 32, pooling: "avg" });
    const x = tf.randomUniform([2, 32, 32, 3], -1, 1, "float32", 5);
    const run = (training: boolean) => tf.tidy(() => (model.apply(x, { training }) as tf.Tensor).dataSync().slice());
    expect(run(true)).not.toEqual(run(false));
    const frozen = freezeLayers(model, ["*"]);
    expect(run(true)).toEqual(run(false));
    expect(freezeLayers(model, ["*"])).toEqual([]);
    for (const name of frozen) model.getLayer(name).trainable = true;
    expect(run(true)).not.toEqual(run(false));
    x.dispose();
    model.dispose();
  });

  test("createBackbone(name, { trainable: false }) keeps BatchNorm's statistics in training", () => {
    const model = createBackbone("pfld_050", { inputSize: 32, trainable: false });
    const before = bytesOf(model);
    tf.tidy(() => void model.apply(tf.randomUniform([2, 32, 32, 3], -1, 1, "float32", 6), { training: true }));
    expect(changes(before, bytesOf(model))).toEqual([]);
    model.dispose();
  });

  test.each(["layer", "model"])(
    "%s.trainable = false by hand does what Keras does: BatchNorm infers, and keeps its statistics",
    (by) => {
      // Keras 3.15 does both for a layer and for a model; stock tfjs neither.
      const model = createBackbone("pfld_050", { inputSize: 32, pooling: "avg", batchNormMomentum: 0.5 });
      const x = tf.randomUniform([2, 32, 32, 3], -1, 1, "float32", 5);
      const run = (training: boolean) => tf.tidy(() => (model.apply(x, { training }) as tf.Tensor).dataSync().slice());
      const set = (trainable: boolean) => {
        if (by === "model") model.trainable = trainable;
        else for (const layer of model.layers) layer.trainable = trainable;
      };
      set(false);
      const before = bytesOf(model);
      expect(run(true)).toEqual(run(false));
      expect(changes(before, bytesOf(model))).toEqual([]);
      set(true);
      expect(run(true)).not.toEqual(run(false));
      expect(changes(before, bytesOf(model)).every((name) => /moving_(mean|variance)$/.test(name))).toBe(true);
      expect(changes(before, bytesOf(model)).length).toBeGreaterThan(0);
      x.dispose();
      model.dispose();
    },
  );

  test.each([
    [[5], /5 names no layer with weights; expected an index 0 … 4, one of "stride 2", .*"head"/],
    [["stage9_*"], /"stage9_\*" names no layer.*Nearest layers: /],
    [["stride 3"], /"stride 3" names no layer/],
    [[null], /null names no layer/],
    ["head", /parts must be a list of indices and names; got string/],
  ])("freezeLayers(model, %j) throws and freezes nothing", (parts, message) => {
    const model = create();
    const run = () => freezeLayers(model, (Array.isArray(parts) ? [0, ...parts] : parts) as never);
    expect(run).toThrow(InvalidArgumentError);
    expect(run).toThrow(message);
    expect(model.getLayer("stem_conv").trainable).toBe(true);
    expect(() => freezeLayers({} as never, [])).toThrow(/model must be a tfjs LayersModel/);
    model.dispose();
  });
});

describe("learningRateScales(model, parts)", () => {
  test("gives each trainable variable its scale, the last one where several fit", () => {
    const model = create();
    freezeLayers(model, [0]);
    const scales = learningRateScales(model, [
      { part: "stage*", scale: 0.1 },
      { part: "stage3_*", scale: 0.5 },
      { part: "head", scale: 3 },
    ]);
    const scaleOf = (layer: string) =>
      model.getLayer(layer).trainableWeights.map((weight) => scales.get((weight.read() as tf.Variable).name));
    expect(scaleOf("stage2_block1_expand")).toEqual([0.1]);
    expect(scaleOf("stage3_block1_expand_bn")).toEqual([0.5, 0.5]);
    expect(scaleOf("head_dense")).toEqual([3, 3]);
    expect(scaleOf("last_conv")).toEqual([1]);
    expect(scales.size).toBe(model.trainableWeights.length);
    model.dispose();
  });

  test("refuses scales that are not > 0 and parts that name nothing", () => {
    const model = create();
    for (const scale of [0, -1, Number.NaN, "1"]) {
      expect(() => learningRateScales(model, [{ part: 0, scale: scale as never }])).toThrow(
        /scale of 0 must be a number > 0; got .*Freeze layers that must not learn/,
      );
    }
    expect(() => learningRateScales(model, [{ part: "haed", scale: 1 }])).toThrow(/Nearest layers: .*head_dense/);
    expect(() => learningRateScales(model, [{ part: 0, scale: 1, rate: 2 } as never])).toThrow(/unknown option "rate"/);
    expect(() => learningRateScales(model, {} as never)).toThrow(/parts must be a list of \{ part, scale \}/);
    expect(() => learningRateScales({} as never, [])).toThrow(InvalidArgumentError);
    model.dispose();
  });
});
