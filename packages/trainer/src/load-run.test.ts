import "@tensorflow/tfjs-backend-cpu";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { applyAffine, DataFormatError, ibug68, invertAffine, ShapeError } from "@acr/core";
import { cropImage } from "@acr/datasets";
import { createSyntheticFaces } from "@acr/synthetic";
import * as tf from "@tensorflow/tfjs-core";
import { initializers, type LayersModel, layers, sequential } from "@tensorflow/tfjs-layers";
import { loadModel, loadRun, parseRecipe, predictCentered, runFiles, saveModel } from "./index.js";

const SIZE = 32;
const root = mkdtempSync(join(tmpdir(), "acr-load-run-"));
const backend = () => tf.setBackend("cpu");
beforeAll(backend);
afterAll(() => rmSync(root, { recursive: true, force: true }));

function smallModel(landmarkCount = 68) {
  return sequential({
    layers: [
      layers.rescaling({ scale: 1 / 255, inputShape: [SIZE, SIZE, 3] }),
      layers.averagePooling2d({ poolSize: 8 }),
      layers.flatten(),
      layers.dense({ units: landmarkCount * 2, kernelInitializer: initializers.glorotNormal({ seed: 1 }) }),
      layers.reshape({ targetShape: [landmarkCount, 2] }),
    ],
  });
}

async function makeRun(name: string, landmarkCount?: number): Promise<string> {
  const folder = join(root, name);
  mkdirSync(folder);
  writeFileSync(runFiles(folder).recipe, JSON.stringify(parseRecipe({ imageSize: SIZE })));
  const model = smallModel(landmarkCount);
  await saveModel(model, runFiles(folder).model);
  model.dispose();
  return folder;
}

it("saveModel writes what loadModel reads: the same answer, bit for bit, and no tensor left", async () => {
  const before = tf.memory().numTensors;
  const model = smallModel();
  await saveModel(model, join(root, "a", "model"));
  const again = await loadModel(join(root, "a", "model"));
  const pixels = Array.from({ length: SIZE * SIZE * 3 }, (_, i) => (i * 37) % 256);
  const answer = (of: LayersModel) => predictCentered(of, pixels, { imageSize: SIZE, scheme: ibug68 });
  expect(Array.from(answer(again))).toEqual(Array.from(answer(model)));
  model.dispose();
  again.dispose();
  expect(tf.memory().numTensors).toBe(before);
});

it("loadRun predicts in the pixels of the picture, as cropping and mapping back by hand does", async () => {
  const run = await loadRun(await makeRun("run"), { backend });
  const face = await createSyntheticFaces({ count: 1, seed: 3, imageSize: 64 }).get(0);
  expect(run.scheme.id).toBe("ibug68");
  expect(run.recipe.imageSize).toBe(SIZE);
  const { landmarks, box } = await run.predict(face.image, face.box);
  const crop = cropImage(face.image, face.box, { imageSize: SIZE });
  const flat = predictCentered(run.model, crop.image.data, { imageSize: SIZE, scheme: run.scheme });
  const byHand = applyAffine(invertAffine(crop.sourceToCentered), flat);
  byHand.forEach((value, q) => expect(landmarks[q]).toBeCloseTo(value, 3));
  expect(box).toEqual(face.box);
  expect((await run.predict(face.image)).box).toEqual([0, 0, 63, 63]);
  run.dispose();
});

it("loadRun refuses a folder without a run, a damaged recipe and a number of landmarks it does not know", async () => {
  await expect(loadRun(join(root, "none"), { backend })).rejects.toBeInstanceOf(DataFormatError);
  const damaged = await makeRun("damaged");
  writeFileSync(runFiles(damaged).recipe, "{");
  await expect(loadRun(damaged, { backend })).rejects.toThrow("not a valid recipe");
  const other = loadRun(await makeRun("other", 5), { backend });
  await expect(other).rejects.toBeInstanceOf(ShapeError);
  await expect(other).rejects.toThrow("predicts 5 landmarks; expected 68, 29 or 98");
});
