import type { Tensor } from "@tensorflow/tfjs-core";
import type { Reduction } from "./internal/check.js";

/** What changes from batch to batch. A loss takes what it needs and ignores the rest, so that parts of a sum can differ. */
export interface LossBatch {
  /** Φ `[B, K, 2]`, `[B, K, 1]` or `[B, K]`, for losses that need it. */
  difficulty?: Tensor;
  /** Multiply the loss of each landmark or coordinate; see `LossOptions`. */
  weights?: Tensor;
  /** 1 where a landmark counts, 0 where it is hidden or unlabelled: `[B, K]`, for `withVisibility`. */
  visibility?: Tensor;
  /** First shape coefficients `[B]`, `[B, 1]` or `[B, M]` (the first is taken), for `poseBalanced`. */
  pose?: Tensor;
  reduction?: Reduction;
}

/** A batch field that a loss cannot do without. */
export type LossNeed = "difficulty" | "visibility" | "pose";

/** A loss by name and options, as JSON: what `createLoss` takes. */
export interface LossSpec {
  name: string;
  options?: object;
}

/** A loss with its options fixed. `lossName` and `options` rebuild it: `createLoss(loss.lossName, loss.options)`. */
export interface Loss {
  (predictions: Tensor, targets: Tensor, batch?: LossBatch): Tensor;
  readonly lossName: string;
  /** Plain JSON. */
  readonly options: Readonly<Record<string, unknown>>;
  /** Batch fields that every call must pass. */
  readonly needs: readonly LossNeed[];
  /** True when calls must pass `difficulty`. */
  readonly needsDifficulty: boolean;
}
