import { InvalidArgumentError } from "@acr/core";
import { z } from "zod";
import { describeIssues } from "./internal/describe-issues.js";
import { recipeProblems } from "./internal/recipe-problems.js";

const unit = (name: string) => z.number().gt(0, `${name} must be > 0`).lte(1, `${name} must be <= 1`);
const count = (name: string) => z.number().int(`${name} must be an integer`).min(1, `${name} must be >= 1`);

const learningRateSchedule = z.discriminatedUnion("name", [
  z.strictObject({ name: z.literal("constant") }),
  z.strictObject({
    name: z.literal("cosine"),
    /** Steps of linear warm-up from 0; the cosine runs over all steps, these included. */
    warmupSteps: z.number().int().min(0).default(300),
    /** Where the cosine ends, as a fraction of the learning rate. */
    finalFraction: z.number().min(0).max(1).default(0.01),
  }),
]);

const recipeSchema = z.strictObject({
  formatVersion: z.literal(1).default(1),
  /** Where the faces come from. `synthetic` needs no root. */
  dataset: z.enum(["synthetic", "300w", "cofw", "wflw", "points"]).default("synthetic"),
  root: z.string().optional(),
  trainSplit: z.string().default("train"),
  valSplit: z.string().default("test"),
  skipFaulty: z.boolean().default(false),
  /** Sizes of the two synthetic splits; other data sets have their own. */
  synthetic: z
    .strictObject({
      trainCount: count("trainCount").default(2000),
      valCount: count("valCount").default(300),
      scheme: z.string().default("ibug68"),
    })
    .prefault({}),
  backbone: z.string().default("mobilenet_v2_050"),
  /** Side of the square input in pixels. */
  imageSize: z.number().int().min(32).max(1024).default(112),
  /** How coordinates are read from the features: a head that `createLandmarkModel` knows. */
  head: z.string().default("gap"),
  dropout: z.number().min(0).lt(1).default(0),
  /** A name that `listLosses()` knows. */
  loss: z.string().default("acr"),
  lossOptions: z.record(z.string(), z.json()).default({}),
  /** How the shape model turns labels into the difficulty that ACR needs. */
  difficulty: z
    .strictObject({
      by: z.enum(["variance", "count"]).default("variance"),
      unit: z.enum(["coordinate", "landmark"]).default("coordinate"),
      /** Share of the modes from a point of the training on, the point as a fraction of all epochs. */
      schedule: z
        .array(z.strictObject({ from: z.number().min(0).lt(1), fraction: unit("fraction") }))
        .min(1)
        .default([
          { from: 0, fraction: 0.8 },
          { from: 0.1, fraction: 0.85 },
          { from: 0.2, fraction: 0.9 },
          { from: 0.467, fraction: 0.95 },
          { from: 0.667, fraction: 0.97 },
        ]),
    })
    .prefault({}),
  augmentation: z.enum(["default", "paper", "strong", "none"]).default("default"),
  epochs: count("epochs").default(12),
  batchSize: count("batchSize").default(16),
  learningRate: z.number().gt(0).default(1e-3),
  learningRateSchedule: learningRateSchedule.prefault({ name: "cosine" }),
  optimizer: z
    .strictObject({
      name: z.enum(["adam"]).default("adam"),
      beta1: z.number().min(0).lt(1).default(0.9),
      beta2: z.number().min(0).lt(1).default(0.999),
      epsilon: z.number().gt(0).default(1e-7),
      weightDecay: z.number().min(0).default(0),
      clipNorm: z.number().gt(0).optional(),
    })
    .prefault({}),
  /** The divisor of the NME. */
  normalizer: z.enum(["inter-ocular", "inter-pupil", "box-geometric", "box-diagonal"]).default("inter-ocular"),
  seed: z.number().int().default(0),
  /** tfjs backend; `auto` takes the best one of this machine. */
  backend: z.string().default("auto"),
  threads: count("threads").optional(),
  /** A run folder whose weights are the start. */
  init: z.string().optional(),
});

/** Everything that is needed to repeat a training run. */
export type Recipe = z.infer<typeof recipeSchema>;
/** A recipe as users write it: every field has a default. */
export type RecipeInput = z.input<typeof recipeSchema>;

/**
 * Checks a recipe and fills in the defaults. All problems are reported at once.
 *
 * @param input - a plain object, as read from `recipe.json`.
 * @throws {InvalidArgumentError} unknown fields (with the nearest names), wrong types, values out of range.
 * @example parseRecipe({ loss: "l2", epochs: 3 }).imageSize; // 112
 */
export function parseRecipe(input: unknown): Recipe {
  const result = recipeSchema.safeParse(input);
  const problems = result.success ? recipeProblems(result.data) : describeIssues(recipeSchema, result.error);
  if (result.success) {
    const { dataset, root, difficulty } = result.data;
    if (dataset !== "synthetic" && !root)
      problems.push(`root: the data set "${dataset}" needs the folder that holds it`);
    if (difficulty.schedule[0]!.from !== 0) problems.push("difficulty.schedule: the first stage must start from 0");
    if (difficulty.schedule.some((stage, i, all) => i > 0 && stage.from <= all[i - 1]!.from))
      problems.push("difficulty.schedule: stages must be in rising order of `from`");
  }
  if (problems.length > 0) throw new InvalidArgumentError(`recipe: ${problems.join("; ")}.`);
  return result.data!;
}
