import "@tensorflow/tfjs-backend-cpu";
import "@tensorflow/tfjs-backend-wasm";
import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { AcrError, DataFormatError, InvalidArgumentError, ShapeError } from "@acr/core";
import { expectNoTensorLeak } from "@acr/testing";
import * as tf from "@tensorflow/tfjs-core";
import { type LayersModel, layers, sequential } from "@tensorflow/tfjs-layers";
import { createBackbone, createLandmarkModel, inspectWeights, loadKerasWeights, loadWeights } from "./index.js";

/** Names and shapes that timm 1.0 and torchvision 0.28 give: benchmarks/backbones/torch_models.py, which also compares outputs. */
const { models } = JSON.parse(
  gunzipSync(readFileSync(new URL("./__fixtures__/torch-state-dicts.json.gz", import.meta.url))).toString(),
) as { models: { library: string; model: string; backbone: string; arrays: [string, number[]][] }[] };
const product = (shape: number[]) => shape.reduce((a, b) => a * b, 1);

interface Entry {
  name: string;
  shape: number[];
  values?: Float32Array;
  dtype?: string;
}

/** A safetensors file, by the format's description. Arrays without values are filled with 0.75. */
function safetensors(entries: Entry[], { gap = 0, tail = 0 } = {}): Uint8Array {
  const header: Record<string, unknown> = { __metadata__: { format: "pt" } };
  const parts: Uint8Array[] = [];
  let at = 0;
  for (const { name, shape, values, dtype = "F32" } of entries) {
    const numbers = values ?? new Float32Array(product(shape)).fill(0.75);
    const bytes = new Uint8Array(dtype === "I64" ? 8 * product(shape) : numbers.byteLength);
    if (dtype !== "I64") bytes.set(new Uint8Array(numbers.buffer, numbers.byteOffset, numbers.byteLength));
    header[name] = { dtype, shape, data_offsets: [at, at + bytes.length] };
    parts.push(bytes);
    at += bytes.length + gap;
  }
  return withHeader(JSON.stringify(header), parts, gap, tail);
}
function withHeader(header: string, parts: Uint8Array[] = [], gap = 0, tail = 0): Uint8Array {
  const text = new TextEncoder().encode(header);
  const length = parts.reduce((sum, part) => sum + part.length + gap, 0);
  const file = new Uint8Array(8 + text.length + length + tail);
  new DataView(file.buffer).setBigUint64(0, BigInt(text.length), true);
  file.set(text, 8);
  let at = 8 + text.length;
  for (const part of parts) {
    file.set(part, at);
    at += part.length + gap;
  }
  return file;
}
const entriesOf = (name: string): Entry[] =>
  models
    .find(({ library, model }) => `${library}.${model}` === name)!
    .arrays.map(([key, shape]) => ({ name: key, shape, dtype: shape.length === 0 ? "I64" : "F32" }));
/** Enough of all weights to see any change; jest compares millions of numbers for a minute. */
const weightsOf = (model: LayersModel) =>
  model.getWeights().map((weight) => {
    let sum = 0;
    for (const [i, value] of weight.dataSync().entries()) sum = (sum * 31 + value * (i + 1)) % 1e9;
    return sum;
  });

beforeAll(() => tf.setBackend("cpu"));

