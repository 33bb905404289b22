import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { DataFormatError } from "@acr/core";
import { type LayersModel, loadLayersModel } from "@tensorflow/tfjs-layers";

/**
 * Loads a LayersModel that `saveModel` (or any tfjs) wrote to a folder.
 *
 * @throws {DataFormatError} a file is absent or is no tfjs model.
 * @example const model = await loadModel("runs/a/model");
 */
export async function loadModel(folder: string): Promise<LayersModel> {
  const file = join(folder, "model.json");
  const read = (path: string) =>
    readFile(path).catch((cause) => {
      throw new DataFormatError("cannot be read; expected a saved tfjs model here.", { file: path, cause });
    });
  const { modelTopology, weightsManifest } = JSON.parse((await read(file)).toString("utf8"));
  if (!modelTopology || !Array.isArray(weightsManifest))
    throw new DataFormatError("is not a tfjs LayersModel.", { file });
  const buffers: Buffer[] = [];
  for (const { paths } of weightsManifest) for (const path of paths) buffers.push(await read(join(folder, path)));
  const bytes = Buffer.concat(buffers);
  const weightData = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength) as ArrayBuffer;
  const weightSpecs = weightsManifest.flatMap((group: { weights: [] }) => group.weights);
  return loadLayersModel({ load: async () => ({ modelTopology, weightSpecs, weightData }) });
}
