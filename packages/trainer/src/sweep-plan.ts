import { createRandom, InvalidArgumentError } from "@acr/core";
import { z } from "zod";
import { describeIssues } from "./internal/describe-issues.js";
import { parseRecipe, type Recipe } from "./recipe.js";
import { setRecipeField } from "./set-recipe-field.js";

const range = z
  .strictObject({
    min: z.number(),
    max: z.number(),
    /** `log` draws the logarithm evenly. */
    scale: z.enum(["linear", "log"]).default("linear"),
    integer: z.boolean().default(false),
  })
  .refine(({ min, max }) => min < max, "min must be < max")
  .refine(({ min, scale }) => scale === "linear" || min > 0, "min must be > 0 for scale log");

const planSchema = z.strictObject({
  formatVersion: z.literal(1).default(1),
  /** Names the queue and the results. */
  name: z
    .string()
    .regex(/^[A-Za-z0-9][A-Za-z0-9._-]*$/, "name must consist of letters, digits, dots, dashes and underscores")
    .default("sweep"),
  /** What all trials share. */
  recipe: z.record(z.string(), z.json()).default({}),
  /** Named settings of recipe fields by path, one trial each (times `parameters` and `seeds`), most important first. */
  trials: z
    .array(z.strictObject({ name: z.string().min(1), set: z.record(z.string(), z.json()).default({}) }))
    .min(1)
    .optional(),
  /** `grid` takes every combination of `parameters`, `random` draws `count` of them. */
  search: z.enum(["grid", "random"]).default("grid"),
  /** Values by recipe path: a list of choices, or for a random search also a range. */
  parameters: z.record(z.string(), z.union([z.array(z.json()).min(1), range])).default({}),
  /** Combinations a random search draws; one that is drawn again counts, but runs once. */
  count: z.number().int().min(1).default(20),
  /** Seed of the draws. */
  searchSeed: z.number().int().default(0),
  /** Every trial runs once with each seed; all trials with the first one come first. Default: the recipe's seed. */
  seeds: z.array(z.number().int()).min(1).optional(),
  /** Successive halving: after each rung only the best 1/eta of the trials go on. Default: all trials run to the end. */
  halving: z
    .strictObject({
      /** Epochs of the first rung. */
      minEpochs: z.number().int().min(1),
      /** Rungs lie at minEpochs · eta^i. */
      eta: z.number().min(1.5).default(3),
    })
    .optional(),
});

/** A sweep as data. */
export type SweepPlan = z.infer<typeof planSchema>;
/** A plan as users write it: every field has a default. */
export type SweepPlanInput = z.input<typeof planSchema>;

/** One training run of a sweep. */
export interface SweepTrial {
  /** Place in the plan, from 0. */
  index: number;
  /** Name of its folder: index, name and seed. */
  id: string;
  name: string;
  seed: number;
  /** What differs from the shared recipe, by path. */
  values: Record<string, unknown>;
  recipe: Recipe;
}

/**
 * Checks a sweep plan and fills in its defaults.
 *
 * @throws {InvalidArgumentError} all problems at once, unknown fields with the nearest names.
 * @example parseSweepPlan({ recipe: { epochs: 5 }, parameters: { loss: ["l2", "acr"] }, seeds: [1, 2] });
 */
