import "@tensorflow/tfjs-backend-cpu";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { gunzipSync } from "node:zlib";
import { DataFormatError, InvalidArgumentError, ShapeError } from "@acr/core";
import { expectNoTensorLeak, tolerance } from "@acr/testing";
import * as tf from "@tensorflow/tfjs-core";
import { input, type LayersModel, layers, model as makeModel, type SymbolicTensor } from "@tensorflow/tfjs-layers";
import { unzipSync, zipSync } from "fflate";
import * as h5wasm from "h5wasm";
import { loadKerasWeights } from "./index.js";

/** Files that Keras 3.15 wrote: benchmarks/keras-weights/make_fixtures.py. */
const FIXTURES = new URL("./__fixtures__/", import.meta.url);
const fixture = (name: string) => new Uint8Array(gunzipSync(readFileSync(new URL(`${name}.gz`, FIXTURES))));
const reference = JSON.parse(readFileSync(new URL("keras-reference.json", FIXTURES), "utf8")) as {
  images: { shape: [number, number, number, number]; values: number[] };
  outputs: number[];
  unnamedOutputs: number[];
};

/** The same network in tfjs; without names it has no normalisation, and tfjs makes names up. */
function tiny({ named = true, channels = 4 } = {}): LayersModel {
  const name = (text: string) => (named ? { name: text } : {});
  const images = input({ shape: [6, 5, 3] });
  let x: SymbolicTensor = images;
  const add = (layer: layers.Layer) => {
    x = layer.apply(x) as SymbolicTensor;
  };
  if (named) add(layers.depthwiseConv2d({ kernelSize: 1, name: "normalization", trainable: false }));
  const same = { padding: "same", useBias: false } as const;
  add(layers.conv2d({ filters: channels, kernelSize: 3, strides: 2, ...same, ...name("stem_conv") }));
  add(layers.batchNormalization({ epsilon: 1e-3, ...name("stem_bn") }));
  add(layers.reLU({ maxValue: 6 }));
  add(layers.depthwiseConv2d({ kernelSize: 3, ...same, ...name("block_depthwise") }));
  add(layers.batchNormalization({ epsilon: 1e-3, ...name("block_bn") }));
  add(layers.activation({ activation: "swish" }));
  add(layers.globalAveragePooling2d({}));
  add(layers.dense({ units: 2, ...name("head") }));
  return makeModel({ inputs: images, outputs: x });
}
const weightsOf = (model: LayersModel) => model.getWeights().map((weight) => weight.dataSync().slice());
function expectOutputs(model: LayersModel, expected: number[]) {
  const { shape, values } = reference.images;
  const actual = tf.tidy(() => (model.predict(tf.tensor4d(values, shape)) as tf.Tensor).dataSync());
  for (const [i, value] of actual.entries()) expect(Math.abs(value - expected[i]!)).toBeLessThan(tolerance.float32);
}

interface Changes {
  /** Paths of groups and arrays to leave out. */
  omit?: string[];
  /** Other contents for arrays, by path. */
  replace?: Record<string, { data: Float32Array | string[]; shape: number[] }>;
  /** Other values for attributes that hold names, by the group's path and `@name`. */
  names?: Record<string, string[]>;
  /** Groups to add, before all others. */
  add?: string[];
  /** Other places for groups, by path. */
  move?: Record<string, string>;
}

