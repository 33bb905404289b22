import { checkOptions, ShapeError } from "@acr/core";
import { broadcastTo, cast, concat, reshape, type Tensor, type Tensor2D, tidy, zeros } from "@tensorflow/tfjs-core";
import { checkFloat, checkTensor } from "./internal/check.js";

export interface PackTargetsOptions {
  /** Weights `[B, K]`, `[B, K, 1]` or `[B, K, 2]`, or the visibility where the loss needs that. Default: none. */
  weights?: Tensor;
}

/**
 * Puts Φ, and weights, behind the targets, since `model.fit` hands a loss nothing else about a sample. `toLayersLoss` takes
 * them apart again.
 *
 *   [B, 2K] targets alone;  [B, 4K] targets, Φ;  [B, 6K] targets, Φ (0 where not given), weights
 *
 * @param targets - `[B, K, 2]` or `[B, 2K]` float32.
 * @param difficulty - `[B, K, 2]`, `[B, K, 1]` or `[B, K]`; `undefined` for losses that need none.
 * @returns `[B, 2K]`, `[B, 4K]` or `[B, 6K]`. Owned by the caller.
 * @throws {ShapeError} shapes do not fit.   @throws {InvalidArgumentError} no tensor, targets that are not float32, an
 *   unknown option.
 * @example await model.fit(x, packTargets(y, difficulty), { epochs: 5 });
 */
export function packTargets(targets: Tensor, difficulty?: Tensor, options: PackTargetsOptions = {}): Tensor2D {
  checkOptions("packTargets", options, ["weights"]);
  const { weights } = options;
  // Φ behind whole numbers would become whole itself.
  checkTensor("packTargets", "targets", targets);
  checkFloat("packTargets", "targets", targets.dtype);
  const isFlat = targets.rank === 2 && targets.shape[1]! % 2 === 0;
  if (targets.size === 0 || (!isFlat && !(targets.rank === 3 && targets.shape[2] === 2)))
    throw new ShapeError(`packTargets: targets must be [B, K, 2] or [B, 2K]; got [${targets.shape.join(", ")}].`);
  const batch = targets.shape[0]!;
  const count = targets.size / (2 * batch);
  const block = (name: string, x: Tensor): Tensor2D => {
    checkTensor("packTargets", name, x);
    const [b, k, c] = x.shape;
    const fits =
      b === batch &&
      (x.rank === 2 ? k === count || k === 2 * count : x.rank === 3 && k === count && (c === 1 || c === 2));
    if (!fits)
      throw new ShapeError(
        `packTargets: ${name} must be [${batch}, ${count}], [${batch}, ${count}, 1] or [${batch}, ${count}, 2]; got [${x.shape.join(", ")}].`,
      );
    const real = cast(x, "float32");
    if (x.size === batch * count * 2) return reshape(real, [batch, count * 2]);
    return reshape(broadcastTo(reshape(real, [batch, count, 1]), [batch, count, 2]), [batch, count * 2]);
  };
  return tidy(() => {
    const blocks = [reshape(targets, [batch, count * 2]) as Tensor2D];
    if (difficulty) blocks.push(block("difficulty", difficulty));
    else if (weights) blocks.push(zeros([batch, count * 2]));
    if (weights) blocks.push(block("weights", weights));
    return concat(blocks, 1);
  });
}
