import { checkOptions, InvalidArgumentError, nearestNames } from "@acr/core";
import { getBackend, type Tensor, tidy, zeros } from "@tensorflow/tfjs-core";
import { acrLoss } from "./acr-loss.js";
import { charbonnierLoss } from "./charbonnier-loss.js";
import { huberLoss } from "./huber-loss.js";
import type { Reduction } from "./internal/elementwise-loss.js";
import { l1Loss } from "./l1-loss.js";
import { l2Loss } from "./l2-loss.js";
import { logCoshLoss } from "./log-cosh-loss.js";
import { rectifiedWingLoss } from "./rectified-wing-loss.js";
import { smoothL1Loss } from "./smooth-l1-loss.js";
import { softWingLoss } from "./soft-wing-loss.js";
import { wingLoss } from "./wing-loss.js";

/** Tensors that change from batch to batch. */
export interface LossBatch {
  /** Φ, for losses that need it; others ignore it. */
  difficulty?: Tensor;
  weights?: Tensor;
  reduction?: Reduction;
}

/** A loss with its options fixed. `lossName` and `options` rebuild it: `createLoss(loss.lossName, loss.options)`. */
export interface Loss {
  (predictions: Tensor, targets: Tensor, batch?: LossBatch): Tensor;
  readonly lossName: string;
  readonly options: Readonly<Record<string, unknown>>;
  /** True when calls must pass `difficulty`. */
  readonly needsDifficulty: boolean;
}

type LossFunction = (predictions: Tensor, targets: Tensor, options?: never) => Tensor;

const LOSSES: Record<string, LossFunction> = {
  acr: acrLoss,
  charbonnier: charbonnierLoss,
  huber: huberLoss,
  l1: l1Loss,
  l2: l2Loss,
  logCosh: logCoshLoss,
  rectifiedWing: rectifiedWingLoss,
  smoothL1: smoothL1Loss,
  softWing: softWingLoss,
  wing: wingLoss,
};

/**
 * The names that `createLoss` knows.
 *
 * @example listLosses(); // ["acr", "charbonnier", …]
 */
export function listLosses(): string[] {
  return Object.keys(LOSSES);
}

/**
 * A loss by name, for recipes and command lines. Options are checked at once when a tfjs backend is running, else by the
 * first call.
 *
 * @param name - one of `listLosses()`; the function's own name, e.g. `"wingLoss"`, works too.
 * @param options - the options of that loss that are plain JSON.
 * @throws {InvalidArgumentError} unknown name or option (with the nearest valid one), or a value out of range.
 * @example
 * const loss = createLoss("acr", { lambda: 5, scale: 10 });
 * loss(predictions, targets, { difficulty });
 */
export function createLoss(name: string, options: object = {}): Loss {
  const key = Object.hasOwn(LOSSES, name) ? name : String(name).replace(/Loss$/, "");
  if (!Object.hasOwn(LOSSES, key)) {
    throw new InvalidArgumentError(
      `createLoss: unknown loss "${name}"; did you mean ${nearestNames(String(name), listLosses(), 1)[0]}? Valid names: ${listLosses().join(", ")}.`,
    );
  }
  const lossFunction = LOSSES[key] as unknown as (predictions: Tensor, targets: Tensor, options: object) => Tensor;
  const needsDifficulty = key === "acr";
  for (const tensorOption of ["difficulty", "weights"]) {
    if (tensorOption in options)
      throw new InvalidArgumentError(
        `createLoss: ${tensorOption} changes with each batch; pass it when the loss is called.`,
      );
  }
  const fixed = { ...options };
  const loss = (predictions: Tensor, targets: Tensor, batch: LossBatch = {}) => {
    checkOptions(`${key} loss`, batch, ["difficulty", "weights", "reduction"]);
    const { difficulty, weights, reduction } = batch;
    return lossFunction(predictions, targets, {
      ...fixed,
      ...(needsDifficulty && difficulty && { difficulty }),
      ...(weights && { weights }),
      ...(reduction && { reduction }),
    });
  };
  // One call on nothing finds wrong values here rather than in the first training step; it needs a started backend.
  if (getBackend())
    tidy(() => loss(zeros([1, 1, 2]), zeros([1, 1, 2]), needsDifficulty ? { difficulty: zeros([1, 1, 2]) } : {}));
  return Object.assign(loss, { lossName: key, options: Object.freeze(fixed), needsDifficulty });
}
