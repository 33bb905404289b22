import { join } from "node:path";
import { applyPixelChanges } from "@acr/core";
import { makeFolder } from "@acr/core/node";
import type { Batch } from "@acr/datasets";
import { runFiles } from "../run-folder.js";
import { drawFaces } from "./draw-faces.js";
import { encodePng } from "./encode-png.js";
import { RESUME_HINT } from "./storage-fault.js";
import { writeFileAtomically } from "./write-file-atomically.js";

/** Keeps what the network saw when the loss broke down: numbers as JSON, crops with their labels as a picture. */
export async function saveFailedBatch(folder: string, batch: Batch, context: object): Promise<string> {
  const target = runFiles(folder).failedBatch;
  await makeFolder(target, { hint: RESUME_HINT });
  const { size, imageSize, changes, landmarks, ids, indices } = batch;
  const images = Uint8Array.from(batch.images);
  // What the device did by itself.
  if (changes) applyPixelChanges(images, changes, { width: imageSize, height: imageSize });
  const pixels = imageSize * imageSize * 3;
  const width = landmarks.length / size;
  const faces = Array.from({ length: size }, (_, i) => ({
    image: images.subarray(i * pixels, (i + 1) * pixels),
    target: landmarks.subarray(i * width, (i + 1) * width),
  }));
  const record = { ...context, ids, indices, landmarks: faces.map((face) => Array.from(face.target)) };
  await writeFileAtomically(join(target, "batch.json"), [`${JSON.stringify(record, null, 2)}\n`]);
  await writeFileAtomically(join(target, "batch.png"), [encodePng(drawFaces(faces, imageSize))]);
  return target;
}
