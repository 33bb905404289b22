import { LARGEST_FLOAT32 } from "./largest-float32.js";
import type { HostInputs, HostOutputs, LossRule } from "./loss-rule.js";

const saturate = (x: number) => Math.min(Math.max(x, -LARGEST_FLOAT32), LARGEST_FLOAT32);

/**
 * The host pass of a rule given in numbers: every coordinate once, in float64. An infinite prediction or target gives NaN,
 * so that saturation hides nothing.
 */
export function pointwisePass(rule: LossRule, inputs: HostInputs): HostOutputs {
  const { predictions, targets, difficulty, weights, wantValues, wantSlopes, slopeFactor } = inputs;
  const count = predictions.length;
  const values = wantValues ? new Float32Array(count) : undefined;
  const slopes = wantSlopes ? new Float32Array(count) : undefined;
  let sum = 0;
  for (let i = 0; i < count; i++) {
    const difference = predictions[i]! - targets[i]!;
    const e = difference - difference === 0 ? difference : Number.NaN;
    const phi = difficulty ? Math.min(Math.max(difficulty[i]!, 0), 1) : 0;
    const weight = weights ? weights[i]! : 1;
    const value = saturate(saturate(rule.value(e, phi)) * weight);
    sum += value;
    if (values) values[i] = value;
    if (slopes) slopes[i] = saturate(saturate(rule.slope(e, phi)) * weight * slopeFactor);
  }
  return { sum, values, slopes, isView: false };
}
