import "@tensorflow/tfjs-backend-cpu";
import { readFileSync } from "node:fs";
import { goldenFolder } from "@acr/testing";
import * as tf from "@tensorflow/tfjs-core";
import { io } from "@tensorflow/tfjs-core";
import * as tfl from "@tensorflow/tfjs-layers";
import { createBackbone, createLandmarkModel, listBackbones } from "./index.js";

const folder = goldenFolder("keras");

beforeAll(() => tf.setBackend("cpu"));

(folder ? describe : describe.skip)("createBackbone(name) against Keras Applications", () => {
  const counts = folder ? JSON.parse(readFileSync(`${folder}/parameter-counts.json`, "utf8")) : {};

  it.each(listBackbones("mobilenet_v2_*"))("has the parameter count of %s", (name) => {
    const width = Number(name.slice(-3)) / 100;
    const model = createBackbone(name, { inputSize: 64, pooling: "avg" });
    const expected = counts.models.find((entry: { model: string; alpha: number }) => entry.model === "MobileNetV2" && entry.alpha === width);
    expect(model.countParams()).toBe(expected.withoutTop.total);
    expect(model.layers).toHaveLength(expected.withoutTop.layers);
    model.dispose();
  });
});

describe("createLandmarkModel(options)", () => {
  const options = { backbone: "mobilenet_v2_035", landmarkCount: 5, imageSize: 32, seed: 3 };
  const meanShape = Array.from({ length: 10 }, (_, i) => i / 20 - 0.25);

  it("predicts the mean shape before training, as [B, K, 2]", () => {
    const model = createLandmarkModel({ ...options, meanShape });
    const y = model.predict(tf.randomUniform([2, 32, 32, 3], 0, 255, "float32", 1)) as tf.Tensor;
    expect(y.shape).toEqual([2, 5, 2]);
    [...y.dataSync()].forEach((value, i) => expect(value).toBeCloseTo(meanShape[i % 10]!, 6));
    model.dispose();
  });

  it("has the same weights for the same seed, others for another, and loads in plain tfjs", async () => {
    const models = [createLandmarkModel(options), createLandmarkModel(options), createLandmarkModel({ ...options, seed: 4 })];
    const first = models.map((model) => [...model.getWeights()[0]!.dataSync()]);
    expect(first[0]).toEqual(first[1]);
    expect(first[0]).not.toEqual(first[2]);
    let saved: io.ModelArtifacts | undefined;
    await models[0]!.save(io.withSaveHandler(async (artifacts) => {
      saved = artifacts;
      return { modelArtifactsInfo: { dateSaved: new Date(0), modelTopologyType: "JSON" } };
    }));
    const loaded = await tfl.loadLayersModel(io.fromMemory(saved!));
    const x = tf.randomUniform([1, 32, 32, 3], 0, 255, "float32", 1);
    expect([...(loaded.predict(x) as tf.Tensor).dataSync()]).toEqual([...(models[0]!.predict(x) as tf.Tensor).dataSync()]);
  });

  it.each([
    [() => createBackbone("mobilenet_v2_051"), "unknown backbone \"mobilenet_v2_051\"; did you mean mobilenet_v2_050"],
    [() => createBackbone("mobilenet_v2_050", { inputSize: 8 }), "inputSize must be an integer >= 32; got 8"],
    [() => createLandmarkModel({ ...options, dropout: 1 }), "dropout must be in [0, 1); got 1"],
    [() => createLandmarkModel({ ...options, meanShape: [1] }), "meanShape must hold 10 numbers; got 1"],
    [() => createLandmarkModel({ ...options, landmarks: 5 } as never), 'unknown option "landmarks". Did you mean landmarkCount?'],
  ])("throws a clear error (%#)", (run, message) => {
    expect(run).toThrow(message);
  });
});
