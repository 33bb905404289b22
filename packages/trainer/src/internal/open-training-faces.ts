import { createRandom, type FaceDataset } from "@acr/core";
import { mixedFaces } from "../mixed-faces.js";
import { openDataset } from "../open-dataset.js";
import { poseRepeats } from "../pose-repeats.js";
import type { Recipe } from "../recipe.js";

/** The training faces of a recipe: its data set, what it mixes in, and poses evened out. */
export async function openTrainingFaces(recipe: Recipe): Promise<FaceDataset> {
  const main = await openDataset(recipe, recipe.trainSplit);
  const parts = [{ faces: main, indices: range(main.length) }];
  for (const [i, { split, weight, ...source }] of recipe.mix.entries()) {
    const faces = await openDataset({ ...source, root: source.root, seed: recipe.seed }, split);
    const wanted = Math.max(1, Math.round(weight * faces.length));
    const indices: number[] = [];
    // Whole rounds of all faces, and a random part of the last one: no face much more often than another.
    for (let round = 0; indices.length < wanted; round++)
      indices.push(...createRandom(recipe.seed).fork("mix", i, round).permutation(faces.length));
    parts.push({ faces, indices: indices.slice(0, wanted) });
  }
  if (recipe.balance.by === "pose") {
    const { strength, maximumRepeat } = recipe.balance;
    for (const part of parts) {
      const shapes = await landmarksOf(part.faces);
      const repeats = poseRepeats(shapes, { scheme: part.faces.scheme, strength, maximumRepeat });
      part.indices = part.indices.flatMap((index) => Array.from({ length: repeats[index]! }, () => index));
    }
  }
  if (parts.length === 1 && parts[0]!.indices.length === main.length) return main;
  return mixedFaces(parts);
}

const range = (length: number) => Array.from({ length }, (_, i) => i);

/** Labels of all faces; decodes no picture where the data set can describe without. */
async function landmarksOf(faces: FaceDataset): Promise<ArrayLike<number>[]> {
  const { describe } = faces as { describe?: (index: number) => { landmarks: ArrayLike<number> } };
  const shapes: ArrayLike<number>[] = [];
  for (let i = 0; i < faces.length; i++)
    shapes.push((describe ? describe.call(faces, i) : await faces.get(i)).landmarks);
  return shapes;
}
