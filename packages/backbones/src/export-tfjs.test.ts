import "@tensorflow/tfjs-backend-cpu";
import "@tensorflow/tfjs-backend-wasm";
import { InvalidArgumentError } from "@acr/core";
import { expectNoTensorLeak } from "@acr/testing";
import * as tf from "@tensorflow/tfjs-core";
import { type LayersModel, layers, loadLayersModel, sequential } from "@tensorflow/tfjs-layers";
import { createLandmarkModel, exportTfjs, type TfjsFiles } from "./index.js";
import { toHalves } from "./internal/to-halves.js";

/** Loads the two files as plain tfjs does. */
function load(files: TfjsFiles): Promise<LayersModel> {
  const { modelTopology, weightsManifest } = JSON.parse(new TextDecoder().decode(files["model.json"]));
  const weightSpecs = weightsManifest.flatMap((group: { weights: [] }) => group.weights);
  return loadLayersModel({
    load: async () => ({ modelTopology, weightSpecs, weightData: files["weights.bin"].slice().buffer as ArrayBuffer }),
  });
}
const valuesOf = (model: LayersModel) =>
  new Map(model.weights.map((weight) => [weight.originalName, Float32Array.from(weight.read().dataSync())]));

beforeAll(() => tf.setBackend("wasm"));

describe("exportTfjs(model, options)", () => {
  const create = () =>
    createLandmarkModel({ backbone: "mobilenet_v2_035", landmarkCount: 5, imageSize: 64, head: "simcc", seed: 1 });

  test.each([
    ["none", 1, 1, 0],
    ["float16", 0.49, 0.52, 2 ** -11],
    ["uint8", 0.24, 0.35, 2 ** -11],
  ] as const)("%s: plain tfjs loads it, no weight further off than a step", async (quantize, least, most, relative) => {
    const model = create();
    const files = await exportTfjs(model, { quantize });
    const share = files["weights.bin"].length / (4 * model.countParams());
    expect(share).toBeGreaterThanOrEqual(least);
    expect(share).toBeLessThanOrEqual(most);
    const loaded = await load(files);
    const [expected, actual] = [valuesOf(model), valuesOf(loaded)];
    for (const [name, values] of expected) {
      const found = actual.get(name)!;
      const low = values.reduce((a, b) => Math.min(a, b));
      const high = values.reduce((a, b) => Math.max(a, b));
      const isKernel = /kernel$/.test(name) && !/depthwise/.test(name) && values.length >= 1024;
      const isConstant = /^head_[xy]\//.test(name);
      for (const [i, value] of values.entries()) {
        const bound = isConstant
          ? 0
          : quantize === "uint8" && isKernel
            ? (0.501 * (high - low)) / 255
            : Math.max(relative * Math.abs(value), relative && 2 ** -25);
        if (!(Math.abs(found[i]! - value) <= bound + 1e-9)) throw new Error(`${name}[${i}]: ${found[i]} for ${value}`);
      }
    }
    loaded.dispose();
    model.dispose();
  });

  test("keeps what float16 cannot hold, constant kernels, and the name of what is not finite", async () => {
    const model = sequential({ layers: [layers.dense({ units: 64, inputShape: [32], name: "only" })] });
    model.getLayer("only").setWeights([tf.fill([32, 64], 0.3), tf.fill([64], 1e6)]);
    const loaded = await load(await exportTfjs(model, { quantize: "uint8" }));
    const [kernel, bias] = loaded.getWeights().map((weight) => weight.dataSync()[5]!);
    expect(kernel).toBeCloseTo(0.3, 6);
    expect(bias).toBe(1e6);
    model.getLayer("only").setWeights([tf.fill([32, 64], Number.NaN), tf.fill([64], 0)]);
    await expect(exportTfjs(model)).rejects.toThrow(/weights must be finite; got NaN in only\/kernel/);
    await expect(exportTfjs(model, { quantize: "int4" as never })).rejects.toThrow(InvalidArgumentError);
    await expect(exportTfjs({} as never)).rejects.toThrow(/model must be a tfjs LayersModel/);
    loaded.dispose();
    model.dispose();
  });

  test("leaks no tensor", async () => {
    const model = create();
    await expectNoTensorLeak(async () => void (await exportTfjs(model, { quantize: "uint8" })));
    model.dispose();
  });
});

test("toHalves(values) rounds to the nearest, ties to even", () => {
  const cases: [number, number][] = [
    [0, 0],
    [1, 0x3c00],
    [-2, 0xc000],
    [65504, 0x7bff],
    [65520, 0x7c00],
    [Number.POSITIVE_INFINITY, 0x7c00],
    // Half a step above 1: to the even one; a step and a half: up to the even one.
    [1 + 2 ** -11, 0x3c00],
    [1 + 3 * 2 ** -11, 0x3c02],
    [1 + 2 ** -11 + 2 ** -20, 0x3c01],
    [2 ** -14, 0x0400],
    [2 ** -24, 1],
    [2 ** -25, 0],
    [3 * 2 ** -25, 2],
    [2 ** -14 - 2 ** -25, 0x0400],
  ];
  expect(Array.from(toHalves(Float32Array.from(cases, ([value]) => value)))).toEqual(cases.map(([, half]) => half));
});
