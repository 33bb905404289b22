import "@tensorflow/tfjs-backend-cpu";
import "@tensorflow/tfjs-backend-wasm";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DataFormatError, InvalidArgumentError } from "@acr/core";
import { expectNoTensorLeak } from "@acr/testing";
import * as tf from "@tensorflow/tfjs-core";
import { type LayersModel, layers, sequential } from "@tensorflow/tfjs-layers";
import { createBackbone, loadKerasWeights, saveKerasWeights } from "./index.js";

const bytesOf = ({ buffer, byteOffset, byteLength }: ArrayBufferView) => new Uint8Array(buffer, byteOffset, byteLength);
const weightsOf = (model: LayersModel) => model.getWeights().map((weight) => weight.dataSync().slice());
let folder: string;
beforeAll(async () => {
  await tf.setBackend("wasm");
  folder = mkdtempSync(join(tmpdir(), "acr-keras-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

describe("saveKerasWeights(model, file)", () => {
  test.each(["mobilenet_v2_035", "mobilenet_v3_small"])(
    "%s: what it writes, loadKerasWeights reads into another model",
    async (name) => {
      const model = createBackbone(name, { inputSize: 32, seed: 1 });
      const other = createBackbone(name, { inputSize: 32, seed: 2 });
      const file = join(folder, `${name}.weights.h5`);
      const bytes = await saveKerasWeights(model, file);
      expect(Buffer.compare(readFileSync(file), bytes)).toBe(0);
      const { kind, missing, unused } = await loadKerasWeights(other, file);
      expect({ kind, missing, unused }).toEqual({ kind: "keras3-weights", missing: [], unused: [] });
      const [expected, actual] = [weightsOf(model), weightsOf(other)];
      // Not toEqual: jest compares millions of numbers for a minute.
      for (const [i, values] of actual.entries())
        expect(Buffer.compare(bytesOf(values), bytesOf(expected[i]!))).toBe(0);
      model.dispose();
      other.dispose();
    },
  );

  test("writes EfficientNet's normalisation as Keras' own and reads it back", async () => {
    const make = () =>
      sequential({
        layers: [layers.depthwiseConv2d({ inputShape: [2, 2, 3], kernelSize: 1, name: "normalization" })],
      });
    const [model, other] = [make(), make()];
    model.setWeights([tf.tensor4d([4, 2, 0.5], [1, 1, 3, 1]), tf.tensor1d([-2, 0.3, 1])]);
    await loadKerasWeights(other, await saveKerasWeights(model));
    const expected = weightsOf(model).flatMap((values) => Array.from(values));
    const actual = weightsOf(other).flatMap((values) => Array.from(values));
    for (const [i, value] of actual.entries()) expect(value).toBeCloseTo(expected[i]!, 5);
    model.dispose();
    other.dispose();
  });

  test("refuses weights that are not finite, other models and other endings, and writes nothing", async () => {
    const model = sequential({ layers: [layers.dense({ units: 1, inputShape: [1], name: "only" })] });
    const file = join(folder, "refused.weights.h5");
    await expect(saveKerasWeights(model, join(folder, "refused.h5"))).rejects.toThrow(
      /must be a path that ends in \.weights\.h5/,
    );
    await expect(saveKerasWeights({} as LayersModel)).rejects.toThrow("model must be a tfjs LayersModel");
    writeFileSync(join(folder, "file"), "");
    for (const [place, code] of Object.entries({ absent: "ENOENT", file: "ENOTDIR" })) {
      const run = saveKerasWeights(model, join(folder, place, "a.weights.h5"));
      await expect(run).rejects.toThrow(DataFormatError);
      await expect(run).rejects.toThrow(`a.weights.h5: cannot be written (${code}).`);
    }
    model.setWeights([tf.tensor2d([[Number.NaN]]), tf.tensor1d([0])]);
    await expect(saveKerasWeights(model, file)).rejects.toThrow(InvalidArgumentError);
    await expect(saveKerasWeights(model, file)).rejects.toThrow(
      /weights must be finite; got others in .*kernel.* of only/,
    );
    expect(existsSync(file)).toBe(false);
    expect(readdirSync(folder).filter((name) => name.includes("partial"))).toEqual([]);
    model.dispose();
  });

  test("leaks no tensor", async () => {
    const model = createBackbone("mobilenet_v2_035", { inputSize: 32 });
    await expectNoTensorLeak(() => saveKerasWeights(model));
    model.dispose();
  });
});
