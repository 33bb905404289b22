import "@tensorflow/tfjs-backend-cpu";
import "@tensorflow/tfjs-backend-wasm";
import { readFileSync } from "node:fs";
import { DataFormatError, InvalidArgumentError, ShapeError } from "@acr/core";
import { expectNoTensorLeak, goldenFolder, tolerance } from "@acr/testing";
import * as tf from "@tensorflow/tfjs-core";
import { type LayersModel, layers, sequential } from "@tensorflow/tfjs-layers";
import { zipSync } from "fflate";
import { createBackbone, createLandmarkModel, loadKerasWeights } from "./index.js";

const golden = goldenFolder("keras");
const describeGolden = golden ? describe : describe.skip;
const bytes = (file: string) => new Uint8Array(readFileSync(`${golden}/${file}`));
const floats = (file: string) => new Float32Array(bytes(file).buffer);
const mobilenet = () => createBackbone("mobilenet_v2_035", { inputSize: 96, pooling: "avg", seed: 3 });
const largestError = (actual: Float32Array, expected: Float32Array) => {
  const scale = expected.reduce((a, b) => Math.max(a, Math.abs(b)), 0);
  return actual.reduce((worst, value, i) => Math.max(worst, Math.abs(value - expected[i]!) / scale), 0);
};

function expectKerasFeatures(model: LayersModel, folder: string, side: number) {
  const features = tf.tidy(() =>
    (model.predict(tf.tensor4d(floats(`${folder}/inputs.f32`), [2, side, side, 3])) as tf.Tensor).dataSync(),
  );
  const expected = floats(`${folder}/features.f32`);
  expect(features).toHaveLength(expected.length);
  expect(largestError(features as Float32Array, expected)).toBeLessThan(tolerance.float32);
}

beforeAll(() => tf.setBackend("wasm"));

describeGolden("loadKerasWeights(model, file)", () => {
  test.each([
    ["model.weights.h5", "keras3-weights"],
    ["model.keras", "keras"],
    ["model.h5", "legacy-model"],
    ["weights-legacy.h5", "legacy-weights"],
    ["weights-published.h5", "legacy-weights"],
  ])("MobileNetV2 from %s predicts what Keras does", async (file, kind) => {
    const model = mobilenet();
    const report = await loadKerasWeights(model, `${golden}/mobilenet_v2_035/${file}`);
    expect({ ...report, loaded: report.loaded.length }).toEqual({
      kind,
      loaded: 104,
      missing: [],
      unused: [],
    });
    expect(report.loaded.every(({ by }) => by === "name")).toBe(true);
    expectKerasFeatures(model, "mobilenet_v2_035", 96);
    model.dispose();
  });

  test.each(["model.weights.h5", "weights-published.h5"])(
    "EfficientNet-B0 from %s predicts what Keras does",
    async (file) => {
      const model = createBackbone("efficientnet_b0", { inputSize: 64, pooling: "avg" });
      await loadKerasWeights(model, bytes(`efficientnet_b0/${file}`));
      expectKerasFeatures(model, "efficientnet_b0", 64);
      model.dispose();
    },
  );

  test("starts a landmark model from a file without its head when strict is false", async () => {
    const model = createLandmarkModel({ backbone: "mobilenet_v2_035", landmarkCount: 5, imageSize: 96 });
    await expect(loadKerasWeights(model, bytes("mobilenet_v2_035/model.weights.h5"))).rejects.toThrow(
      /1 layers without weights \(head_dense\).*strict: false/,
    );
    const report = await loadKerasWeights(model, bytes("mobilenet_v2_035/model.weights.h5"), {
      strict: false,
    });
    expect(report.missing).toEqual(["head_dense"]);
    model.dispose();
  });

  test("refuses other widths with the first tensor, expected and got, and changes nothing", async () => {
    const model = createBackbone("mobilenet_v2_050", { inputSize: 96 });
    const bytesOf = () =>
      Buffer.concat(model.getWeights().map((weight) => new Uint8Array(weight.dataSync().slice().buffer)));
    const before = bytesOf();
    const run = loadKerasWeights(model, bytes("mobilenet_v2_035/model.h5"), { fileName: "a.h5" });
    await expect(run).rejects.toThrow(ShapeError);
    await expect(run).rejects.toThrow(
      "loadKerasWeights: a.h5: block_1_project/kernel must be [1,1,48,16]; got [1,1,48,8].",
    );
    expect(bytesOf().equals(before)).toBe(true);
    model.dispose();
  });

  test("refuses a truncated file, a truncated zip and a file of another kind", async () => {
    const model = mobilenet();
    const h5 = bytes("mobilenet_v2_035/model.weights.h5");
    const zip = bytes("mobilenet_v2_035/model.keras");
    const rejects = (file: Uint8Array, message: RegExp) =>
      expect(loadKerasWeights(model, file, { fileName: "w" })).rejects.toThrow(message);
    await rejects(h5.subarray(0, h5.length / 2), /^w: is damaged or truncated/);
    await rejects(zip.subarray(0, zip.length / 2), /^w: is a damaged or truncated zip/);
    await rejects(Uint8Array.of(1, 2, 3), /^w: is no Keras file/);
    await expect(loadKerasWeights(model, "absent.h5")).rejects.toThrow(DataFormatError);
    await expect(loadKerasWeights(model, 7 as never)).rejects.toThrow(InvalidArgumentError);
    model.dispose();
  });

  test("refuses zips with paths that climb out, or without weights", async () => {
    const model = mobilenet();
    const rejects = (entries: Record<string, Uint8Array>, message: RegExp) =>
      expect(loadKerasWeights(model, zipSync(entries))).rejects.toThrow(message);
    await rejects({ "../model.weights.h5": Uint8Array.of(1) }, /forbidden path "\.\.\/model\.weights\.h5"/);
    await rejects({ "config.json": Uint8Array.of(1) }, /zip without model\.weights\.h5/);
    model.dispose();
  });

  test("refuses a model with no layer in common", async () => {
    const model = sequential({ layers: [layers.dense({ units: 2, inputShape: [3], name: "only" })] });
    await expect(loadKerasWeights(model, bytes("mobilenet_v2_035/model.h5"))).rejects.toThrow(/no layer in common/);
    model.dispose();
  });

  test("leaks no tensor, whether it loads or refuses", async () => {
    const model = mobilenet();
    const other = createBackbone("mobilenet_v2_140", { inputSize: 96 });
    await expectNoTensorLeak(() => loadKerasWeights(model, bytes("mobilenet_v2_035/model.h5")));
    await expectNoTensorLeak(() => loadKerasWeights(other, bytes("mobilenet_v2_035/model.h5")).catch(() => undefined));
    model.dispose();
    other.dispose();
  });
});
