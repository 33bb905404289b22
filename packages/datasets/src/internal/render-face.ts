import { type Augmentation, createRandom, type PixelChange, type RgbImage } from "@acr/core";
import { changePixels } from "./change-pixels.js";
import type { FaceTask } from "./face-task.js";
import { sampleCentered } from "./sample-centered.js";

/** The part of a task that follows decoding; every runner does exactly this. */
export function renderFace(
  source: RgbImage,
  { store, crop, random, defer }: Omit<FaceTask, "source">,
  augmentation?: Augmentation,
): { image: RgbImage; change?: PixelChange } {
  let image = source;
  if (store) {
    image = sampleCentered(image, store.map, store.size);
    store.into?.set(image.data);
  }
  // Never the memory of the source, which its owner may fill anew.
  if (!crop) return { image: image === source ? { ...source, data: Uint8Array.from(source.data) } : image };
  image = sampleCentered(image, crop.map, crop.size);
  const photometric = random && augmentation?.draw(createRandom(random)).photometric;
  const change = changePixels(image, photometric, { defer });
  return { image, ...(change && { change }) };
}
