import { InvalidArgumentError } from "@acr/core";
import { type PointModel, paperSchedule, type Stage, type StageModes, stageModes } from "@acr/shape-model";

/** The modes of a stage, where the model holds them. */
export type KnownStage = Pick<StageModes, "stage"> & Partial<StageModes>;

/**
 * `stageModes`, but stages of the default schedule that a truncated model cannot serve are left open: nobody asked for them.
 *
 * @throws {InvalidArgumentError} a stage of a schedule of one's own needs more modes than the model holds.
 */
export function knownStages(model: PointModel, schedule: readonly Stage[]): KnownStage[] {
  if (schedule !== paperSchedule) return stageModes(model, schedule);
  const table = model.explainedVariance();
  const count = (by: "variance" | "count", fraction: number) => {
    try {
      return model.modeCount({ by, fraction });
    } catch (error) {
      if (InvalidArgumentError.isInstance(error)) return undefined;
      throw error;
    }
  };
  return schedule.map((stage) => {
    const byVariance = count("variance", stage.fraction);
    const byCount = count("count", stage.fraction);
    return {
      stage,
      ...(byVariance !== undefined && { byVariance }),
      ...(byCount !== undefined && { byCount, varianceByCount: table[byCount - 1]!.cumulativeRatio }),
    };
  });
}
