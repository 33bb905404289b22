import { InvalidArgumentError } from "@acr/core";
import { z } from "zod";
import { describeIssues } from "./internal/describe-issues.js";
import { lossDefaults } from "./internal/loss-defaults.js";
import { optimizerDefaults } from "./internal/optimizer-defaults.js";
import { recipeProblems } from "./internal/recipe-problems.js";

const fraction = () => z.number().gt(0, "must be > 0").lte(1, "must be <= 1");
const count = () => z.number().int("must be an integer").min(1, "must be >= 1");

const datasetName = z.enum(["synthetic", "300w", "cofw", "wflw", "points"]);

const synthetic = z.strictObject({
  trainCount: count().default(2000).describe("Faces of the split `train`."),
  valCount: count().default(300).describe("Faces of any other split."),
  scheme: z.string().default("ibug68").describe("Landmark scheme."),
});

const learningRateSchedule = z.discriminatedUnion("name", [
  z.strictObject({ name: z.literal("constant").describe("The rate stays.") }),
  z.strictObject({
    name: z.literal("time-decay").describe("Keras' `decay`: learningRate / (1 + decay · step)."),
    decay: z.number().min(0).default(1e-5).describe("The paper's is 1e-5."),
  }),
  z.strictObject({
    name: z.literal("cosine").describe("Half a cosine over all steps, with linear warm-up."),
    warmupSteps: z
      .number()
      .int()
      .min(0)
      .default(300)
      .describe("Steps from 0 to the full rate; the cosine runs over all steps, these included."),
    finalFraction: z
      .number()
      .min(0)
      .max(1)
      .default(0.01)
      .describe("Where the cosine ends, as a fraction of learningRate."),
  }),
  z.strictObject({
    name: z.literal("step").describe("Multiplied by `factor` at each milestone."),
    milestones: z.array(z.number().int().min(1)).min(1).describe("Epochs after which the rate drops, rising."),
    factor: fraction().default(0.1).describe("What the rate is multiplied by."),
  }),
  z.strictObject({
    name: z.literal("plateau").describe("Multiplied by `factor` when the validation NME has stood still."),
    factor: fraction().default(0.5).describe("What the rate is multiplied by."),
    patience: count().default(5).describe("Epochs without improvement before the rate drops."),
    minImprovement: z.number().min(0).default(0).describe("Smaller gains count as none, in percent points of NME."),
    minFraction: z
      .number()
      .min(0)
      .max(1)
      .default(0.001)
      .describe("The rate never falls below this fraction of learningRate."),
  }),
]);

const stage = z.union([
  z.strictObject({
    from: z.number().min(0).lt(1).describe("Start, as a fraction of all epochs."),
    fraction: fraction().describe("Share of the modes."),
  }),
  z.strictObject({
    fromEpoch: z.number().int().min(0).describe("Start, as a zero-based epoch."),
    fraction: fraction().describe("Share of the modes."),
  }),
]);

