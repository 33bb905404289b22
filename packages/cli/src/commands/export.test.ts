import "@tensorflow/tfjs-backend-cpu";
import "@tensorflow/tfjs-backend-wasm";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { loadKerasWeights } from "@acr/backbones";
import { loadModel, saveModel, train } from "@acr/trainer";
import * as tf from "@tensorflow/tfjs-core";
import type { LayersModel } from "@tensorflow/tfjs-layers";
import * as ort from "onnxruntime-web";
import { main } from "../main.js";

const SIDE = 32;
let root: string;
let run: string;
let model: LayersModel;
const written: string[] = [];
const problems: string[] = [];

/** The exit code of `acr export`, its output kept. */
async function acrExport(...args: string[]): Promise<number> {
  written.length = problems.length = 0;
  const out = jest.spyOn(process.stdout, "write").mockImplementation((text) => written.push(String(text)) > 0);
  const err = jest.spyOn(process.stderr, "write").mockImplementation((text) => problems.push(String(text)) > 0);
  try {
    return await main(["export", "--run", run, ...args]);
  } finally {
    out.mockRestore();
    err.mockRestore();
  }
}
const images = () => tf.randomUniform<tf.Rank.R4>([2, SIDE, SIDE, 3], 0, 255, "float32", 3);
const predict = (network: LayersModel) =>
  tf.tidy(() => Float32Array.from((network.predict(images()) as tf.Tensor).dataSync()));
const distance = (a: ArrayLike<number>, b: ArrayLike<number>) => {
  expect(a.length).toBe(b.length);
  return Array.from(a).reduce((most, value, i) => Math.max(most, Math.abs(value - b[i]!)), 0);
};

beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), "acr-export-"));
  run = join(root, "run");
  const recipe = {
    backbone: "mobilenet_v2_035",
    imageSize: SIDE,
    epochs: 1,
    batchSize: 8,
    synthetic: { trainCount: 16, valCount: 4 },
    logs: { tensorboard: false, samplesEvery: 0, histogramsEvery: 0 },
    backend: "wasm",
    threads: 1,
  };
  for await (const event of train({ recipe, folder: run })) void event;
  model = await loadModel(join(run, "model"));
  // One epoch leaves kernels of the head near 0, where all outputs are alike.
  const [kernel, bias] = model.getLayer("head_dense").getWeights();
  model.getLayer("head_dense").setWeights([tf.randomNormal(kernel!.shape, 0, 0.05, "float32", 4), bias!]);
  await saveModel(model, join(run, "model"));
  ort.env.wasm.numThreads = 1;
}, 120_000);
afterAll(() => {
  model?.dispose();
  rmSync(root, { recursive: true, force: true });
});

describe("acr export", () => {
  it("tfjs: whole, float16 and uint8 load in plain tfjs, smaller and nearly equal", async () => {
    const sizes: number[] = [];
    for (const [flags, bound] of [
      [[], 1e-6],
      [["--quantize", "float16"], 2e-3],
      [["--quantize", "uint8"], 0.2],
    ] as const) {
      const out = join(root, `tfjs-${flags.join("")}`);
      expect(await acrExport("--format", "tfjs", "--out", out, ...flags)).toBe(0);
      expect(readdirSync(out).sort()).toEqual(["landmarks.json", "model.json", "weights.bin"]);
      const loaded = await loadModel(out);
      expect(distance(predict(loaded), predict(model))).toBeLessThan(bound);
      sizes.push(readFileSync(join(out, "weights.bin")).length);
      loaded.dispose();
    }
    expect(sizes[1]! / sizes[0]!).toBeLessThan(0.51);
    expect(sizes[2]! / sizes[0]!).toBeLessThan(0.33);
  });

  it("keras: both files hold every weight", async () => {
    const out = join(root, "keras");
    expect(await acrExport("--format", "keras", "--out", out, "--json")).toBe(0);
    expect(JSON.parse(written.join(""))).toMatchObject({
      format: "keras",
      files: ["model.keras", "model.weights.h5", "landmarks.json"],
    });
    const other = await loadModel(join(run, "model"));
    const expected = predict(model);
    for (const name of ["model.keras", "model.weights.h5"]) {
      tf.tidy(() => other.setWeights(other.getWeights().map((weight) => tf.zerosLike(weight))));
      expect(distance(predict(other), expected)).toBeGreaterThan(1e-3);
      await loadKerasWeights(other, join(out, name));
      expect(distance(predict(other), expected)).toBeLessThan(1e-5);
    }
    other.dispose();
  });

  it.each([
    [[], false],
    [["--layout", "nchw", "--fold-batch-norm"], true],
  ] as const)("onnx %j: onnxruntime predicts the same to 1e-4", async (flags, isChannelsFirst) => {
    const out = join(root, `onnx-${isChannelsFirst}`);
    mkdirSync(out);
    expect(await acrExport("--format", "onnx", "--out", `${out}/`, ...flags)).toBe(0);
    const session = await ort.InferenceSession.create(readFileSync(join(out, "model.onnx")));
    const [fed, shape] = tf.tidy(() => {
      const x = isChannelsFirst ? tf.transpose(images(), [0, 3, 1, 2]) : images();
      return [Float32Array.from(x.dataSync()), x.shape];
    });
    const outputs = await session.run({ [session.inputNames[0]!]: new ort.Tensor("float32", fed, shape) });
    expect(distance(outputs[session.outputNames[0]!]!.data as Float32Array, predict(model))).toBeLessThan(1e-4);
    expect(JSON.parse(readFileSync(join(out, "landmarks.json"), "utf8")).input.layout).toBe(
      isChannelsFirst ? "nchw" : "nhwc",
    );
    await session.release();
  });

  it("refuses folders that are used, flags of other formats and runs that are none, and leaves nothing behind", async () => {
    const used = join(root, "used");
    mkdirSync(used);
    writeFileSync(join(used, "a"), "");
    const before = readdirSync(root).sort();
    for (const [args, message] of [
      [["--format", "tfjs", "--out", used], /--out ".*used" is not empty/],
      [["--format", "tfjs", "--out", join(used, "a")], /is no folder; expected a new or empty one/],
      [
        ["--format", "keras", "--out", join(root, "x"), "--layout", "nchw"],
        /--layout and --fold-batch-norm are for --format onnx; got --format keras/,
      ],
      [
        ["--format", "onnx", "--out", join(root, "x"), "--quantize", "uint8"],
        /--quantize is for --format tfjs; got --format onnx/,
      ],
      [["--format", "tfjs", "--out", join(root, "x"), "--quantize", "int4"], /--quantize.*int4.*float16, uint8/s],
      [["--format", "tflite", "--out", join(root, "x")], /--format.*tflite.*tfjs, keras, onnx/s],
    ] as const) {
      expect([args, await acrExport(...args)]).toEqual([args, 2]);
      expect(problems.join("")).toMatch(message);
    }
    // What lies below a file cannot be made, whoever runs this.
    expect(await acrExport("--format", "tfjs", "--out", join(used, "a", "b", "c"))).toBe(2);
    expect(readdirSync(root).sort()).toEqual(before);
    expect(existsSync(join(root, "x"))).toBe(false);
  });
});
