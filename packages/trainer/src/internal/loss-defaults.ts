/**
 * Options that a recipe gives a loss where they are not the function's own. `acrLoss` knows nothing of its coordinates' unit and
 * keeps the paper's scale; a recipe trains in the centered frame, where 10 won (benchmarks/ablation).
 */
export const lossDefaults = (loss: string): { scale?: number } =>
  loss.replace(/Loss$/, "") === "acr" ? { scale: 10 } : {};
