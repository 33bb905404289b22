import { checkOptions, InvalidArgumentError } from "@acr/core";
import {
  add,
  customGrad,
  exp,
  type GradSaveFunc,
  mul,
  neg,
  reshape,
  slice,
  stack,
  sub,
  sum,
  type Tensor,
  tensor1d,
  tidy,
  type Variable,
  variable,
} from "@tensorflow/tfjs-core";
import { checkLoss, makeLoss, specOf, unionOfNeeds } from "./internal/make-loss.js";
import type { Loss } from "./loss.js";

export interface UncertaintyWeightedOptions {
  /** sᵢ = ln σᵢ² at the start, one for each loss. Default 0, a factor of ½. */
  initialLogVariances?: readonly number[];
}

/** A loss that owns trainable weights. */
export interface UncertaintyWeightedLoss extends Loss {
  /** `[n]`, made by the first call or the first look; an optimizer without a list of variables trains it too. */
  readonly logVariances: Variable;
  /** Frees the weights; the loss can be called again and starts from the initial ones. */
  dispose(): void;
}

/**
 * The sum of some losses whose factors are trained along with the model: the larger a loss stays, the less it counts.
 *
 *   l = ½ Σᵢ (e^(−sᵢ) · lᵢ + sᵢ),   sᵢ = ln σᵢ²,   dl/dsᵢ = ½ (1 − e^(−sᵢ) · lᵢ)
 *
 * Reductions are `"mean"` and `"sum"`; the value may be negative. For fixed losses the best sᵢ is ln lᵢ.
 *
 * @param losses - at least one.
 * @returns a loss with `logVariances` and `dispose`. They are state, not options: save them with the model.
 * @throws {InvalidArgumentError} no loss, initial values of another number or not finite, or a call with reduction `"none"`.
 * @see Kendall, Gal and Cipolla, CVPR 2018, Eq. 7, arXiv:1705.07115. Deviations: s in place of σ, as they advise.
 * @example
 * const loss = uncertaintyWeighted([createLoss("acr"), createLoss("l1")]);
 * optimizer.minimize(() => loss(model.predict(x), y, { difficulty }));
 */
export function uncertaintyWeighted(
  losses: readonly Loss[],
  options: UncertaintyWeightedOptions = {},
): UncertaintyWeightedLoss {
  if (!Array.isArray(losses) || losses.length === 0)
    throw new InvalidArgumentError("uncertaintyWeighted: losses must be an array of at least one loss; got none.");
  losses.forEach((loss, i) => {
    checkLoss("uncertaintyWeighted", `losses[${i}]`, loss);
  });
  checkOptions("uncertaintyWeighted", options, ["initialLogVariances"]);
  const { initialLogVariances = losses.map(() => 0) } = options;
  if (
    !Array.isArray(initialLogVariances) ||
    initialLogVariances.length !== losses.length ||
    !initialLogVariances.every(Number.isFinite)
  )
    throw new InvalidArgumentError(`uncertaintyWeighted: initialLogVariances must be ${losses.length} finite numbers.`);
  let weights: Variable | undefined;
  // A step's tidy does not free variables.
  const logVariances = () => (weights ??= tidy(() => variable(tensor1d([...initialLogVariances]))));
  const combine = customGrad((...args: unknown[]) => {
    const [s, ...values] = args.slice(0, -1) as Tensor[];
    const save = args.at(-1) as GradSaveFunc;
    const factors = exp(neg(s!));
    const terms = mul(stack(values), factors);
    save([terms, factors]);
    return {
      value: mul(sum(add(terms, s!)), 0.5),
      gradFunc: (dy: Tensor, saved: Tensor[]) => {
        const half = mul(dy, 0.5);
        const byValue = mul(saved[1]!, half);
        return [mul(sub(1, saved[0]!), half), ...values.map((_, i) => reshape(slice(byValue, [i], [1]), []))];
      },
    };
  });
  const json = { losses: losses.map(specOf), initialLogVariances: [...initialLogVariances] };
  const loss = makeLoss("uncertaintyWeighted", json, unionOfNeeds(losses), (predictions, targets, batch) => {
    if (batch.reduction === "none")
      throw new InvalidArgumentError('uncertaintyWeighted: reduction must be "mean" or "sum"; got "none".');
    const s = logVariances();
    return tidy(() => combine(s, ...losses.map((part) => part(predictions, targets, batch))));
  });
  const dispose = () => {
    weights?.dispose();
    weights = undefined;
  };
  return Object.defineProperty(Object.assign(loss, { dispose }), "logVariances", {
    get: logVariances,
    enumerable: true,
  }) as UncertaintyWeightedLoss;
}
