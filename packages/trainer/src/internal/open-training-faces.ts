import { createRandom, type Face, type FaceDataset, InvalidArgumentError } from "@acr/core";
import { classRepeats } from "../class-repeats.js";
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
  if (recipe.balance.by !== "none") {
    for (const part of parts) {
      const repeats = await repeatsOf(part.faces, recipe.balance);
      part.indices = part.indices.flatMap((index) => Array.from({ length: repeats[index]! }, () => index));
    }
  }
  if (parts.length === 1 && parts[0]!.indices.length === main.length) return main;
  return mixedFaces(parts);
}

const range = (length: number) => Array.from({ length }, (_, i) => i);

async function repeatsOf(faces: FaceDataset, balance: Recipe["balance"]): Promise<number[]> {
  const labels = await labelsOf(faces);
  if (balance.by === "pose") {
    const shapes = labels.map(({ landmarks }) => landmarks);
    return poseRepeats(shapes, { scheme: faces.scheme, ...balance });
  }
  const tag = balance.tag!;
  const known = [...new Set(labels.flatMap(({ tags }) => Object.keys(tags ?? {})))];
  if (!known.includes(tag))
    throw new InvalidArgumentError(
      `train: balance.tag: no face of ${faces.name} has "${tag}"; ${known.length > 0 ? `its faces have ${known.join(", ")}` : "its faces have no attributes"}.`,
    );
  return classRepeats(
    labels.map(({ tags }) => String(tags?.[tag])),
    balance,
  );
}

type Labels = Pick<Face, "landmarks" | "tags">;

/** Labels of all faces; decodes no picture where the data set can describe without. */
async function labelsOf(faces: FaceDataset): Promise<Labels[]> {
  const { describe } = faces as { describe?: (index: number) => Labels };
  const labels: Labels[] = [];
  for (let i = 0; i < faces.length; i++) labels.push(describe ? describe.call(faces, i) : await faces.get(i));
  return labels;
}
