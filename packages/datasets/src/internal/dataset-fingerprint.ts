import { createHash } from "node:crypto";
import { stat } from "node:fs/promises";
import type { FaceDataset } from "@acr/core";
import type { OpenedDataset } from "../opened-dataset.js";

/** SHA-256 over labels, and over size and time of change of each picture file: changes whenever the source does. */
export async function datasetFingerprint(dataset: FaceDataset, settings: object): Promise<string> {
  const hash = createHash("sha256");
  hash.update(JSON.stringify([dataset.scheme.id, dataset.length, settings]));
  const opened = dataset as Partial<OpenedDataset>;
  for (const source of opened.sources ?? []) await addFile(hash, source);
  for (let i = 0; i < dataset.length; i++) {
    const described = opened.describe?.(i);
    // Pictures that come from no file tell themselves whether they changed.
    const face = described && (described.file !== undefined || opened.sources) ? described : await dataset.get(i);
    hash.update(face.id);
    hash.update(Float64Array.from([...face.box, ...Array.from(face.landmarks)]));
    if (face.visible) hash.update(Uint8Array.from(face.visible));
    const { file, image } = face as { file?: string; image?: { data: Uint8Array } };
    if (file !== undefined) await addFile(hash, file);
    else if (image) hash.update(image.data);
  }
  return hash.digest("hex");
}

async function addFile(hash: ReturnType<typeof createHash>, file: string): Promise<void> {
  const found = await stat(file).catch(() => undefined);
  hash.update(`${file}:${found?.size}:${found?.mtimeMs}`);
}
