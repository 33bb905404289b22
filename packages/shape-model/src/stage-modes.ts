import { InvalidArgumentError } from "@acr/core";
import { checkModel } from "./internal/check-model.js";
import type { PointModel } from "./point-model.js";
import { paperSchedule, type Stage, stageAt } from "./stage-at.js";

/** Modes of one stage in both readings of its percentage. */
export interface StageModes {
  stage: Stage;
  /** Fewest modes that explain this share of the variance. */
  byVariance: number;
  /** This share of the number of modes. */
  byCount: number;
  /** Share of the variance that `byCount` modes explain. */
  varianceByCount: number;
}

/**
 * How many modes each stage of a schedule uses in this model, for both readings of "%".
 *
 * @param schedule - default `paperSchedule`.
 * @throws {InvalidArgumentError} as `stageAt`; a model truncated below the variance that a stage asks for.
 * @example console.table(stageModes(model));
 */
export function stageModes(model: PointModel, schedule: readonly Stage[] = paperSchedule): StageModes[] {
  checkModel("stageModes", model);
  if (!(schedule?.length > 0))
    throw new InvalidArgumentError("stageModes: schedule must hold at least one stage; got none.");
  // Checks the schedule as a whole; 1 stands for any number of epochs.
  stageAt(schedule, 0, 1);
  const table = model.explainedVariance();
  return schedule.map((stage) => {
    const byCount = model.modeCount({ by: "count", fraction: stage.fraction });
    return {
      stage,
      byVariance: model.modeCount({ by: "variance", fraction: stage.fraction }),
      byCount,
      varianceByCount: table[byCount - 1]!.cumulativeRatio,
    };
  });
}
