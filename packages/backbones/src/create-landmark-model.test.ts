import "@tensorflow/tfjs-backend-cpu";
import "@tensorflow/tfjs-backend-wasm";
import { InvalidArgumentError, ShapeError } from "@acr/core";
import { expectNoTensorLeak } from "@acr/testing";
import * as tf from "@tensorflow/tfjs-core";
import { type LayersModel, loadLayersModel } from "@tensorflow/tfjs-layers";
import { createLandmarkModel } from "./create-landmark-model.js";
import { listHeads } from "./list-heads.js";

const predict = (model: LayersModel, images: tf.Tensor) =>
  tf.tidy(() => (model.predict(images) as tf.Tensor).arraySync());
/** Through bytes, as if to a file and back. */
async function saveAndLoad(model: LayersModel): Promise<LayersModel> {
  let saved: tf.io.ModelArtifacts | undefined;
  await model.save(
    tf.io.withSaveHandler(async (artifacts) => {
      saved = { ...artifacts, modelTopology: JSON.parse(JSON.stringify(artifacts.modelTopology)) };
      return { modelArtifactsInfo: { dateSaved: new Date(0), modelTopologyType: "JSON" } };
    }),
  );
  return loadLayersModel(tf.io.fromMemory(saved!));
}
const meanShape = [-0.2, -0.1, 0.2, -0.1, 0, 0.25];

beforeAll(() => tf.setBackend("wasm"));

