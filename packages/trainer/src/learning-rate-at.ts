import type { Recipe } from "./recipe.js";

/** Where a run is. */
export interface TrainingPosition {
  /** Optimizer step, zero-based. */
  step: number;
  /** Optimizer steps of the whole run. */
  totalSteps: number;
  /** Zero-based epoch of that step. */
  epoch: number;
  /** Validation NME of the epochs before, in percent: what `plateau` looks at. */
  history?: readonly { nmePercent: number }[];
}

/**
 * The learning rate η of a step, from the recipe's rate η₀:
 *
 *   constant     η₀
 *   time-decay   η₀ / (1 + decay · step), as Keras' `decay`
 *   cosine       η₀ · min(1, step / warmupSteps) · (f + (1 − f) · ½(1 + cos(π · step / totalSteps))), f = finalFraction
 *   step         η₀ · factor^(milestones ≤ epoch)
 *   plateau      η₀ · max(minFraction, factor^drops), a drop after `patience` epochs without a better NME
 *
 * Depends on its arguments alone, so that a resumed run needs no state of a schedule.
 *
 * @see Loshchilov and Hutter, ICLR 2017, arXiv:1608.03983 (cosine). Deviations: no restarts, linear warm-up.
 * @example learningRateAt(parseRecipe({}), { step: 500, totalSteps: 1000, epoch: 5 });
 */
export function learningRateAt(
  { learningRate, learningRateSchedule: schedule }: Pick<Recipe, "learningRate" | "learningRateSchedule">,
  { step, totalSteps, epoch, history = [] }: TrainingPosition,
): number {
  switch (schedule.name) {
    case "constant":
      return learningRate;
    case "time-decay":
      return learningRate / (1 + schedule.decay * step);
    case "cosine": {
      const warmup = schedule.warmupSteps > 0 ? Math.min(1, step / schedule.warmupSteps) : 1;
      const cosine = 0.5 * (1 + Math.cos((Math.PI * Math.min(step, totalSteps)) / totalSteps));
      return learningRate * warmup * (schedule.finalFraction + (1 - schedule.finalFraction) * cosine);
    }
    case "step":
      return learningRate * schedule.factor ** schedule.milestones.filter((milestone) => milestone <= epoch).length;
    case "plateau": {
      let best = Number.POSITIVE_INFINITY;
      let waited = 0;
      let drops = 0;
      for (const { nmePercent } of history) {
        if (nmePercent < best - schedule.minImprovement) {
          best = nmePercent;
          waited = 0;
        } else if (++waited >= schedule.patience) {
          drops++;
          waited = 0;
        }
      }
      return learningRate * Math.max(schedule.minFraction, schedule.factor ** drops);
    }
  }
}
