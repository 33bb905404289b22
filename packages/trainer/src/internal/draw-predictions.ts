import { type FaceDataset, InvalidArgumentError, type RgbImage } from "@acr/core";
import { createBatches, type FaceCache } from "@acr/datasets";
import { pixelsToTensor } from "@acr/kernels";
import { type Tensor, tidy } from "@tensorflow/tfjs-core";
import type { LayersModel } from "@tensorflow/tfjs-layers";
import { drawFaces } from "./draw-faces.js";

/** The first `count` faces of a data set with their labels and a model's predictions, as a picture. */
export async function drawPredictions(
  model: LayersModel,
  faces: FaceDataset,
  {
    count,
    imageSize,
    skipFaulty,
    cache,
  }: { count: number; imageSize: number; skipFaulty: boolean; cache: FaceCache | undefined },
): Promise<RgbImage> {
  const batchSize = Math.min(count, faces.length);
  const options = { batchSize, imageSize, skipFaulty, ...(cache && { cache }) };
  for await (const { images, landmarks, size } of createBatches(faces, options)) {
    const output = tidy(() => {
      const x = pixelsToTensor(images, [size, imageSize, imageSize, 3]);
      return model.apply(x, { training: false }) as Tensor;
    });
    const predicted = await output.data();
    output.dispose();
    const width = landmarks.length / size;
    const pixels = imageSize * imageSize * 3;
    const drawn = Array.from({ length: size }, (_, i) => ({
      image: images.subarray(i * pixels, (i + 1) * pixels),
      target: landmarks.subarray(i * width, (i + 1) * width),
      predicted: predicted.subarray(i * width, (i + 1) * width),
    }));
    return drawFaces(drawn, imageSize);
  }
  throw new InvalidArgumentError("train: the validation set is empty.");
}
