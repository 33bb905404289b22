import "@tensorflow/tfjs-backend-cpu";
import { InvalidArgumentError } from "@acr/core";
import * as tf from "@tensorflow/tfjs-core";
import { input, layers, model as makeModel, type SymbolicTensor } from "@tensorflow/tfjs-layers";
import { createBackbone, createLandmarkModel, summary } from "./index.js";

const MEASURED: [string, number, number][] = [
  ["mobilenet_v2_100", 8, 127],
  ["mobilenet_v2_100", 32, 316],
  ["efficientnet_b0", 8, 225],
  ["efficientnet_b0", 32, 617],
  ["resnet_18", 8, 314],
  ["resnet_18", 32, 642],
];

beforeAll(() => tf.setBackend("cpu"));

/** 8×8×3 → conv 4 of stride 2 → BatchNorm → ReLU → depthwise → dense 2 of 4×4×4. */
function tiny() {
  const images = input({ shape: [8, 8, 3] });
  let x: SymbolicTensor = images;
  const add = (layer: layers.Layer) => {
    x = layer.apply(x) as SymbolicTensor;
  };
  add(layers.conv2d({ filters: 4, kernelSize: 3, strides: 2, padding: "same", useBias: false, name: "conv" }));
  add(layers.batchNormalization({ name: "norm" }));
  add(layers.reLU({ name: "relu" }));
  add(layers.depthwiseConv2d({ kernelSize: 3, padding: "same", useBias: false, name: "depthwise" }));
  add(layers.flatten({ name: "flat" }));
  add(layers.dense({ units: 2, name: "head_dense" }));
  return makeModel({ inputs: images, outputs: x });
}

describe("summary(model, options)", () => {
  test("counts a small model by hand", () => {
    const model = tiny();
    const { stages, ...all } = summary(model, { batchSize: 3 });
    const image = 8 * 8 * 3;
    const map = 4 * 4 * 4;
    const parameters = { conv: 3 * 3 * 3 * 4, norm: 4 * 4, depthwise: 3 * 3 * 4, dense: 64 * 2 + 2 };
    const macs = { conv: 4 * 4 * 4 * 27, depthwise: 4 * 4 * 4 * 9, dense: 64 * 2 };
    const stride2 = parameters.conv + parameters.norm + parameters.depthwise;
    expect(stages).toEqual([
      {
        name: "stride 1",
        layerCount: 1,
        parameterCount: 0,
        trainableParameterCount: 0,
        multiplyAdds: 0,
        activationBytes: 3 * 4 * image,
      },
      {
        name: "stride 2",
        layerCount: 5,
        parameterCount: stride2,
        trainableParameterCount: stride2 - 8,
        multiplyAdds: macs.conv + macs.depthwise,
        activationBytes: 3 * 4 * 5 * map,
      },
      {
        name: "head",
        layerCount: 1,
        parameterCount: parameters.dense,
        trainableParameterCount: parameters.dense,
        multiplyAdds: macs.dense,
        activationBytes: 3 * 4 * 2,
      },
    ]);
    const count = stride2 + parameters.dense;
    expect(all).toEqual({
      batchSize: 3,
      parameterCount: count,
      trainableParameterCount: count - 8,
      multiplyAdds: macs.conv + macs.depthwise + macs.dense,
      activationBytes: 3 * 4 * (image + 5 * map + 2),
      // The picture and the first map live together.
      inferenceBytes: 4 * count + 3 * 4 * (image + map),
      // Weights twice; gradients and moments; 7 layers. On the way back at the picture: it with two gradients of its size, the second
      // convolution's output and the result each with a gradient; the first's is released.
      trainingBytes:
        2 * 4 * count + 3 * 4 * (count - 8) + 7e5 + 3 * Math.round(1.1 * 4 * (3 * image + 2 * map + 2 * 2)),
    });
    model.dispose();
  });

  test.each([
    // Table 4 of Sandler et al., 300 M with the classifier's 1.3; Table 2 of Tan and Le, 0.39 G with 1.3 M; He et al., 3.8 G with 2 M.
    ["mobilenet_v2_100", 300e6, 1.3e6, 0.01],
    ["efficientnet_b0", 0.39e9, 1.3e6, 0.02],
    ["resnet_50", 3.86e9, 2e6, 0.01],
  ])("%s needs the multiply-adds that its paper says", (name, published, classifier, tolerance) => {
    const model = createBackbone(name, { inputSize: 224 });
    const { multiplyAdds, parameterCount, stages } = summary(model);
    expect(Math.abs(multiplyAdds + classifier - published) / published).toBeLessThan(tolerance);
    expect(parameterCount).toBe(model.countParams());
    expect(stages.map((stage) => stage.name)).toEqual([
      "stride 1",
      "stride 2",
      "stride 4",
      "stride 8",
      "stride 16",
      "stride 32",
    ]);
    model.dispose();
  });

  test("expects what training steps were measured to take, within a fifth", () => {
    // benchmarks/backbones/training-memory.json: wasm, 112 px, peak of the process above its start, MB.
    for (const [name, batchSize, measured] of MEASURED) {
      const model = createLandmarkModel({ backbone: name, imageSize: 112, landmarkCount: 68 });
      const megabytes = summary(model, { batchSize }).trainingBytes / 2 ** 20;
      expect([name, batchSize, Math.abs(megabytes / measured - 1) < 0.2]).toEqual([name, batchSize, true]);
      model.dispose();
    }
  });

  test("tells the head from the backbone, and frozen weights from others", () => {
    const model = createLandmarkModel({
      backbone: "mobilenet_v2_035",
      landmarkCount: 5,
      imageSize: 64,
      head: "integral",
    });
    const before = summary(model, { batchSize: 8 });
    expect(before.stages.map(({ name }) => name).at(-1)).toBe("head");
    expect(before.stages.reduce((sum, stage) => sum + stage.parameterCount, 0)).toBe(model.countParams());
    for (const layer of model.layers) if (!layer.name.startsWith("head_")) layer.trainable = false;
    const after = summary(model, { batchSize: 8 });
    expect(after.trainableParameterCount).toBe(before.stages.at(-1)!.trainableParameterCount);
    expect(after.trainingBytes).toBeLessThan(before.trainingBytes);
    expect(before.inferenceBytes).toBeLessThan(before.trainingBytes);
    model.dispose();
  });

  test("refuses what is no model, and batches that are none", () => {
    expect(() => summary({} as never)).toThrow(InvalidArgumentError);
    const model = tiny();
    expect(() => summary(model, { batchSize: 0 })).toThrow("summary: batchSize must be an integer >= 1; got 0.");
    expect(() => summary(model, { batch: 1 } as never)).toThrow(/unknown option "batch"/);
    model.dispose();
  });
});
