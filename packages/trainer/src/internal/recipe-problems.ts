import { listBackbones, listHeads } from "@acr/backbones";
import { getLandmarkScheme, nearestNames } from "@acr/core";
import { createLoss, listLosses } from "@acr/loss";
import type { Recipe } from "../recipe.js";
import { foreignOptimizerFields } from "./optimizer-defaults.js";

/** Landmark schemes of the data sets that have one; folders of points say theirs when they are opened. */
const SCHEMES: Partial<Record<Recipe["dataset"], string>> = { "300w": "ibug68", cofw: "cofw29", wflw: "wflw98" };

/** The scheme of a source of faces, where it is known without opening it. */
export const schemeOf = ({ dataset, synthetic }: Pick<Recipe, "dataset" | "synthetic">): string | undefined =>
  dataset === "synthetic" ? synthetic.scheme : SCHEMES[dataset];

/** What is wrong with a recipe whose fields are each valid. Reads nothing but the recipe. */
export function recipeProblems(recipe: Recipe): string[] {
  const problems: string[] = [];
  const check = (field: string, isRight: boolean, what: string) => {
    if (!isRight) problems.push(`${field}: ${what}`);
  };
  const checkName = (field: string, name: string, known: readonly string[]) =>
    check(field, known.includes(name), `unknown name "${name}"; did you mean ${nearestNames(name, known, 1)[0]}?`);
  const attempt = (field: string, action: () => unknown) => {
    try {
      action();
    } catch (error) {
      problems.push(`${field}: ${(error as Error).message.replace(/\.$/, "")}`);
    }
  };

  const sources = [{ field: "", ...recipe }, ...recipe.mix.map((source, i) => ({ field: `mix.${i}.`, ...source }))];
  for (const source of sources) {
    const { field, dataset, root } = source;
    check(
      `${field}root`,
      dataset === "synthetic" || !!root,
      `the data set "${dataset}" needs the folder that holds it`,
    );
    attempt(`${field}synthetic.scheme`, () => getLandmarkScheme(source.synthetic.scheme));
  }
  const scheme = schemeOf(recipe);
  for (const [i, source] of recipe.mix.entries()) {
    const other = schemeOf(source);
    check(
      `mix.${i}`,
      scheme === undefined || other === undefined || scheme === other,
      `its faces have the landmarks of ${other}, those of ${recipe.dataset} are ${scheme}; only one scheme can be trained`,
    );
  }

  const { by, tag } = recipe.balance;
  check("balance.tag", by !== "class" || tag !== undefined, "must name the attribute whose values are the classes");
  check("balance.tag", by === "class" || tag === undefined, `has no meaning with by "${by}"`);
  checkName("backbone", recipe.backbone, listBackbones());
  checkName("head", recipe.head, listHeads());
  const lossName = recipe.loss.replace(/Loss$/, "");
  checkName("loss", lossName, listLosses());
  if (listLosses().includes(lossName)) attempt("lossOptions", () => createLoss(lossName, recipe.lossOptions));
  check(
    "difficulty.shapeModel",
    recipe.difficulty.shapeModel === undefined || lossName === "acr" || recipe.labelSmoothing.amount > 0,
    `the loss ${recipe.loss} uses no shape model`,
  );

  const { schedule } = recipe.difficulty;
  const starts = schedule.map((stage) => ("from" in stage ? stage.from * recipe.epochs : stage.fromEpoch));
  check(
    "difficulty.schedule",
    schedule.every((stage) => "from" in stage) || schedule.every((stage) => "fromEpoch" in stage),
    "give all stages by `from` or all by `fromEpoch`",
  );
  check("difficulty.schedule", starts[0] === 0, "the first stage must start at 0");
  check(
    "difficulty.schedule",
    starts.every((start, i) => i === 0 || start > starts[i - 1]!),
    "stages must be in rising order",
  );

  const rate = recipe.learningRateSchedule;
  if (rate.name === "step")
    check(
      "learningRateSchedule.milestones",
      rate.milestones.every((epoch, i) => i === 0 || epoch > rate.milestones[i - 1]!),
      "must be in rising order",
    );
  for (const field of foreignOptimizerFields(recipe.optimizer.name, recipe.optimizer))
    problems.push(`optimizer.${field}: ${recipe.optimizer.name} has no such value`);
  check("weights", recipe.weights === undefined || recipe.init === undefined, "and init exclude each other");
  check("initHead", recipe.initHead === "keep" || recipe.init !== undefined, "has no meaning without init");
  return problems;
}
