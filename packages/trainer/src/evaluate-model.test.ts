import "@tensorflow/tfjs-backend-cpu";
import { applyAffine, createRandom, type FaceDataset, ibug68, invertAffine } from "@acr/core";
import { cropImage } from "@acr/datasets";
import { evaluate } from "@acr/metrics";
import { createSyntheticFaces } from "@acr/synthetic";
import { expectNoTensorLeak } from "@acr/testing";
import * as tf from "@tensorflow/tfjs-core";
import { initializers, type LayersModel, layers, sequential } from "@tensorflow/tfjs-layers";
import { evaluateModel, predictCentered } from "./index.js";
import { perturbBoxes } from "./internal/perturb-boxes.js";

const SIZE = 32;
const faces = createSyntheticFaces({ count: 6, seed: 3, imageSize: 64 });

/** A model whose every output depends on every pixel. */
function smallModel(landmarkCount = 68): LayersModel {
  return sequential({
    layers: [
      layers.rescaling({ scale: 1 / 255, inputShape: [SIZE, SIZE, 3] }),
      layers.conv2d({
        filters: 4,
        kernelSize: 5,
        strides: 4,
        activation: "relu",
        kernelInitializer: initializers.glorotNormal({ seed: 2 }),
      }),
      layers.flatten(),
      layers.dense({ units: landmarkCount * 2, kernelInitializer: initializers.glorotNormal({ seed: 1 }) }),
      layers.reshape({ targetShape: [landmarkCount, 2] }),
    ],
  });
}

let model: LayersModel;
beforeAll(async () => {
  await tf.setBackend("cpu");
  model = smallModel();
});
afterAll(() => model.dispose());

it("evaluateModel scores each face in the pixels of its picture, as cropping and predicting by hand does", async () => {
  await expectNoTensorLeak(async () => {
    const { metrics, ids, predictions, targets, tags, visible } = await evaluateModel(model, faces, {
      imageSize: SIZE,
      normalizer: "inter-ocular",
    });
    expect(ids).toHaveLength(6);
    for (let i = 0; i < 6; i++) {
      const face = await faces.get(i);
      const crop = cropImage(face.image, face.box, { imageSize: SIZE });
      const flat = predictCentered(model, crop.image.data, { imageSize: SIZE, scheme: ibug68 });
      const byHand = applyAffine(invertAffine(crop.sourceToCentered), flat);
      byHand.forEach((value, q) => expect(predictions[i]![q]).toBeCloseTo(value, 3));
      expect(ids[i]).toBe(face.id);
      expect(Array.from(targets[i]!)).toEqual(Array.from(face.landmarks));
      expect(tags[i]).toEqual(face.tags);
      expect(Array.from(visible[i]!)).toEqual(Array.from(face.visible!));
    }
    expect(metrics).toEqual(evaluate(predictions, targets, { scheme: ibug68 }));
  });
});

it("predictCentered with flipTest gives the mirrored answer for the mirrored picture, and the mean of both predictions", async () => {
  await expectNoTensorLeak(async () => {
    const random = createRandom(1);
    const image = Float32Array.from({ length: SIZE * SIZE * 3 }, () => random.integer(256));
    const mirrored = image.map((_, i) => {
      const [pixel, channel] = [Math.floor(i / 3), i % 3];
      const column = SIZE - 1 - (pixel % SIZE);
      return image[3 * (pixel - (pixel % SIZE) + column) + channel]!;
    });
    const options = { imageSize: SIZE, scheme: ibug68 };
    const mirror = (flat: ArrayLike<number>) =>
      Float64Array.from(flat, (_, q) => (q % 2 ? 1 : -1) * flat[2 * ibug68.mirror[q >> 1]! + (q & 1)]!);
    const [here, there] = [image, mirrored].map((data) => predictCentered(model, data, { ...options, flipTest: true }));
    mirror(here!).forEach((value, q) => expect(there![q]).toBeCloseTo(value, 5));
    const [plain, other] = [image, mirrored].map((data) => predictCentered(model, data, options));
    mirror(other!).forEach((value, q) => expect(here![q]).toBeCloseTo((value + plain![q]!) / 2, 5));
    expect(here![0]).not.toBeCloseTo(plain![0]!, 5);
  });
});

describe("perturbBoxes", () => {
  const box = [10, 20, 110, 220] as const;
  const still = { name: "still", length: 1e6, scheme: ibug68, get: async () => ({ box }) } as unknown as FaceDataset;

  it("moves centres and sizes by normal shares of the box, the same for the same seed", async () => {
    const noisy = perturbBoxes(still, { strength: 0.1, seed: 1 });
    const shifts: number[][] = [];
    for (let i = 0; i < 2000; i++) {
      const [x0, y0, x1, y1] = (await noisy.get(i)).box;
      shifts.push([((x0 + x1) / 2 - 60) / 100, ((y0 + y1) / 2 - 120) / 200, Math.log((x1 - x0) / 100)]);
      expect((y1 - y0) / (x1 - x0)).toBeCloseTo(2, 10);
    }
    for (const axis of [0, 1, 2]) {
      const values = shifts.map((shift) => shift[axis]!);
      const mean = values.reduce((a, b) => a + b) / values.length;
      const deviation = Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length);
      expect(Math.abs(mean)).toBeLessThan(0.01);
      expect(Math.abs(deviation - 0.1)).toBeLessThan(0.006);
    }
    expect((await perturbBoxes(still, { strength: 0.1, seed: 1 }).get(7)).box).toEqual((await noisy.get(7)).box);
    expect((await perturbBoxes(still, { strength: 0.1, seed: 2 }).get(7)).box).not.toEqual((await noisy.get(7)).box);
  });

  it("describes the box that it gives", async () => {
    const described = { ...still, describe: () => ({ box }) } as unknown as FaceDataset;
    const noisy = perturbBoxes(described, { strength: 0.2, seed: 5 }) as FaceDataset & {
      describe(i: number): { box: unknown };
    };
    expect(noisy.describe(3).box).toEqual((await noisy.get(3)).box);
  });

  it("changes what evaluateModel finds, but not the truth", async () => {
    const options = { imageSize: SIZE, normalizer: "inter-ocular" as const, resamples: 0 };
    const exact = await evaluateModel(model, faces, options);
    const noisy = await evaluateModel(model, faces, { ...options, boxNoise: 0.1 });
    expect(noisy.targets).toEqual(exact.targets);
    expect(noisy.metrics.nmePercent).not.toBe(exact.metrics.nmePercent);
    expect(await evaluateModel(model, faces, { ...options, boxNoise: 0.1 })).toMatchObject({ metrics: noisy.metrics });
  });
});

it("evaluateModel refuses another number of landmarks and noise out of range", async () => {
  const other = smallModel(29);
  const options = { imageSize: SIZE, normalizer: "inter-ocular" as const };
  await expect(evaluateModel(other, faces, options)).rejects.toThrow("68 landmarks of ibug68; the model predicts 29");
  await expect(evaluateModel(model, faces, { ...options, boxNoise: 1 })).rejects.toThrow("boxNoise must be in [0, 1)");
  expect(() => predictCentered(model, [1, 2, 3], { imageSize: SIZE, scheme: ibug68 })).toThrow(
    "whole crops of 32 x 32 x 3; got 3 numbers",
  );
  other.dispose();
});
