import { addN, div, maximum, mul, type NamedTensorMap, sqrt, square, sum } from "@tensorflow/tfjs-core";

/** Gradients scaled to a global norm of at most `clipNorm`; the norm is not read, so that no graphics processor is waited for. */
export function clipByGlobalNorm(grads: NamedTensorMap, clipNorm: number): NamedTensorMap {
  const entries = Object.entries(grads);
  if (entries.length === 0) return grads;
  const norm = sqrt(addN(entries.map(([, gradient]) => sum(square(gradient)))));
  const scale = div(clipNorm, maximum(norm, clipNorm));
  return Object.fromEntries(entries.map(([name, gradient]) => [name, mul(gradient, scale)]));
}