describe("createLandmarkModel(options)", () => {
  test("starts at the mean shape, whatever the picture", () => {
    const model = createLandmarkModel({
      backbone: "mobilenet_v2_035",
      landmarkCount: 3,
      imageSize: 64,
      meanShape,
      seed: 1,
    });
    const images = tf.randomUniform([2, 64, 64, 3], 0, 255, "float32", 4);
    const shapes = predict(model, images) as number[][][];
    for (const shape of shapes) {
      for (const [i, value] of shape.flat().entries()) expect(value).toBeCloseTo(meanShape[i]!, 6);
    }
    images.dispose();
    model.dispose();
  });

  test("starts at the centre of the crop without a mean shape", () => {
    const model = createLandmarkModel({ backbone: "efficientnet_b0", landmarkCount: 2, imageSize: [32, 64] });
    const images = tf.ones([1, 32, 64, 3]);
    expect(predict(model, images)).toEqual([
      [
        [0, 0],
        [0, 0],
      ],
    ]);
    images.dispose();
    model.dispose();
  });

  test.each(["mobilenet_v2_035", "efficientnet_b0"])(
    "%s with dropout saves, and loads in plain tfjs with the same outputs",
    async (backbone) => {
      const model = createLandmarkModel({ backbone, landmarkCount: 3, imageSize: 64, dropout: 0.4, seed: 1 });
      const dense = model.getLayer("head_dense");
      const kernel = tf.randomNormal(dense.getWeights()[0]!.shape, 0, 0.1, "float32", 5);
      dense.setWeights([kernel, tf.tensor1d(meanShape)]);
      const images = tf.randomUniform([2, 64, 64, 3], 0, 255, "float32", 4);
      const loaded = await saveAndLoad(model);
      const expected = predict(model, images);
      expect(predict(loaded, images)).toEqual(expected);
      expect((expected as number[][][])[0]).not.toEqual((expected as number[][][])[1]);
      expect(loaded.getLayer("head_dropout").getConfig()).toMatchObject({ rate: 0.4 });
      tf.dispose([kernel, images]);
      model.dispose();
      loaded.dispose();
    },
  );

  test.each([
    ["integral", [64, 64]],
    ["simcc", [64, 96]],
    ["pip", [112, 112]],
    ["pip", [192, 224]],
    ["integral", [112, 100]],
  ] as const)(
    "head %s at %j loads in plain tfjs with the same outputs; its grids do not train",
    async (head, imageSize) => {
      const model = createLandmarkModel({
        backbone: "mobilenet_v2_035",
        landmarkCount: 3,
        imageSize,
        dropout: 0.2,
        head,
        meanShape,
        seed: 1,
      });
      expect(model.outputs[0]!.shape).toEqual([null, 3, 2]);
      const grid = model.layers.filter(
        ({ name, weights }) => /^(landmarks|head_[xy]|.*_mean.*|head_cell_.*)$/.test(name) && weights.length > 0,
      );
      expect(grid.length).toBeGreaterThan(0);
      for (const layer of grid) expect(layer.trainableWeights).toEqual([]);
      const images = tf.randomUniform([2, ...imageSize, 3], 0, 255, "float32", 4);
      const loaded = await saveAndLoad(model);
      expect(loaded.trainableWeights).toHaveLength(model.trainableWeights.length);
      expect(predict(loaded, images)).toEqual(predict(model, images));
      images.dispose();
      model.dispose();
      loaded.dispose();
    },
  );

  test("maps pixels 0 … 255 to the backbone's −1 … 1", () => {
    const model = createLandmarkModel({ backbone: "mobilenet_v2_035", landmarkCount: 1, imageSize: 32 });
    const pixels = tf.tensor4d([0, 127.5, 255], [1, 1, 1, 3]);
    const output = model.getLayer("preprocess").call(pixels, {}) as tf.Tensor;
    expect(Array.from(output.dataSync()).map((value) => Math.round(value * 1e6) / 1e6 + 0)).toEqual([-1, 0, 1]);
    tf.dispose([pixels, output]);
    model.dispose();
  });

  test("drops other features at each training step, the same ones for the same seed", () => {
    const masks = [1, 1, 2].map((seed) => {
      const model = createLandmarkModel({
        backbone: "mobilenet_v2_035",
        landmarkCount: 1,
        imageSize: 32,
        dropout: 0.25,
        seed,
      });
      const dropout = model.getLayer("head_dropout");
      const steps = [0, 1].map(() =>
        tf.tidy(() => Array.from((dropout.call(tf.ones([4, 1280]), { training: true }) as tf.Tensor).dataSync())),
      );
      const idle = tf.tidy(() => Array.from((dropout.call(tf.ones([1, 3]), {}) as tf.Tensor).dataSync()));
      expect(idle).toEqual([1, 1, 1]);
      model.dispose();
      return steps;
    });
    expect(masks[0]).toEqual(masks[1]);
    expect(masks[0]).not.toEqual(masks[2]);
    expect(masks[0]![0]).not.toEqual(masks[0]![1]);
    const kept = masks[0]![0]!.filter((value) => value > 0);
    expect(kept.every((value) => Math.abs(value - 4 / 3) < 1e-6)).toBe(true);
    expect(kept.length / 5120).toBeCloseTo(0.75, 1);
  });

  test("moves BatchNorm statistics with momentum 0.99 unless told otherwise", () => {
    const momenta = [undefined, 0.9].map((batchNormMomentum) => {
      const model = createLandmarkModel({
        backbone: "mobilenet_v2_035",
        landmarkCount: 1,
        imageSize: 32,
        batchNormMomentum,
      });
      const { momentum } = model.getLayer("bn_Conv1").getConfig();
      model.dispose();
      return momentum;
    });
    expect(momenta).toEqual([0.99, 0.9]);
  });

  test.each(listHeads())("head %s leaves no tensor behind a disposed model", async (head) => {
    await expectNoTensorLeak(() =>
      createLandmarkModel({ backbone: "mobilenet_v2_035", landmarkCount: 3, imageSize: 64, head, meanShape }).dispose(),
    );
  });

  test.each([
    [{ backbone: "resnet" }, InvalidArgumentError, /unknown backbone "resnet"\. Nearest names/],
    [{ landmarkCount: 0 }, InvalidArgumentError, /landmarkCount must be an integer >= 1; got 0/],
    [{ imageSize: 16 }, InvalidArgumentError, /imageSize must be an integer >= 32/],
    [{ dropout: 1 }, InvalidArgumentError, /dropout must be a number in \[0, 1\); got 1/],
    [{ head: "dense" }, InvalidArgumentError, /head must be "gap" or "integral" or "simcc" or "pip"; got "dense"/],
    [{ meanShape: [1, 2] }, ShapeError, /meanShape must be 2K = 6 finite numbers; got 2 values/],
    [{ meanShape: [0, 0, 0, 0, 0, Number.NaN] }, ShapeError, /finite/],
    [{ meanShape: null }, ShapeError, /meanShape must be 2K = 6 finite numbers; got null/],
    [{ landmarkCount: 1e9 }, InvalidArgumentError, /landmarkCount must be at most 65536; got 1000000000/],
    [{ dropOut: 0.1 }, InvalidArgumentError, /unknown option "dropOut"\. Did you mean dropout/],
  ])("createLandmarkModel(%j) throws", (change, type, message) => {
    const run = () => createLandmarkModel({ backbone: "mobilenet_v2_035", landmarkCount: 3, ...change } as never);
    expect(run).toThrow(type);
    expect(run).toThrow(message);
  });
});
