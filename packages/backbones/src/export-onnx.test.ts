import "@tensorflow/tfjs-backend-cpu";
import "@tensorflow/tfjs-backend-wasm";
import { InvalidArgumentError } from "@acr/core";
import { expectNoTensorLeak, tolerance } from "@acr/testing";
import * as tf from "@tensorflow/tfjs-core";
import {
  input,
  type LayersModel,
  layers,
  model as makeModel,
  type SymbolicTensor,
  sequential,
} from "@tensorflow/tfjs-layers";
import * as ort from "onnxruntime-web";
import { createBackbone, createLandmarkModel, type ExportOnnxOptions, exportOnnx } from "./index.js";

const SIDE = 64;
/** Random weights everywhere: fresh biases and BatchNorm statistics are 0 and 1, and swapped ones would not show. */
function stir(model: LayersModel): LayersModel {
  let seed = 1;
  for (const layer of model.layers.filter(({ trainable }) => trainable)) {
    tf.tidy(() => {
      const isNorm = layer.getClassName() === "BatchNormalization";
      layer.setWeights(
        layer.getWeights().map((weight, i) => {
          const noise = tf.randomUniform(weight.shape, -0.1, 0.1, "float32", seed++);
          return isNorm && i % 3 === 0 ? tf.add(noise, 1) : tf.add(weight, noise);
        }),
      );
    });
  }
  return model;
}
async function largestError(model: LayersModel, options: ExportOnnxOptions): Promise<number> {
  const session = await ort.InferenceSession.create(exportOnnx(model, options));
  const [height, width] = model.inputs[0]!.shape.slice(1, 3) as [number, number];
  const [images, expected, fed] = tf.tidy(() => {
    const x = tf.randomUniform<tf.Rank.R4>([2, height, width, 3], 0, 255, "float32", 9);
    const y = (model.predict(x) as tf.Tensor).dataSync().slice() as Float32Array;
    return [
      x.shape,
      y as Float32Array,
      (options.layout === "nchw" ? tf.transpose(x, [0, 3, 1, 2]) : x).dataSync().slice(),
    ];
  });
  const shape = options.layout === "nchw" ? [images[0], 3, height, width] : images;
  const results = await session.run({
    [session.inputNames[0]!]: new ort.Tensor("float32", fed as Float32Array, shape),
  });
  const result = results[session.outputNames[0]!]!;
  expect(result.dims).toEqual([2, ...model.outputs[0]!.shape.slice(1)]);
  const actual = result.data as Float32Array;
  const scale = expected.reduce((a, b) => Math.max(a, Math.abs(b)), 0);
  await session.release();
  return actual.reduce((worst, value, i) => Math.max(worst, Math.abs(value - expected[i]!) / scale), 0);
}

beforeAll(async () => {
  await tf.setBackend("wasm");
  ort.env.wasm.numThreads = 1;
});

