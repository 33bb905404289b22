import { checkOptions, InvalidArgumentError } from "@acr/core";
import { evaluateLoss } from "./internal/evaluate-loss.js";
import { LOSS_RULES, lossKey } from "./internal/loss-rules.js";
import { makeLoss } from "./internal/make-loss.js";
import type { Loss, LossSpec } from "./loss.js";
import { type PerGroupOptions, perGroup } from "./per-group.js";
import { type PoseBins, poseBalanced } from "./pose-balanced.js";
import { type UncertaintyWeightedOptions, uncertaintyWeighted } from "./uncertainty-weighted.js";
import { weightedSum } from "./weighted-sum.js";
import { withVisibility } from "./with-visibility.js";

/** Parts of the options that hold other losses, as JSON. */
interface CompositionOptions {
  loss?: unknown;
  losses?: unknown;
  scheme?: unknown;
  weights?: unknown;
}

function fromSpec(functionName: string, spec: unknown): Loss {
  if (typeof spec === "string") return createLoss(spec);
  if (!spec || typeof spec !== "object" || !("name" in spec)) {
    throw new InvalidArgumentError(
      `createLoss: ${functionName} takes losses as { name, options }; got ${typeof spec}.`,
    );
  }
  checkOptions(`createLoss: a loss of ${functionName}`, spec, ["name", "options", "weight"]);
  const { name, options } = spec as LossSpec;
  return createLoss(name, options);
}

function listOf(functionName: string, losses: unknown): unknown[] {
  if (!Array.isArray(losses))
    throw new InvalidArgumentError(`createLoss: ${functionName} takes an array of losses; got ${typeof losses}.`);
  return losses;
}

const COMPOSITIONS: Readonly<Record<string, (options: CompositionOptions) => Loss>> = {
  weightedSum: ({ losses, ...rest }) => {
    checkOptions("weightedSum", rest, ["losses"]);
    return weightedSum(
      listOf("weightedSum", losses).map((spec) => ({
        loss: fromSpec("weightedSum", spec),
        weight: (spec as { weight?: number }).weight ?? 1,
      })),
    );
  },
  perGroup: ({ loss, scheme, weights, ...rest }) =>
    perGroup(
      fromSpec("perGroup", loss),
      scheme as Parameters<typeof perGroup>[1],
      weights as Record<string, number>,
      rest as PerGroupOptions,
    ),
  withVisibility: ({ loss, ...rest }) => {
    checkOptions("withVisibility", rest, ["loss"]);
    return withVisibility(fromSpec("withVisibility", loss));
  },
  poseBalanced: ({ loss, ...bins }) => poseBalanced(fromSpec("poseBalanced", loss), bins as PoseBins),
  uncertaintyWeighted: ({ losses, ...rest }) =>
    uncertaintyWeighted(
      listOf("uncertaintyWeighted", losses).map((spec) => fromSpec("uncertaintyWeighted", spec)),
      rest as UncertaintyWeightedOptions,
    ),
};

/**
 * A loss by name, for recipes and command lines. Options are checked at once; no tfjs backend needs to run for that.
 *
 * @param name - one of `listLosses()`, the function's own name (`"wingLoss"`), or a composition (`"weightedSum"`,
 *   `"perGroup"`, `"withVisibility"`, `"poseBalanced"`, `"uncertaintyWeighted"`).
 * @param options - the options of that loss that are plain JSON; a composition's hold its losses as `{ name, options }`.
 * @returns the loss; `JSON.stringify(loss.options)` and `loss.lossName` rebuild it.
 * @throws {InvalidArgumentError} unknown name or option (with the nearest valid one), or a value out of range.
 * @example
 * const loss = createLoss("acr", { lambda: 5, scale: 10 });
 * loss(predictions, targets, { difficulty });
 */
export function createLoss(name: string, options: object = {}): Loss {
  const key = lossKey("createLoss", name, [...Object.keys(LOSS_RULES), ...Object.keys(COMPOSITIONS)]);
  if (options === null || typeof options !== "object" || Array.isArray(options)) {
    const got = options === null ? "null" : Array.isArray(options) ? "an array" : typeof options;
    throw new InvalidArgumentError(`createLoss: options of ${key} must be an object; got ${got}.`);
  }
  const composition = COMPOSITIONS[key];
  if (composition) return composition(options);
  for (const tensorOption of ["difficulty", "weights"]) {
    if (tensorOption in options)
      throw new InvalidArgumentError(
        `createLoss: ${tensorOption} changes with each batch; pass it when the loss is called.`,
      );
  }
  const rule = LOSS_RULES[key]!(options);
  const { reduction: usual } = options as { reduction?: "mean" | "sum" | "none" };
  return makeLoss(
    key,
    options,
    rule.needsDifficulty ? ["difficulty"] : [],
    (predictions, targets, { difficulty, weights, reduction = usual }) =>
      evaluateLoss(rule, predictions, targets, { difficulty, weights, reduction }),
  );
}
