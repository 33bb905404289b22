export { type AcrLossOptions, acrLoss } from "./acr-loss.js";
export { type CharbonnierLossOptions, charbonnierLoss } from "./charbonnier-loss.js";
export { createLoss } from "./create-loss.js";
export { type HuberLossOptions, huberLoss } from "./huber-loss.js";
export type { Reduction } from "./internal/check.js";
export type { LossOptions } from "./internal/evaluate-loss.js";
export { l1Loss } from "./l1-loss.js";
export { l2Loss } from "./l2-loss.js";
export { listLosses } from "./list-losses.js";
export { logCoshLoss } from "./log-cosh-loss.js";
export type { Loss, LossBatch, LossNeed, LossSpec } from "./loss.js";
export { type PackTargetsOptions, packTargets } from "./pack-targets.js";
export { type PerGroupOptions, perGroup } from "./per-group.js";
export { type LossCurve, type LossPlot, type PlotLossOptions, plotLoss } from "./plot-loss.js";
export { type PoseBins, poseBalanced } from "./pose-balanced.js";
export { type PoseBinsOptions, poseBins } from "./pose-bins.js";
export { type RectifiedWingLossOptions, rectifiedWingLoss } from "./rectified-wing-loss.js";
export { type SmoothL1LossOptions, smoothL1Loss } from "./smooth-l1-loss.js";
export { type SoftWingLossOptions, softWingLoss } from "./soft-wing-loss.js";
export { type ToLayersLossOptions, toLayersLoss } from "./to-layers-loss.js";
export {
  type UncertaintyWeightedLoss,
  type UncertaintyWeightedOptions,
  uncertaintyWeighted,
} from "./uncertainty-weighted.js";
export { type WeightedLoss, weightedSum } from "./weighted-sum.js";
export { type WingLossOptions, wingLoss } from "./wing-loss.js";
export { withVisibility } from "./with-visibility.js";