/** @internal The schema itself; `recipeJsonSchema` gives it to others as JSON. */
export const recipeSchema = z.strictObject({
  formatVersion: z.literal(1).default(1).describe("Version of this format."),
  dataset: datasetName.default("synthetic").describe("Where the faces come from. `synthetic` needs no root."),
  root: z.string().min(1).optional().describe("The folder that holds the data set."),
  trainSplit: z.string().min(1).default("train").describe("A split's name, or folders separated by commas."),
  valSplit: z.string().min(1).default("test").describe("The same, for validation."),
  skipFaulty: z.boolean().default(false).describe("Leave faulty samples out instead of refusing."),
  synthetic: synthetic.prefault({}).describe("Sizes of the synthetic splits."),
  mix: z
    .array(
      z.strictObject({
        dataset: datasetName.describe("Where these faces come from."),
        root: z.string().min(1).optional().describe("The folder that holds them."),
        split: z.string().min(1).default("train").describe("A split's name, or folders separated by commas."),
        skipFaulty: z.boolean().default(false).describe("Leave faulty samples out instead of refusing."),
        synthetic: synthetic.prefault({}).describe("Sizes of the synthetic splits."),
        weight: z.number().gt(0).max(100).default(1).describe("Faces an epoch, as a multiple of the set's size."),
      }),
    )
    .default([])
    .describe("More training faces, of the same landmark scheme."),
  balance: z
    .strictObject({
      by: z
        .enum(["none", "pose", "class"])
        .default("none")
        .describe("`pose`: rare head turns are shown more often; `class`: rare values of `tag`."),
      tag: z.string().min(1).optional().describe("The attribute that names the class, e.g. `expression` of WFLW."),
      strength: z.number().min(0).max(1).default(0.5).describe("1 shows all classes equally often, 0 as they come."),
      maximumRepeat: z.number().int().min(1).max(20).default(4).describe("No face is shown more often an epoch."),
    })
    .prefault({})
    .describe("Evens out the training faces."),
  backbone: z.string().default("mobilenet_v2_050").describe("One of `listBackbones()`."),
  imageSize: z.number().int().min(32).max(1024).default(112).describe("Side of the square input in pixels."),
  head: z.string().default("gap").describe("How coordinates are read from the features: one of `listHeads()`."),
  dropout: z.number().min(0).lt(1).default(0).describe("Share of features dropped before the last layer."),
  weights: z
    .strictObject({
      file: z.string().min(1).describe("Of Keras or PyTorch (.h5, .weights.h5, .keras, .safetensors): a path or URL."),
      padding: z.enum(["same", "symmetric"]).default("same").describe("`symmetric` for weights of PyTorch."),
      batchNormEpsilon: z.number().gt(0).optional().describe("1e-5 for most weights of PyTorch. Default: Keras'."),
      preprocess: z
        .enum(["minus-one-to-one", "imagenet"])
        .optional()
        .describe("`imagenet` for most weights of PyTorch. Default: the backbone's own."),
    })
    .optional()
    .describe("What the backbone starts with. Absent: random weights."),
  freeze: z
    .array(z.union([z.number().int().min(0), z.string().min(1)]))
    .default([])
    .describe("Parts that do not learn, as `freezeLayers` takes them: indices, stages, layers with *."),
  learningRates: z
    .array(
      z.strictObject({
        part: z.union([z.number().int().min(0), z.string().min(1)]).describe("As in freeze."),
        scale: z.number().gt(0).describe("Multiplies learningRate."),
      }),
    )
    .default([])
    .describe("Parts that learn slower or faster; later ones win where they overlap."),
  loss: z.string().default("acr").describe("One of `listLosses()`."),
  lossOptions: z.record(z.string(), z.json()).default({}).describe("Options of that loss. `acr`: scale 10."),
  difficulty: z
    .strictObject({
      by: z.enum(["variance", "count"]).default("variance").describe("What a share of the modes means."),
      unit: z.enum(["coordinate", "landmark"]).default("landmark").describe("One Φ a coordinate or a landmark."),
      shapeModel: z
        .string()
        .min(1)
        .optional()
        .describe("A file of `acr shape fit`. Default: fitted on the training labels."),
      schedule: z
        .array(stage)
        .min(1)
        .default([
          { from: 0, fraction: 0.8 },
          { from: 0.1, fraction: 0.85 },
          { from: 0.2, fraction: 0.9 },
          { from: 0.467, fraction: 0.95 },
          { from: 0.667, fraction: 0.97 },
        ])
        .describe("Share of the modes in the smooth face, stage by stage."),
    })
    .prefault({})
    .describe("How the shape model turns labels into the difficulty Φ that ACR needs."),
  labelSmoothing: z
    .strictObject({
      amount: z.number().min(0).max(1).default(0).describe("0: the labels as they are; 1: their smooth faces."),
      fraction: fraction().default(0.97).describe("Share of the modes in those smooth faces."),
    })
    .prefault({})
    .describe("Pulls training labels towards shapes that the shape model finds likely."),
  augmentation: z.enum(["default", "paper", "strong", "none"]).default("default").describe("A preset of @acr/augment."),
  epochs: count().default(12).describe("Passes over the training faces."),
  batchSize: count().default(16).describe("Faces a forward pass."),
  accumulate: count().default(1).describe("Batches whose mean gradient makes one optimizer step."),
  learningRate: z.number().gt(0).default(1e-3).describe("Before the schedule."),
  learningRateSchedule: learningRateSchedule
    .prefault({ name: "cosine" })
    .describe("How the rate changes. Without `name`: cosine."),
  optimizer: z
    .strictObject({
      name: z.enum(["adam", "adamw", "sgd", "rmsprop"]).default("adam").describe("Which one."),
      beta1: z.number().min(0).lt(1).optional().describe("adam, adamw. Default 0.9."),
      beta2: z.number().min(0).lt(1).optional().describe("adam, adamw. Default 0.999."),
      epsilon: z.number().gt(0).optional().describe("adam, adamw, rmsprop. Default 1e-7."),
      momentum: z.number().min(0).lt(1).optional().describe("sgd, rmsprop. Default 0.9 and 0."),
      nesterov: z.boolean().optional().describe("sgd. Default false."),
      rho: z.number().min(0).lt(1).optional().describe("rmsprop: decay of the squares. Default 0.9."),
      weightDecay: z.number().min(0).optional().describe("Decoupled. Default 0, adamw 0.01."),
      clipNorm: z.number().gt(0).optional().describe("Largest global norm of a gradient. Default: none."),
    })
    .prefault({})
    .describe("One of `createOptimizer`."),
  ema: z
    .strictObject({ decay: z.number().gt(0).lt(1).default(0.999).describe("Share of the old average kept a step.") })
    .optional()
    .describe("Validate and save a running average of the weights. Absent: the weights themselves."),
  earlyStop: z
    .strictObject({
      patience: count().default(10).describe("Epochs without improvement before the run ends."),
      minImprovement: z.number().min(0).default(0).describe("Smaller gains count as none, in percent points of NME."),
    })
    .optional()
    .describe("Absent: all epochs."),
  checkpointSteps: count()
    .optional()
    .describe("Also write a checkpoint every so many batches. Default: once an epoch."),
  logs: z
    .strictObject({
      tensorboard: z.boolean().default(true).describe("Write event files into the run folder."),
      everySteps: count().default(20).describe("Batches between two points of the loss curve."),
      histogramsEvery: z.number().int().min(0).default(5).describe("Epochs between weight histograms; 0 writes none."),
      samplesEvery: z
        .number()
        .int()
        .min(0)
        .default(5)
        .describe("Epochs between pictures of predictions; 0 draws none."),
      sampleCount: z.number().int().min(1).max(64).default(8).describe("Faces in such a picture."),
    })
    .prefault({})
    .describe("What a run writes beside its metrics."),
  normalizer: z
    .enum(["inter-ocular", "inter-pupil", "box-geometric", "box-diagonal", "face-size"])
    .default("inter-ocular")
    .describe("Divisor of the NME."),
  seed: z.number().int().default(0).describe("Of everything random."),
  backend: z.string().default("auto").describe("tfjs backend; `auto` takes the best one of this machine."),
  threads: count().optional().describe("Threads of the backend. Default: the physical cores."),
  init: z.string().min(1).optional().describe("A run folder whose weights are the start."),
  initHead: z
    .enum(["keep", "new"])
    .default("keep")
    .describe("With init: `new` starts the head afresh, e.g. for other landmarks."),
});