/** A copy of an HDF5 file with changes, as h5wasm cannot take anything out of one. */
async function changed(
  name: string,
  { omit = [], replace = {}, names = {}, add = [], move = {} }: Changes,
): Promise<Uint8Array> {
  const { FS } = await h5wasm.ready;
  FS.writeFile("/before.h5", fixture(name));
  const before = new h5wasm.File("/before.h5", "r");
  const after = new h5wasm.File("/after.h5", "w");
  const copy = (from: h5wasm.Group, to: h5wasm.Group) => {
    const here = from.path === "/" ? "" : from.path;
    for (const [key, attribute] of Object.entries(from.attrs))
      to.create_attribute(key, (names[`${here}@${key}`] ?? attribute.value) as string[]);
    for (const key of from.keys()) {
      const path = `${here}/${key}`;
      if (omit.includes(path)) continue;
      const item = from.get(key);
      if (item instanceof h5wasm.Group) copy(item, to.create_group(move[path] ?? key));
      else if (item instanceof h5wasm.Dataset) {
        const { data, shape } = replace[path] ?? { data: item.value as Float32Array, shape: item.shape! };
        const isScalar = shape.length === 0;
        to.create_dataset({ name: key, data: isScalar ? Number(data) : data, shape: isScalar ? null : shape } as never);
      }
    }
  };
  for (const path of add) after.create_group(path);
  copy(before, after);
  after.close();
  before.close();
  const bytes = new Uint8Array(FS.readFile("/after.h5"));
  for (const path of ["/before.h5", "/after.h5"]) FS.unlink(path);
  return bytes;
}

/** Loading must fail with this error, and leave model and memory as they were. */
async function expectRefusal(file: Uint8Array, message: RegExp | string, error: object = DataFormatError) {
  const model = tiny();
  const before = weightsOf(model);
  await expectNoTensorLeak(async () => {
    const run = loadKerasWeights(model, file, { fileName: "a.h5" });
    await expect(run).rejects.toThrow(error as never);
    await expect(run).rejects.toThrow(message);
  });
  expect(weightsOf(model)).toEqual(before);
  model.dispose();
}

