import "@tensorflow/tfjs-backend-cpu";
import { createRandom, type FaceDataset, ibug68 } from "@acr/core";
import { expectNoTensorLeak } from "@acr/testing";
import { setBackend, train } from "@tensorflow/tfjs-core";
import { layers, sequential } from "@tensorflow/tfjs-layers";
import { createLoader, tensorBatches, toFitDataset } from "./index.js";

const random = createRandom(1);
const all = Array.from({ length: 6 }, (_, i) => ({
  id: `${i}`,
  image: { width: 40, height: 40, data: Uint8Array.from({ length: 4800 }, () => random.integer(256)) },
  landmarks: Float64Array.from({ length: 136 }, () => random.uniform(5, 35)),
  box: [5, 5, 35, 35] as const,
  scheme: ibug68,
  tags: {},
}));
const faces: FaceDataset = {
  name: "noise",
  length: 6,
  scheme: ibug68,
  get: async (i) => all[i]!,
  async *[Symbol.asyncIterator]() {
    yield* all;
  },
};

beforeAll(async () => {
  await setBackend("cpu");
});

it("tensorBatches gives the numbers of the batches, owned by the caller", () =>
  expectNoTensorLeak(async () => {
    const loader = createLoader(faces, { batchSize: 2, imageSize: 8, workers: 0 });
    const plain = loader.epoch(0);
    for await (const { xs, ys } of tensorBatches(loader.epoch(0))) {
      const { images, landmarks } = (await plain.next()).value!;
      expect([xs.shape, ys.shape]).toEqual([
        [2, 8, 8, 3],
        [2, 68, 2],
      ]);
      expect(Array.from(xs.dataSync())).toEqual(Array.from(images));
      expect(ys.dataSync()).toEqual(landmarks);
      xs.dispose();
      ys.dispose();
    }
  }));

it("toFitDataset(loader) feeds model.fitDataset, an epoch an iterator", async () => {
  const model = sequential({
    layers: [
      layers.flatten({ inputShape: [8, 8, 3] }),
      layers.dense({ units: 136, kernelInitializer: "zeros" }),
      layers.reshape({ targetShape: [68, 2] }),
    ],
  });
  model.compile({ optimizer: train.sgd(1e-9), loss: "meanSquaredError" });
  await expectNoTensorLeak(async () => {
    const loader = createLoader(faces, { batchSize: 2, imageSize: 8, workers: 0 });
    const epochs: number[] = [];
    const spied = {
      ...loader,
      epoch: (epoch: number) => {
        epochs.push(epoch);
        return loader.epoch(epoch);
      },
    };
    const history = await model.fitDataset(toFitDataset(spied) as never, { epochs: 3, verbose: 0 });
    expect(history.epoch).toEqual([0, 1, 2]);
    // It may ask for one iterator more, to look at the shapes; batches are made only when they are asked for.
    expect(epochs.slice(0, 3)).toEqual([0, 1, 2]);
    expect(history.history.loss!.every((value) => Number.isFinite(value))).toBe(true);
  });
  model.dispose();
});