describe("exportOnnx(model, options)", () => {
  test.each([
    ["mobilenet_v2_035", "integral", {}],
    ["mobilenet_v2_035", "gap", { layout: "nchw", foldBatchNorm: true }],
    ["mobilenet_v3_small", "simcc", { foldBatchNorm: true }],
    ["pfld_050", "pip", { layout: "nchw" }],
  ] as const)("%s with head %s, %j: onnxruntime gives the same landmarks", async (backbone, head, options) => {
    const model = stir(
      createLandmarkModel({ backbone, landmarkCount: 5, imageSize: [SIDE, 80], head, dropout: 0.1, seed: 1 }),
    );
    expect(await largestError(model, options)).toBeLessThan(tolerance.float32);
    model.dispose();
  });

  test.each(["efficientnet_b0", "resnet_18"])("%s: onnxruntime gives the same map, folded or not", async (name) => {
    const model = stir(createBackbone(name, { inputSize: 32 }));
    for (const foldBatchNorm of [false, true])
      expect(await largestError(model, { foldBatchNorm })).toBeLessThan(tolerance.float32);
    model.dispose();
  });

  test("folds only a BatchNorm that alone reads its convolution, with the convolution's bias", async () => {
    const images = input({ shape: [6, 7, 3] });
    const conv = layers
      .conv2d({ filters: 4, kernelSize: 3, strides: 2, padding: "same" })
      .apply(images) as SymbolicTensor;
    const norm = layers.batchNormalization({ scale: false }).apply(conv) as SymbolicTensor;
    const depthwise = layers.depthwiseConv2d({ kernelSize: 2, depthMultiplier: 3, padding: "same" }).apply(norm);
    const second = layers.batchNormalization({ center: false }).apply(depthwise) as SymbolicTensor;
    const pooled = layers.averagePooling2d({ poolSize: 2, padding: "valid" }).apply(second) as SymbolicTensor;
    const joined = layers
      .concatenate()
      .apply([layers.flatten().apply(pooled), layers.flatten().apply(conv)] as SymbolicTensor[]);
    const model = stir(makeModel({ inputs: images, outputs: joined as SymbolicTensor }));
    for (const foldBatchNorm of [false, true])
      expect(await largestError(model, { foldBatchNorm })).toBeLessThan(tolerance.float32);
    model.dispose();
  });

  test("dilates a Conv2D and, as tfjs' own layer, no DepthwiseConv2D", async () => {
    const dilated = { kernelSize: 3, dilationRate: 2, padding: "same" } as const;
    const model = sequential({
      layers: [
        layers.conv2d({ ...dilated, filters: 4, inputShape: [8, 9, 3] }),
        layers.depthwiseConv2d(dilated),
        layers.depthwiseConv2d({ ...dilated, padding: "valid" }),
      ],
    });
    expect(await largestError(stir(model), {})).toBeLessThan(tolerance.float32);
    model.dispose();
  });

  test("folding leaves no BatchNormalization behind and shortens the file", () => {
    const model = createBackbone("mobilenet_v2_035", { inputSize: 32 });
    const [whole, folded] = [exportOnnx(model), exportOnnx(model, { foldBatchNorm: true })];
    const text = (bytes: Uint8Array) => new TextDecoder("latin1").decode(bytes);
    expect(text(whole)).toContain("BatchNormalization");
    expect(text(folded)).not.toContain("BatchNormalization");
    expect(folded.length).toBeLessThan(whole.length);
    model.dispose();
  });

  test("names what it does not know, and leaks nothing", async () => {
    const gru = sequential({
      layers: [layers.simpleRNN({ units: 1, recurrentInitializer: "zeros", inputShape: [2, 1], name: "memory" })],
    });
    expect(() => exportOnnx(gru)).toThrow(InvalidArgumentError);
    expect(() => exportOnnx(gru)).toThrow("exportOnnx: layer memory is a SimpleRNN, which is not known here.");
    const mish = sequential({ layers: [layers.dense({ units: 1, inputShape: [2], activation: "mish", name: "odd" })] });
    expect(() => exportOnnx(mish)).toThrow(/layer odd has the activation mish/);
    expect(() => exportOnnx(mish, { layout: "hwc" } as never)).toThrow(/layout must be "nhwc" or "nchw"; got "hwc"/);
    expect(() => exportOnnx(mish, { fold: true } as never)).toThrow(/unknown option "fold"/);
    expect(() => exportOnnx(mish, { foldBatchNorm: "no" } as never)).toThrow(
      /foldBatchNorm must be true or false; got "no"/,
    );
    expect(() => exportOnnx({} as never)).toThrow(/model must be a tfjs LayersModel/);
    gru.dispose();
    mish.dispose();
    const broken = sequential({ layers: [layers.dense({ units: 1, inputShape: [1], name: "only" })] });
    broken.setWeights([tf.tensor2d([[Number.NaN]]), tf.tensor1d([0])]);
    expect(() => exportOnnx(broken)).toThrow(/weights must be finite; got others in .*kernel.* of only/);
    broken.dispose();
    const model = createBackbone("pfld_050", { inputSize: 32 });
    await expectNoTensorLeak(() => void exportOnnx(model, { foldBatchNorm: true }));
    model.dispose();
  });
});
