import "@tensorflow/tfjs-backend-cpu";
import "@tensorflow/tfjs-backend-wasm";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as tf from "@tensorflow/tfjs-core";
import { input, layers, model as makeModel, type SymbolicTensor, sequential } from "@tensorflow/tfjs-layers";
import { strFromU8, unzipSync } from "fflate";
import { createLandmarkModel, loadKerasWeights, saveKerasModel } from "./index.js";

let folder: string;
beforeAll(async () => {
  await tf.setBackend("wasm");
  folder = mkdtempSync(join(tmpdir(), "acr-keras-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

describe("saveKerasModel(model, file)", () => {
  test("writes a zip whose weights load, with Keras' classes and one entry a layer", async () => {
    const make = (seed: number) =>
      createLandmarkModel({ backbone: "efficientnet_b0", landmarkCount: 3, imageSize: 64, head: "integral", seed });
    const [model, other] = [make(1), make(2)];
    const bytes = await saveKerasModel(model, join(folder, "m.keras"));
    const { kind } = await loadKerasWeights(other, bytes);
    expect(kind).toBe("keras");
    const config = JSON.parse(strFromU8(unzipSync(bytes)["config.json"]!));
    expect(config.config.layers).toHaveLength(model.layers.length);
    expect(config.config.input_layers).toEqual(["image", 0, 0]);
    expect(config.config.output_layers).toEqual(["landmarks", 0, 0]);
    const byName = new Map(config.config.layers.map((layer: { name: string }) => [layer.name, layer]));
    expect(byName.get("normalization")).toMatchObject({ class_name: "Normalization" });
    expect(byName.get("head_up_3")).toMatchObject({ config: { size: [2, 2], interpolation: "nearest" } });
    expect(byName.get("stem_activation")).toMatchObject({ config: { activation: "silu" } });
    model.dispose();
    other.dispose();
  });

  test("writes a Sequential as the functional model it stands for, with its input among the layers", async () => {
    const net = sequential({ layers: [layers.dense({ units: 1, inputShape: [2], name: "only" })] });
    const { config } = JSON.parse(strFromU8(unzipSync(await saveKerasModel(net))["config.json"]!));
    expect(config.layers.map(({ name }: { name: string }) => name)).toEqual(["only_input", "only"]);
    expect(config.input_layers).toEqual(["only_input", 0, 0]);
    net.dispose();
    await expect(saveKerasModel(sequential())).rejects.toThrow("saveKerasModel: model has no layers.");
  });

  test("dilates a Conv2D and, as tfjs' own layer, no DepthwiseConv2D", async () => {
    const dilated = { kernelSize: 3, dilationRate: 2 };
    const images = input({ shape: [9, 9, 3] });
    const map = layers.conv2d({ ...dilated, filters: 4 }).apply(images);
    const model = makeModel({ inputs: images, outputs: layers.depthwiseConv2d(dilated).apply(map) as SymbolicTensor });
    const config = JSON.parse(strFromU8(unzipSync(await saveKerasModel(model))["config.json"]!));
    const rates = config.config.layers.map(
      (layer: { config: { dilation_rate?: number[] } }) => layer.config.dilation_rate,
    );
    expect(rates).toEqual([undefined, [2, 2], undefined]);
    model.dispose();
  });

  test("names a layer or activation that Keras has otherwise, and other endings", async () => {
    const only = (layer: layers.Layer) => sequential({ layers: [layer] });
    for (const [model, message] of [
      [
        only(layers.lstm({ units: 1, recurrentInitializer: "zeros", inputShape: [2, 1], name: "memory" })),
        /layer memory is a LSTM; expected one of Conv2D/,
      ],
      [
        only(layers.dense({ units: 1, inputShape: [2], activation: "hardSigmoid", name: "gate" })),
        /gate has the activation hardSigmoid/,
      ],
    ] as const) {
      await expect(saveKerasModel(model)).rejects.toThrow(message);
      model.dispose();
    }
    const model = only(layers.dense({ units: 1, inputShape: [2] }));
    await expect(saveKerasModel(model, "a.h5")).rejects.toThrow(/ends in \.keras; got "a\.h5"/);
    model.dispose();
  });
});