let folder: string;
beforeAll(async () => {
  await tf.setBackend("cpu");
  folder = mkdtempSync(join(tmpdir(), "acr-fixtures-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

describe("loadKerasWeights(model, file), small files of Keras", () => {
  test.each([
    ["keras-3.weights.h5", "keras3-weights"],
    ["keras-3.keras", "keras"],
    ["keras-legacy-model.h5", "legacy-model"],
    ["keras-legacy-weights.h5", "legacy-weights"],
    ["keras-published.h5", "legacy-weights"],
  ])("%s: by name, and predicts what Keras does", async (name, kind) => {
    const model = tiny();
    const report = await loadKerasWeights(model, fixture(name));
    expect({ ...report, loaded: report.loaded.map(({ layer, by }) => `${layer} by ${by}`) }).toEqual({
      kind,
      loaded: ["normalization", "stem_conv", "stem_bn", "block_depthwise", "block_bn", "head"].map(
        (layer) => `${layer} by name`,
      ),
      missing: [],
      unused: [],
    });
    expectOutputs(model, reference.outputs);
    model.dispose();
  });

  test("a file whose layers Keras named itself loads by class and order", async () => {
    const model = tiny({ named: false });
    const { loaded } = await loadKerasWeights(model, fixture("keras-3-unnamed.weights.h5"));
    expect(loaded.map(({ by }) => by)).toEqual(Array(5).fill("order"));
    expectOutputs(model, reference.unnamedOutputs);
    model.dispose();
  });

  test("names of Keras 2 such as Stem/BatchNorm fit those of Keras 3", async () => {
    const file = await changed("keras-legacy-weights.h5", {
      names: {
        "@layer_names": ["normalization", "Stem/Conv", "stem/BatchNorm", "block_depthwise", "block_bn", "head"],
      },
      add: ["Stem", "stem"],
      move: { "/stem_conv": "Stem/Conv", "/stem_bn": "stem/BatchNorm" },
    });
    const model = tiny();
    const { loaded, missing, unused } = await loadKerasWeights(model, file);
    expect({ count: loaded.length, missing, unused }).toEqual({ count: 6, missing: [], unused: [] });
    expectOutputs(model, reference.outputs);
    model.dispose();
  });

  test("reads a path, a file URL and an address", async () => {
    const bytes = fixture("keras-3.weights.h5");
    const path = join(folder, "a.weights.h5");
    writeFileSync(path, bytes);
    const server = createServer((request, response) => {
      response.writeHead(request.url === "/a.weights.h5" ? 200 : 404).end(bytes);
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    try {
      for (const source of [path, pathToFileURL(path), `${origin}/a.weights.h5`, new URL(`${origin}/a.weights.h5`)]) {
        const model = tiny();
        await loadKerasWeights(model, source);
        expectOutputs(model, reference.outputs);
        model.dispose();
      }
      const model = tiny();
      await expect(loadKerasWeights(model, `${origin}/b.h5`)).rejects.toThrow(/b\.h5: answers 404/);
      await expect(loadKerasWeights(model, folder)).rejects.toThrow(/is a folder; expected a file of weights/);
      await expect(loadKerasWeights(model, join(folder, "absent.h5"))).rejects.toThrow(
        /absent\.h5: cannot be read \(ENOENT\)\./,
      );
      await expect(loadKerasWeights(model, "")).rejects.toThrow(InvalidArgumentError);
      await expect(loadKerasWeights(model, 7 as never)).rejects.toThrow(/file must be a path, a URL.*got number/);
      model.dispose();
    } finally {
      server.close();
      server.closeAllConnections();
    }
  });

  test("refuses another width, naming the first array, what it should be and is", async () => {
    const model = tiny({ channels: 8 });
    const before = weightsOf(model);
    const run = loadKerasWeights(model, fixture("keras-legacy-model.h5"), { fileName: "a.h5" });
    await expect(run).rejects.toThrow(ShapeError);
    await expect(run).rejects.toThrow("loadKerasWeights: a.h5: stem_conv/kernel must be [3,3,3,8]; got [3,3,3,4].");
    await expect(loadKerasWeights(model, fixture("keras-3.weights.h5"), { fileName: "b" })).rejects.toThrow(
      "loadKerasWeights: b: stem_conv/kernel (/layers/conv2d/vars/0 in the file) must be [3,3,3,8]; got [3,3,3,4].",
    );
    expect(weightsOf(model)).toEqual(before);
    model.dispose();
  });

  test.each(["keras-3.weights.h5", "keras-legacy-model.h5", "keras-3.keras"])(
    "%s cut off anywhere is refused, or loads whole where only padding is gone",
    async (name) => {
      const whole = fixture(name);
      const model = tiny();
      const before = weightsOf(model);
      for (let part = 0; part < 24; part++) {
        const bytes = whole.subarray(0, Math.floor((whole.length * part) / 24));
        await expect(loadKerasWeights(model, bytes)).rejects.toThrow(DataFormatError);
      }
      expect(weightsOf(model)).toEqual(before);
      model.dispose();
    },
  );

  test("a legacy group that is gone, or without one of its arrays, is named", async () => {
    const cut = (path: string) => changed("keras-published.h5", { omit: [path] });
    await expectRefusal(await cut("/block_bn"), /^a\.h5: \/block_bn is absent; expected a group there/);
    await expectRefusal(
      await cut("/stem_bn/stem_bn/moving_variance:0"),
      /^a\.h5: \/stem_bn\/stem_bn\/moving_variance:0 is absent; expected a dataset there/,
    );
    await expectRefusal(
      await changed("keras-published.h5", {
        names: { "/stem_bn@weight_names": ["stem_bn/gamma:0", "stem_bn/beta:0"] },
      }),
      "a.h5: stem_bn/moving_mean is absent; expected gamma, beta, moving_mean, moving_variance; the layer holds gamma, beta.",
    );
  });

  test("a Keras 3 file without BatchNorm's statistics, or with a gap, is named", async () => {
    const cut = (...numbers: string[]) =>
      changed("keras-3.weights.h5", {
        omit: numbers.map((number) => `/layers/batch_normalization/vars/${number}`),
      });
    await expectRefusal(
      await cut("2", "3"),
      "a.h5: stem_bn needs 4 arrays (gamma, beta, moving_mean, moving_variance); got 2.",
      ShapeError,
    );
    await expectRefusal(await cut("1"), /^a\.h5: \/layers\/batch_normalization\/vars\/1 is absent; got 0, 2, 3/);
  });

  test.each([
    [[1, Number.NaN, 1, 1], "must hold finite values; got NaN at index 1"],
    [[1, 1, Number.POSITIVE_INFINITY, 1], "must hold finite values; got Infinity at index 2"],
    [[1, 1, 1, -0.5], "must not be negative; got -0.5 at index 3"],
  ])("a variance of %j is refused with its place", async (values, message) => {
    const path = "/stem_bn/stem_bn/moving_variance:0";
    const file = await changed("keras-published.h5", {
      replace: { [path]: { data: Float32Array.from(values), shape: [4] } },
    });
    await expectRefusal(file, `a.h5: stem_bn/moving_variance ${message}.`);
  });

  test("text in an array's place, a layer twice and mixed layouts are refused", async () => {
    const text = await changed("keras-published.h5", {
      replace: { "/head/head/bias:0": { data: ["a", "b"], shape: [2] } },
    });
    await expectRefusal(text, /head\/head\/bias:0 holds no numbers/);
    const layersOf = ["normalization", "stem_conv", "stem_bn", "block_depthwise", "block_bn", "head", "head"];
    const twice = await changed("keras-published.h5", { names: { "@layer_names": layersOf } });
    await expectRefusal(twice, /^a\.h5: holds two layers called head/);
    const mixed = await changed("keras-published.h5", { add: ["layers"] });
    await expectRefusal(mixed, /^a\.h5: mixes the layouts of Keras 3/);
  });

  test("other files are refused by what they are", async () => {
    await expectRefusal(new Uint8Array(), /^a\.h5: is no Keras file.*got no bytes/);
    await expectRefusal(Uint8Array.of(1, 2, 3), /^a\.h5: is no Keras file.*got bytes that start with 01 02 03/);
    const { FS } = await h5wasm.ready;
    const other = new h5wasm.File("/other.h5", "w");
    other.create_group("data");
    other.close();
    await expectRefusal(new Uint8Array(FS.readFile("/other.h5")), /holds no Keras weights.*got groups data/);
    FS.unlink("/other.h5");
  });

  test('strict says what does not fit; "backbone" leaves heads out but no block; false takes what fits', async () => {
    const images = input({ shape: [6, 5, 3] });
    const conv = layers.conv2d({ filters: 4, kernelSize: 3, strides: 2, useBias: false, name: "stem_conv" });
    const pooled = layers.globalAveragePooling2d({}).apply(conv.apply(images)) as SymbolicTensor;
    const head = layers.dense({ units: 3, name: "head_dense" }).apply(pooled) as SymbolicTensor;
    const model = makeModel({ inputs: images, outputs: head });
    const file = fixture("keras-3.weights.h5");
    await expect(loadKerasWeights(model, file)).rejects.toThrow(
      /1 layers without weights \(head_dense\), 5 unused in the file \(.*\)\. Set strict: false/,
    );
    await expect(loadKerasWeights(model, file, { strict: "backbone" })).rejects.toThrow(
      /0 layers without weights \(none\), 2 unused in the file \((block_bn|block_depthwise), (block_bn|block_depthwise)\)/,
    );
    expect((await loadKerasWeights(model, file, { strict: false })).missing).toEqual(["head_dense"]);
    await expect(loadKerasWeights(model, file, { strict: "head" as never })).rejects.toThrow(
      /strict must be true, false or "backbone"; got "head"/,
    );
    await expect(loadKerasWeights({} as never, file)).rejects.toThrow(/model must be a tfjs LayersModel/);
    model.dispose();
  });

  test("reads EfficientNet's published normalisation as Keras' ImageNet models do: (x − mean) / deviation", async () => {
    const [mean, deviation] = [
      [0.485, 0.456, 0.406],
      [0.229, 0.224, 0.225],
    ];
    const array = (values: number[]) => ({ data: Float32Array.from(values), shape: [3] });
    const file = await changed("keras-published.h5", {
      replace: {
        "/normalization/normalization/mean:0": array(mean),
        "/normalization/normalization/variance:0": array(deviation),
      },
    });
    const model = tiny();
    await loadKerasWeights(model, file);
    const [kernel, bias] = model
      .getLayer("normalization")
      .getWeights()
      .map((weight) => weight.dataSync());
    for (let c = 0; c < 3; c++) {
      expect(kernel![c]).toBeCloseTo(1 / deviation[c]!, 4);
      expect(bias![c]).toBeCloseTo(-mean[c]! / deviation[c]!, 4);
    }
    model.dispose();
  });
});

describe("loadKerasWeights(model, zip)", () => {
  const entries = () => unzipSync(fixture("keras-3.keras"));

  test("takes deflated entries as well as stored ones", async () => {
    for (const level of [0, 9] as const) {
      const model = tiny();
      await loadKerasWeights(model, zipSync(entries(), { level }));
      expectOutputs(model, reference.outputs);
      model.dispose();
    }
  });

  test.each(["../model.weights.h5", "/etc/x", "a/../../b", "..\\b", "C:\\b"])(
    "refuses the path %j of any entry",
    async (path) => {
      await expectRefusal(
        zipSync({ ...entries(), [path]: Uint8Array.of(1) }),
        `a.h5: holds an entry with a forbidden path ${JSON.stringify(path)}.`,
      );
    },
  );

  test("refuses a zip without weights, with the weights twice, or encrypted", async () => {
    const { "model.weights.h5": weights, ...rest } = entries();
    await expectRefusal(zipSync(rest), /^a\.h5: is a zip without model\.weights\.h5/);
    // A name of the same length is made the same in the directory and in front of the data.
    const two = zipSync({ "model.weights.h5": weights!, "model.weights.h6": weights! });
    const text = Buffer.from(two);
    for (let i = text.indexOf("model.weights.h6"); i >= 0; i = text.indexOf("model.weights.h6", i)) text[i + 15] = 0x35;
    await expectRefusal(new Uint8Array(text), /^a\.h5: holds model\.weights\.h5 2 times/);
    const locked = zipSync({ "model.weights.h5": weights! });
    locked[centralRecord(locked) + 8]! |= 1;
    await expectRefusal(locked, /^a\.h5: model\.weights\.h5 is encrypted/);
  });

  test("refuses a bomb by what comes out, whatever size it declares", async () => {
    const bomb = zipSync({ "model.weights.h5": new Uint8Array(2 ** 25) }, { level: 9 });
    expect(bomb.length).toBeLessThan(200_000);
    await expectRefusal(bomb, /^a\.h5: model\.weights\.h5 unpacks to more than the \d+ bytes that are accepted here/);
    new DataView(bomb.buffer).setUint32(centralRecord(bomb) + 24, 1000, true);
    await expectRefusal(bomb, /unpacks to more than/);
  });

  test("refuses a wrong length, a flipped byte and a method that is none", async () => {
    const broken = (change: (zip: Uint8Array, record: number) => void, level: 0 | 9) => {
      const zip = zipSync({ "model.weights.h5": entries()["model.weights.h5"]! }, { level });
      change(zip, centralRecord(zip));
      return zip;
    };
    const view = (zip: Uint8Array) => new DataView(zip.buffer);
    await expectRefusal(
      broken((zip, record) => view(zip).setUint32(record + 24, 17, true), 9),
      /model\.weights\.h5 is damaged: it unpacks to \d+ bytes; expected 17/,
    );
    await expectRefusal(
      broken((zip) => (zip[500]! ^= 1), 0),
      /model\.weights\.h5 is damaged: its checksum is wrong/,
    );
    await expectRefusal(
      broken((zip, record) => view(zip).setUint16(record + 10, 12, true), 9),
      /packed by method 12; expected stored or deflated/,
    );
    await expectRefusal(
      broken((zip, record) => view(zip).setUint32(record + 42, 0xfffffff0, true), 0),
      /damaged or truncated zip/,
    );
  });
});

/** Where the first record of a zip's directory starts. */
function centralRecord(zip: Uint8Array): number {
  for (let i = zip.length - 22; i >= 0; i--) if (zip[i] === 0x50 && zip[i + 1] === 0x4b && zip[i + 2] === 1) return i;
  throw new Error("no directory");
}
