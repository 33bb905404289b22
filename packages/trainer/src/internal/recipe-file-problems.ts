import { existsSync, statSync } from "node:fs";
import { join } from "node:path";
import { getLandmarkScheme } from "@acr/core";
import type { Recipe } from "../recipe.js";
import { readRecipe, runFiles } from "../run-folder.js";
import { readShapeModel } from "./read-shape-model.js";
import { schemeOf } from "./recipe-problems.js";

/**
 * What a recipe names and the disk does not have, or has with other landmarks. Reads small files only: no picture, no
 * weight, no label.
 */
export async function recipeFileProblems(recipe: Recipe): Promise<string[]> {
  const problems: string[] = [];
  const sources = [
    { field: "root", ...recipe },
    ...recipe.mix.map((source, i) => ({ field: `mix.${i}.root`, ...source })),
  ];
  for (const { field, dataset, root } of sources) {
    if (dataset === "synthetic" || root === undefined) continue;
    if (!existsSync(root)) problems.push(`${field}: the folder "${root}" does not exist`);
    else if (!statSync(root).isDirectory()) problems.push(`${field}: "${root}" is a file; expected a folder`);
  }
  const scheme = schemeOf(recipe);
  const wanted = scheme === undefined ? undefined : getLandmarkScheme(scheme).landmarkCount;
  const { shapeModel } = recipe.difficulty;
  if (shapeModel !== undefined) {
    try {
      const { landmarkCount } = await readShapeModel(shapeModel);
      if (wanted !== undefined && landmarkCount !== wanted)
        problems.push(
          `difficulty.shapeModel: "${shapeModel}" has ${landmarkCount} landmarks; the data set ${recipe.dataset} has ${wanted}`,
        );
    } catch (error) {
      problems.push(`difficulty.shapeModel: ${(error as Error).message}`);
    }
  }
  const file = recipe.weights?.file;
  if (file !== undefined && !file.includes("://") && !existsSync(file))
    problems.push(`weights.file: "${file}" does not exist`);
  if (recipe.init !== undefined) problems.push(...(await initProblems(recipe, recipe.init, wanted)));
  return problems;
}

async function initProblems(recipe: Recipe, init: string, wanted: number | undefined): Promise<string[]> {
  if (!existsSync(join(runFiles(init).model, "model.json")))
    return [`init: "${init}" holds no model; expected the folder of a run`];
  const problems: string[] = [];
  // A model without its recipe can still be the start; its weights are compared when they are loaded.
  const source = await readRecipe(init).catch(() => undefined);
  if (!source) return problems;
  const scheme = schemeOf(source);
  const count = scheme === undefined ? undefined : getLandmarkScheme(scheme).landmarkCount;
  if (recipe.initHead === "keep" && count !== undefined && wanted !== undefined && count !== wanted)
    problems.push(
      `init: the model in "${init}" predicts ${count} landmarks; the data set ${recipe.dataset} has ${wanted}. Say initHead: "new" to start the head afresh`,
    );
  if (recipe.initHead === "keep" && source.head !== recipe.head)
    problems.push(
      `init: the model in "${init}" has the head ${source.head}; the recipe says ${recipe.head}. Say initHead: "new" to start the head afresh`,
    );
  if (source.backbone !== recipe.backbone)
    problems.push(`init: the model in "${init}" is a ${source.backbone}; the recipe says ${recipe.backbone}`);
  return problems;
}