describe("loadWeights(model, safetensors)", () => {
  test.each(models.map(({ library, model, backbone }) => [`${library}.${model}`, backbone]))(
    "%s fills every layer of %s, and nothing but its classifier is left",
    async (name, backbone) => {
      const model = createBackbone(backbone, { inputSize: 32 });
      const file = safetensors(entriesOf(name));
      const { kind, loaded, missing, unused } = await loadWeights(model, file);
      const weighted = model.layers.filter(
        ({ weights, name: layer }) => weights.length > 0 && layer !== "normalization",
      );
      expect({ kind, count: loaded.length }).toEqual({ kind: "safetensors", count: weighted.length });
      expect(missing.filter((layer) => layer !== "normalization")).toEqual([]);
      expect(unused.filter((array) => !/^(classifier|fc|conv_head)\./.test(array))).toEqual([]);
      expect((await inspectWeights(file)).backbones).toEqual([backbone]);
      model.dispose();
    },
  );

  test("turns [out, in, H, W] to [H, W, in, out], and depthwise [channels, 1, H, W] to [H, W, channels, 1]", async () => {
    const entries = entriesOf("timm.mobilenetv2_035");
    const numbered = entries.map((entry) => ({
      ...entry,
      ...(entry.dtype !== "I64" && { values: Float32Array.from({ length: product(entry.shape) }, (_, i) => i) }),
    }));
    const model = createBackbone("mobilenet_v2_035", { inputSize: 32 });
    await loadWeights(model, safetensors(numbered));
    const kernel = model.getLayer("Conv1").getWeights()[0]!;
    const [height, width, inner, outer] = kernel.shape as [number, number, number, number];
    const values = kernel.dataSync();
    for (let h = 0; h < height; h++)
      for (let w = 0; w < width; w++)
        for (let i = 0; i < inner; i++)
          for (let o = 0; o < outer; o++)
            expect(values[((h * width + w) * inner + i) * outer + o]).toBe(((o * inner + i) * height + h) * width + w);
    const depthwise = model.getLayer("block_1_depthwise").getWeights()[0]!;
    const channels = depthwise.shape[2]!;
    for (const [at, value] of depthwise.dataSync().entries())
      expect(value).toBe((at % channels) * 9 + Math.floor(at / channels));
    model.dispose();
  });

  test("reads F16, BF16 and F64", async () => {
    const entries = entriesOf("timm.mobilenetv3_small_100");
    const at = entries.findIndex(({ name }) => name === "bn1.bias");
    const values = [1, -2, 0.5, 65504, 2 ** -24, 0, -0.333251953125, 3];
    const fill = (bits: number[]) => Uint16Array.from({ length: 16 }, (_, i) => bits[i % 8]!);
    const half = fill([0x3c00, 0xc000, 0x3800, 0x7bff, 0x0001, 0, 0xb555, 0x4200]);
    const brain = fill([0x3f80, 0xc000, 0x3f00, 0x4780, 0x3380, 0, 0xbeab, 0x4040]);
    const double = Float64Array.from({ length: 16 }, (_, i) => values[i % 8]!);
    for (const [dtype, array, expected] of [
      ["F16", half, values],
      ["BF16", brain, [1, -2, 0.5, 65536, 2 ** -24, 0, -0.333984375, 3]],
      ["F64", double, values],
    ] as const) {
      const model = createBackbone("mobilenet_v3_small", { inputSize: 32 });
      const bytes = new Uint8Array(array.buffer);
      const changed = entries.map((entry, i) => (i === at ? { ...entry, dtype, values: bytes as never } : entry));
      await loadWeights(model, safetensors(changed));
      const found = Array.from(model.getLayer("conv_bn").getWeights()[1]!.dataSync().slice(0, 8));
      for (const [i, value] of found.entries()) expect(value).toBeCloseTo(expected[i]!, 6);
      model.dispose();
    }
  });

  test("takes names behind a common prefix", async () => {
    const model = createBackbone("mobilenet_v3_small", { inputSize: 32 });
    const entries = entriesOf("torchvision.mobilenet_v3_small").map((entry) => ({
      ...entry,
      name: `net.backbone.${entry.name}`,
    }));
    expect((await loadWeights(model, safetensors(entries))).missing).toEqual([]);
    model.dispose();
  });

  async function expectRefusal(
    entries: Entry[],
    message: RegExp | string,
    error: object,
    backbone = "mobilenet_v3_small",
  ) {
    const model = createBackbone(backbone, { inputSize: 32 });
    const before = weightsOf(model);
    await expectNoTensorLeak(async () => {
      const run = loadWeights(model, safetensors(entries), { fileName: "a" });
      await expect(run).rejects.toThrow(error as never);
      await expect(run).rejects.toThrow(message);
    });
    expect(weightsOf(model)).toEqual(before);
    model.dispose();
  }
  const small = () => entriesOf("timm.mobilenetv3_small_100");

  test("names the array that is absent, has another shape, another type or a value that is not finite", async () => {
    const without = (name: string) => small().filter((entry) => entry.name !== name);
    const last = "blocks.5.0.bn1.running_var";
    await expectRefusal(
      without(last),
      `a: ${last} is absent; conv_1_bn needs weight, bias, running_mean, running_var.`,
      DataFormatError,
    );
    await expectRefusal(
      without("blocks.4.1.conv_dw.weight"),
      /1 layers without weights \(expanded_conv_9_depthwise\)/,
      InvalidArgumentError,
    );
    await expectRefusal(
      without("blocks.0.0.se.conv_reduce.bias"),
      /conv\/bias is absent; expected kernel, bias/,
      DataFormatError,
    );
    const instead = (name: string, change: Partial<Entry>) =>
      small().map((entry) => (entry.name === name ? { ...entry, ...change } : entry));
    await expectRefusal(
      instead("conv_stem.weight", { shape: [16, 3, 5, 5] }),
      "loadWeights: a: conv/kernel (conv_stem.weight in the file) must be [3,3,3,16]; got [5,5,3,16].",
      ShapeError,
    );
    await expectRefusal(
      instead("bn1.bias", { dtype: "I64" }),
      "a: bn1.bias is I64; expected F16, BF16, F32 or F64.",
      DataFormatError,
    );
    const infinite = Float32Array.from({ length: 16 }, (_, i) => (i === 5 ? Number.NEGATIVE_INFINITY : 1));
    await expectRefusal(
      instead("bn1.running_mean", { values: infinite }),
      "a: conv_bn/moving_mean (bn1.running_mean in the file) must hold finite values; got -Infinity at index 5.",
      DataFormatError,
    );
  });

  test("refuses a deeper network of the same family, and other architectures", async () => {
    const deeper = [...small(), { name: "blocks.4.3.conv_pw.weight", shape: [576, 96, 1, 1] }];
    const message = /0 layers without weights \(none\), 1 unused in the file \(blocks\.4\.3\.conv_pw\.weight\)/;
    await expectRefusal(deeper, message, InvalidArgumentError);
    const run = createBackbone("mobilenet_v3_small", { inputSize: 32, weights: safetensors(deeper) });
    await expect(run).rejects.toThrow(message);
    await expectRefusal(small(), /layers without weights|must be \[/, AcrError, "mobilenet_v2_035");
    await expectRefusal(small(), /PyTorch, which has no counterpart of pfld_050/, InvalidArgumentError, "pfld_050");
    const model = createBackbone("mobilenet_v3_small", { inputSize: 32 });
    await expect(loadKerasWeights(model, safetensors(small()))).rejects.toThrow(/is no Keras file/);
    model.dispose();
  });

  test.each([
    [
      Uint8Array.of(1, 2, 3),
      "a: is no file of weights; expected HDF5 (.h5, .weights.h5), a .keras zip or safetensors; got bytes that start with 01 02 03.",
    ],
    [withHeader("{not json"), "its header is not JSON"],
    [withHeader('{"x":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}'), "is truncated: x ends at byte"],
    [withHeader('{"x":{"dtype":"Q9","shape":[1],"data_offsets":[0,4]}}'), 'x has the unknown dtype "Q9"'],
    [
      withHeader('{"x":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}}'),
      "x must have a shape of whole numbers; got [-1]",
    ],
    [
      withHeader('{"x":{"dtype":"F32","shape":[1e9,1e9],"data_offsets":[0,4]}}'),
      "needs 4000000000000000000 bytes; its data_offsets span 4",
    ],
    [withHeader('{"x":{"dtype":"F32","shape":[1],"data_offsets":[4]}}'), "x must have two data_offsets; got [4]"],
    [withHeader('{"x":null}'), "x has the unknown dtype"],
    [
      safetensors(
        [
          { name: "x", shape: [2] },
          { name: "y", shape: [1] },
        ],
        { gap: 4 },
      ),
      "y starts at byte 12 of the data; expected 8",
    ],
    [safetensors([{ name: "x", shape: [2] }], { tail: 3 }), "has 3 bytes behind its last array"],
  ])("refuses a damaged header: %#", async (file, message) => {
    const model = createBackbone("mobilenet_v3_small", { inputSize: 32 });
    const run = loadWeights(model, file, { fileName: "a" });
    await expect(run).rejects.toThrow(DataFormatError);
    await expect(run).rejects.toThrow(message);
    model.dispose();
  });

  test("a header longer than the file is refused before anything is read", async () => {
    const file = withHeader('{"x":{}}');
    new DataView(file.buffer).setUint32(0, 0x7fffff, true);
    const model = createBackbone("mobilenet_v3_small", { inputSize: 32 });
    await expect(loadWeights(model, file)).rejects.toThrow(/its header would be 8388607 bytes long; the file has 16/);
    model.dispose();
  });
});

describe("createBackbone(name, { weights })", () => {
  const file = () => safetensors(entriesOf("timm.mobilenetv3_small_100"));

  test("resolves to a model with the file's weights, its classifier left out", async () => {
    const promise = createBackbone("mobilenet_v3_small", {
      inputSize: 32,
      weights: file(),
      padding: "symmetric",
      batchNormEpsilon: 1e-5,
    });
    expect(promise).toBeInstanceOf(Promise);
    const model = await promise;
    const other = createBackbone("mobilenet_v3_small", { inputSize: 32, padding: "symmetric", batchNormEpsilon: 1e-5 });
    await loadWeights(other, file());
    expect(weightsOf(model)).toEqual(weightsOf(other));
    expect(model.getLayer("conv_bn").getConfig().epsilon).toBe(1e-5);
    model.dispose();
    other.dispose();
  });

  test("createLandmarkModel keeps the head it starts with", async () => {
    const options = {
      backbone: "mobilenet_v3_small",
      landmarkCount: 2,
      imageSize: 32,
      meanShape: [0.1, 0.2, 0.3, 0.4],
      preprocess: "imagenet",
    } as const;
    const model = await createLandmarkModel({ ...options, weights: file() });
    const random = createLandmarkModel(options);
    const [bias, start] = [model, random].map((one) => one.getLayer("head_dense").getWeights()[1]!.arraySync());
    expect(bias).toEqual(start);
    const [kernel, other] = [model, random].map((one) => Array.from(one.getLayer("conv").getWeights()[0]!.dataSync()));
    expect(kernel).not.toEqual(other);
    const [scale] = model
      .getLayer("preprocess")
      .getWeights()
      .map((weight) => Array.from(weight.dataSync()));
    expect(scale![0]).toBeCloseTo(1 / (255 * 0.229), 6);
    model.dispose();
    random.dispose();
  });

  test("leaves no model behind a file that does not fit", async () => {
    await expectNoTensorLeak(async () => {
      const run = createBackbone("mobilenet_v3_large", { inputSize: 32, weights: file() });
      await expect(run).rejects.toThrow(/^createBackbone: weights/);
    });
    await expect(createBackbone("pfld_050", { weights: "absent.safetensors" })).rejects.toThrow(
      /absent\.safetensors: cannot be read/,
    );
  });

  test.each([
    [{ padding: "full" }, /padding must be "same" or "symmetric"; got "full"/],
    [{ batchNormEpsilon: 0 }, /batchNormEpsilon must be a number > 0; got 0/],
    [{ preprocess: "caffe" }, /preprocess must be "minus-one-to-one", "imagenet" or \{ scale, offset \}.*got "caffe"/],
    [
      { backbone: "efficientnet_b0", preprocess: "imagenet" },
      /preprocess must be left out: efficientnet_b0 normalises/,
    ],
    [{ preprocess: { scale: [1, 2], offset: 0 } }, /preprocess must be/],
  ])("createLandmarkModel(%j) throws", (options, message) => {
    const run = () => createLandmarkModel({ backbone: "pfld_050", landmarkCount: 2, ...options } as never);
    expect(run).toThrow(InvalidArgumentError);
    expect(run).toThrow(message);
  });

  test("symmetric padding puts one row of zeros in front where TensorFlow puts none", () => {
    for (const name of ["mobilenet_v2_035", "efficientnet_b0", "mobilenet_v3_small", "pfld_050"]) {
      const model = createBackbone(name, { inputSize: 64, padding: "symmetric" });
      const pads = model.layers.filter((layer) => layer.getClassName() === "ZeroPadding2D");
      expect(pads.length).toBeGreaterThanOrEqual(4);
      for (const layer of pads) {
        const [[top, bottom]] = layer.getConfig().padding as [[number, number]];
        expect([layer.name, top]).toEqual([layer.name, bottom]);
      }
      expect(model.outputs[0]!.shape.slice(1, 3)).toEqual([2, 2]);
      model.dispose();
    }
  });
});

describe("inspectWeights(file)", () => {
  test("lists modules, shapes, ranges and values that are not finite", async () => {
    const values = Float32Array.of(1, -2, Number.NaN, 4);
    const found = await inspectWeights(
      safetensors([
        { name: "a.weight", shape: [2, 2], values },
        { name: "a.num_batches_tracked", shape: [], dtype: "I64" },
        { name: "b", shape: [1], values: Float32Array.of(Number.POSITIVE_INFINITY) },
      ]),
    );
    expect(found).toEqual({
      kind: "safetensors",
      parameterCount: 5,
      nonFiniteCount: 2,
      backbones: [],
      layers: [
        { name: "a", arrays: [{ name: "weight", shape: [2, 2], minimum: -2, maximum: 4, nonFiniteCount: 1 }] },
        { name: "", arrays: [{ name: "b", shape: [1], minimum: Number.NaN, maximum: Number.NaN, nonFiniteCount: 1 }] },
      ],
    });
  });

  test("lists a Keras file's layers, and refuses what is none", async () => {
    const bytes = new Uint8Array(
      gunzipSync(readFileSync(new URL("./__fixtures__/keras-published.h5.gz", import.meta.url))),
    );
    const { kind, layers: found, parameterCount } = await inspectWeights(bytes);
    expect({ kind, parameterCount }).toEqual({ kind: "legacy-weights", parameterCount: 7 + 108 + 16 + 36 + 16 + 10 });
    expect(found.map(({ name }) => name)).toEqual([
      "normalization",
      "stem_conv",
      "stem_bn",
      "block_depthwise",
      "block_bn",
      "head",
    ]);
    await expect(inspectWeights(Uint8Array.of(9), { fileName: "b" })).rejects.toThrow(/^b: is no file of weights/);
    await expect(inspectWeights(7 as never)).rejects.toThrow(InvalidArgumentError);
  });
});

test("loadWeights(model, file) refuses what is no model", async () => {
  await expect(loadWeights({} as never, new Uint8Array())).rejects.toThrow(/model must be a tfjs LayersModel/);
  const model = sequential({ layers: [layers.dense({ units: 1, inputShape: [1] })] });
  await expect(loadWeights(model, new Uint8Array(), { strickt: true } as never)).rejects.toThrow(
    /unknown option "strickt"/,
  );
  model.dispose();
});