/** Everything that is needed to repeat a training run. */
export type Recipe = z.infer<typeof recipeSchema>;
/** A recipe as users write it: every field has a default. */
export type RecipeInput = z.input<typeof recipeSchema>;

/**
 * Checks a recipe and fills in the defaults, before anything is loaded. All problems are reported at once.
 *
 * @param input - a plain object, as read from `recipe.json`.
 * @throws {InvalidArgumentError} unknown fields and names (with the nearest ones), wrong types, values out of range,
 *   combinations that cannot work.
 * @example parseRecipe({ loss: "l2", epochs: 3 }).imageSize; // 112
 */
export function parseRecipe(input: unknown): Recipe {
  const { recipe, problems } = inspectRecipe(input);
  if (problems.length > 0 || !recipe) throw recipeError(problems);
  return recipe;
}

/**
 * @internal The recipe with its defaults, where its fields are valid each, and everything that is wrong with it; else
 * `rest`, the recipe without its faulty fields, so that what is wrong elsewhere is told at once.
 */
export function inspectRecipe(input: unknown): { recipe?: Recipe; rest?: Recipe; problems: string[] } {
  const named = withScheduleName(input);
  const result = recipeSchema.safeParse(named);
  if (result.success) return { recipe: withDefaults(result.data), problems: recipeProblems(result.data) };
  const problems = describeIssues(recipeSchema, result.error, named);
  const rest = recipeSchema.safeParse(withoutFaults(named, result.error));
  if (!rest.success) return { problems };
  return { rest: withDefaults(rest.data), problems: [...problems, ...recipeProblems(rest.data)] };
}

const withDefaults = (recipe: Recipe): Recipe => ({
  ...recipe,
  lossOptions: { ...lossDefaults(recipe.loss), ...recipe.lossOptions },
  optimizer: { ...optimizerDefaults(recipe.optimizer.name), ...recipe.optimizer },
});

/** Fields that say nothing, or something else, without another one. */
const DEPENDENT: Record<string, string[]> = {
  loss: ["lossOptions", "difficulty", "labelSmoothing"],
  dataset: ["mix", "root", "difficulty", "init", "initHead"],
  synthetic: ["mix", "difficulty", "init", "initHead"],
  epochs: ["difficulty", "learningRateSchedule"],
  init: ["initHead"],
  backbone: ["init", "initHead"],
};

/** A recipe without its unknown fields, the groups in which a value is wrong, and what depends on them. */
function withoutFaults(input: unknown, { issues }: z.ZodError): unknown {
  if (input === null || typeof input !== "object") return input;
  const rest = structuredClone(input) as Record<string, unknown>;
  for (const issue of issues) {
    if (issue.code === "unrecognized_keys") {
      const group = issue.path.reduce<unknown>((at, key) => (at as Record<PropertyKey, unknown>)?.[key], rest);
      for (const key of issue.keys) delete (group as Record<string, unknown> | undefined)?.[key];
    } else {
      const field = String(issue.path[0]);
      for (const name of [field, ...(DEPENDENT[field] ?? [])]) delete rest[name];
    }
  }
  return rest;
}

/** @internal All problems of a recipe in one error. */
export const recipeError = (problems: readonly string[]) =>
  new InvalidArgumentError(`recipe: ${problems.join("; ")}.`.replace(/\?\.$/, "?"));

/** A schedule without a name is the default one, so that `--set learningRateSchedule.warmupSteps=100` works. */
function withScheduleName(input: unknown): unknown {
  const isGroup = (value: unknown): value is object =>
    value !== null && typeof value === "object" && !Array.isArray(value);
  if (!isGroup(input) || !("learningRateSchedule" in input)) return input;
  const { learningRateSchedule: schedule } = input;
  if (!isGroup(schedule) || "name" in schedule) return input;
  return { ...input, learningRateSchedule: { name: "cosine", ...schedule } };
}
