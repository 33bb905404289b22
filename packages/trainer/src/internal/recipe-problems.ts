import { listBackbones } from "@acr/backbones";
import { nearestNames } from "@acr/core";
import { listLosses } from "@acr/loss";
import type { Recipe } from "../recipe.js";

/** What is wrong with a recipe whose fields are each valid: names that no registry knows. */
export function recipeProblems(recipe: Recipe): string[] {
  const problems: string[] = [];
  const checkName = (field: string, name: string, known: readonly string[]) => {
    if (!known.includes(name))
      problems.push(`${field}: unknown name "${name}"; did you mean ${nearestNames(name, known, 1)[0]}?`);
  };
  checkName("loss", recipe.loss.replace(/Loss$/, ""), listLosses());
  checkName("backbone", recipe.backbone, listBackbones());
  return problems;
}