export function parseSweepPlan(input: unknown): SweepPlan {
  const result = planSchema.safeParse(input);
  if (!result.success)
    throw new InvalidArgumentError(`sweep plan: ${describeIssues(planSchema, result.error).join("; ")}.`);
  const plan = result.data;
  const ranges = Object.keys(plan.parameters).filter((path) => !Array.isArray(plan.parameters[path]));
  if (plan.search === "grid" && ranges.length > 0)
    throw new InvalidArgumentError(
      `sweep plan: ${ranges.join(", ")}: a grid needs lists of values; ranges are for search "random".`,
    );
  const named = (plan.trials ?? []).flatMap(({ set }) => Object.keys(set));
  if ([...named, ...Object.keys(plan.parameters)].includes("seed"))
    throw new InvalidArgumentError("sweep plan: seed: list the seeds under `seeds`.");
  // The same run twice would pass for two, with no spread between them.
  const lists = { seeds: plan.seeds, "names of trials": plan.trials?.map(({ name }) => name), ...plan.parameters };
  const repeated = Object.entries(lists).flatMap(([field, values]) =>
    Array.isArray(values) && new Set(values.map((value) => JSON.stringify(value))).size < values.length ? [field] : [],
  );
  if (repeated.length > 0)
    throw new InvalidArgumentError(`sweep plan: ${repeated.join(", ")}: a value stands there twice.`);
  return plan;
}

/**
 * The trials of a plan, in the order in which they run. The same plan always gives the same trials.
 *
 * @throws {InvalidArgumentError} a recipe of a trial is wrong; all faulty trials at once.
 * @example expandSweep(parseSweepPlan({ parameters: { loss: ["l2", "acr"] } })).map(({ id }) => id); // ["0000-l2-s0", "0001-acr-s0"]
 */
export function expandSweep(plan: SweepPlan): SweepTrial[] {
  const combinations = plan.search === "grid" ? gridOf(plan) : drawsOf(plan);
  const named = plan.trials ?? [{ name: "", set: {} }];
  const trials: SweepTrial[] = [];
  const problems: string[] = [];
  for (const seed of plan.seeds ?? [(plan.recipe.seed as number | undefined) ?? 0]) {
    for (const { name, set } of named) {
      for (const combination of combinations) {
        const values: Record<string, unknown> = { ...set, ...combination };
        const label = [name, ...Object.values(combination).map(labelOf)].filter((part) => part !== "").join("-");
        const index = trials.length;
        const id = `${String(index).padStart(4, "0")}-${`${label || "trial"}-s${seed}`.replaceAll(/[^A-Za-z0-9._-]+/g, "_").slice(0, 80)}`;
        const recipe = structuredClone(plan.recipe) as Record<string, unknown>;
        try {
          for (const [path, value] of Object.entries(values)) setRecipeField(recipe, path, structuredClone(value));
          const parsed = parseRecipe({ ...recipe, seed });
          trials.push({ index, id, name: label || "trial", seed, values, recipe: parsed });
        } catch (error) {
          problems.push(`trial ${label || index}: ${(error as Error).message}`);
        }
      }
    }
  }
  if (problems.length > 0) throw new InvalidArgumentError(`sweep plan: ${[...new Set(problems)].join(" ")}`);
  return trials;
}

const labelOf = (value: unknown) => (typeof value === "object" ? JSON.stringify(value) : String(value));

function gridOf({ parameters }: SweepPlan): Record<string, unknown>[] {
  let combinations: Record<string, unknown>[] = [{}];
  for (const [path, values] of Object.entries(parameters))
    combinations = combinations.flatMap((base) => (values as unknown[]).map((value) => ({ ...base, [path]: value })));
  return combinations;
}

function drawsOf({ parameters, count, searchSeed }: SweepPlan): Record<string, unknown>[] {
  const draws = Array.from({ length: count }, (_, i) => {
    const draw: Record<string, unknown> = {};
    for (const [path, space] of Object.entries(parameters)) {
      const random = createRandom(searchSeed).fork("sweep", path, i);
      if (Array.isArray(space)) {
        draw[path] = space[random.integer(space.length)];
        continue;
      }
      const { min, max, scale, integer } = space;
      const value = scale === "log" ? Math.exp(random.uniform(Math.log(min), Math.log(max))) : random.uniform(min, max);
      draw[path] = integer ? Math.round(value) : Number(value.toPrecision(6));
    }
    return draw;
  });
  // Choices alone may be drawn again: a combination is tried once.
  return [...new Map(draws.map((draw) => [JSON.stringify(draw), draw])).values()];
}
