import { join } from "node:path";
import { makeFolder } from "@acr/core/node";
import { io } from "@tensorflow/tfjs-core";
import type { LayersModel } from "@tensorflow/tfjs-layers";
import { writeFileAtomically } from "./internal/write-file-atomically.js";

/**
 * Saves a LayersModel as `model.json` and `weights.bin`, the layout every tfjs reads, without needing tfjs-node.
 *
 * @throws {StorageError} the disk is full or read-only; each file is the old or the new one.
 * @example await saveModel(model, "runs/a/model");
 */
export async function saveModel(model: LayersModel, folder: string): Promise<void> {
  await makeFolder(folder);
  await model.save(
    io.withSaveHandler(async ({ weightData, weightSpecs, ...topology }) => {
      const weights = new Uint8Array(io.concatenateArrayBuffers([weightData as ArrayBuffer].flat()));
      await writeFileAtomically(join(folder, "weights.bin"), [weights]);
      const manifest = [{ paths: ["weights.bin"], weights: weightSpecs }];
      const { modelTopology, format, generatedBy, convertedBy } = topology;
      await writeFileAtomically(join(folder, "model.json"), [
        JSON.stringify({ format, generatedBy, convertedBy, modelTopology, weightsManifest: manifest }),
      ]);
      return { modelArtifactsInfo: { dateSaved: new Date(), modelTopologyType: "JSON" } };
    }),
  );
}
