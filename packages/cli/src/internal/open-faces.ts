import { existsSync, statSync } from "node:fs";
import { type FaceDataset, InvalidArgumentError } from "@acr/core";
import { type OpenedDataset, open300W, openCofw68, openPoints } from "@acr/datasets";
import { openDataset, parseRecipe } from "@acr/trainer";
import type { Command } from "commander";

/** Which faces a `data` command works on. */
export interface FacesFlags {
  dataset: string;
  root?: string;
  split?: string;
  scheme?: string;
  skipFaulty: boolean;
}

/** Faces, with what was left out of them where the reader tells. */
export type OpenFaces = FaceDataset & Partial<OpenedDataset>;

const DATASETS = ["synthetic", "300w", "cofw", "cofw68", "wflw", "points"];

/** Adds the options that name the faces. */
export function addFacesOptions(command: Command): Command {
  return command
    .option("--dataset <name>", "synthetic, 300w, cofw, cofw68, wflw or points", "synthetic")
    .option("--root <path>", "the folder that holds the data set; for points also a .xml, .csv, .json or .acr file")
    .option("--split <name>", "a split, or folders separated by commas (default: train; for points: root itself)")
    .option("--scheme <id>", "landmark scheme of points (default: ibug68)")
    .option("--skip-faulty", "leave faulty samples out instead of refusing", false);
}

/** The split that is meant where none is said. */
export const splitOf = ({ dataset, split }: FacesFlags): string | undefined =>
  split ?? (dataset === "points" ? undefined : dataset === "cofw68" ? "test" : "train");

/** Opens the faces that the flags name. */
export async function openFaces(flags: FacesFlags, overrides: Partial<FacesFlags> = {}): Promise<OpenFaces> {
  const { dataset, root, scheme, skipFaulty } = { ...flags, ...overrides };
  const split = splitOf({ ...flags, ...overrides });
  if (!DATASETS.includes(dataset))
    throw new InvalidArgumentError(`acr data: --dataset must be one of ${DATASETS.join(", ")}; got ${dataset}.`);
  if (dataset !== "synthetic" && root === undefined)
    throw new InvalidArgumentError(`acr data: --dataset ${dataset} needs --root, the folder that holds it; got none.`);
  if (dataset === "cofw68") {
    return openCofw68({ root: root!, skipFaulty });
  }
  // parseRecipe knows which data sets exist and which need a root.
  const recipe = parseRecipe({ dataset, ...(root !== undefined && { root }), skipFaulty });
  if (scheme !== undefined && recipe.dataset !== "points")
    throw new InvalidArgumentError(`acr data: --scheme is for --dataset points; ${dataset} has its own.`);
  if (recipe.dataset === "points")
    return openPoints({
      root: recipe.root!,
      skipFaulty,
      ...(split !== undefined && { split }),
      ...(scheme !== undefined && { scheme }),
    });
  // The inspection tells of short splits itself, once.
  if (recipe.dataset === "300w")
    return open300W({ root: recipe.root!, split: split!, skipFaulty, onWarning: () => {} });
  return openDataset(recipe, split!);
}

/** Whether a path is a file. */
export const isFile = (path: string | undefined): path is string =>
  path !== undefined && existsSync(path) && statSync(path).isFile();

/** One line on a terminal that counts faces. */
export function faceProgress(verb: string): (done: number, total: number) => void {
  let shown = 0;
  return (done, total) => {
    const now = Date.now();
    if (!process.stderr.isTTY || (done < total && now - shown < 200)) return;
    shown = now;
    process.stderr.write(`\r${verb} ${done} of ${total} faces${done === total ? "\n" : ""}`);
  };
}
