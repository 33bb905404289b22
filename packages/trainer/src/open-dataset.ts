import { type FaceDataset, getLandmarkScheme, InvalidArgumentError } from "@acr/core";
import { open300W, openCofw, openPoints, openWflw, type WflwSplit } from "@acr/datasets";
import { createSyntheticFaces } from "@acr/synthetic";
import type { Recipe } from "./recipe.js";

/** Which faces to open. */
export type DatasetSource = Pick<Recipe, "dataset" | "root" | "skipFaulty" | "synthetic" | "seed">;

/**
 * Opens the faces that a recipe names. Synthetic faces know the splits `train` and `test`, which never share a face.
 *
 * @throws {InvalidArgumentError} a split that the data set does not have.
 * @throws {DataFormatError} the folder or a file in it is faulty and `skipFaulty` is false.
 * @example const faces = await openDataset(parseRecipe({}), "train");
 */
export async function openDataset(source: DatasetSource, split: string): Promise<FaceDataset> {
  const { dataset, root = "", skipFaulty, synthetic, seed } = source;
  switch (dataset) {
    case "300w":
      return open300W({ root, split, skipFaulty });
    case "cofw":
      return openCofw({ root, split: split as "train" | "test", skipFaulty });
    case "wflw":
      return openWflw({ root, split: split as WflwSplit, skipFaulty });
    case "points":
      return openPoints({ root, split, skipFaulty });
    case "synthetic": {
      if (split !== "train" && split !== "test")
        throw new InvalidArgumentError(
          `openDataset: split of synthetic faces must be "train" or "test"; got "${split}".`,
        );
      const train = split === "train";
      return createSyntheticFaces({
        count: train ? synthetic.trainCount : synthetic.valCount,
        // The test faces are the same for every training seed, so that runs can be compared.
        seed: train ? `train:${seed}` : `held-out:${split}`,
        scheme: getLandmarkScheme(synthetic.scheme),
        imageSize: SYNTHETIC_IMAGE_SIZE,
      });
    }
  }
}

/** Side of the rendered pictures in pixels; the crop around the face is about two thirds of it. */
const SYNTHETIC_IMAGE_SIZE = 160;
