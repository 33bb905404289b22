import { type Augmentation, createRandom, type RgbImage } from "@acr/core";
import type { FaceTask } from "./face-task.js";
import { sampleCentered } from "./sample-centered.js";

/** The part of a task that follows decoding; every runner does exactly this. */
export function renderFace(
  source: RgbImage,
  { store, crop, random }: Omit<FaceTask, "source">,
  augmentation?: Augmentation,
): RgbImage {
  let image = source;
  if (store) {
    image = sampleCentered(image, store.map, store.size);
    store.into?.set(image.data);
  }
  // Never the memory of the source, which its owner may fill anew.
  if (!crop) return image === source ? { ...source, data: Uint8Array.from(source.data) } : image;
  image = sampleCentered(image, crop.map, crop.size);
  if (random && augmentation) augmentation.draw(createRandom(random)).photometric?.(image);
  return image;
}
