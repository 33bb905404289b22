import { InvalidArgumentError } from "@acr/core";

/** From when on which share of the modes is used: an epoch (`fromEpoch`), or a fraction of all epochs (`from`). */
export type Stage = { fromEpoch: number; fraction: number } | { from: number; fraction: number };

/**
 * The schedule of the paper (arXiv:2203.15835): 80, 85, 90, 95 and 97 % from epochs 0, 16, 31, 71 and 101 (zero-based).
 *
 * @example stageAt(paperSchedule, 20).fraction; // 0.85
 */
export const paperSchedule: readonly Stage[] = [
  { fromEpoch: 0, fraction: 0.8 },
  { fromEpoch: 16, fraction: 0.85 },
  { fromEpoch: 31, fraction: 0.9 },
  { fromEpoch: 71, fraction: 0.95 },
  { fromEpoch: 101, fraction: 0.97 },
];

/**
 * The stage of an epoch: the last one that has begun.
 *
 * @param schedule - in rising order, the first from 0.   @param epoch - zero-based.
 * @param totalEpochs - needed for stages given as fractions.
 * @throws {InvalidArgumentError} empty or unordered schedule, fraction outside (0, 1], epoch < 0, totalEpochs missing.
 * @example stageAt([{ from: 0, fraction: 0.8 }, { from: 0.5, fraction: 0.9 }], 6, 10).fraction; // 0.9
 */
export function stageAt(schedule: readonly Stage[], epoch: number, totalEpochs?: number): Stage {
  const fault = (what: string) => new InvalidArgumentError(`stageAt: ${what}.`);
  if (!(Array.isArray(schedule) && schedule.length > 0)) throw fault("schedule must hold at least one stage; got none");
  if (!(epoch >= 0)) throw fault(`epoch must be >= 0; got ${epoch}`);
  const starts = (schedule as readonly Stage[]).map((stage) => {
    if (stage === null || typeof stage !== "object") throw fault(`a stage must be an object; got ${String(stage)}`);
    // Text from a file that happens to look like a number would be compared as text.
    for (const [name, value] of Object.entries(stage))
      if (typeof value !== "number") throw fault(`${name} must be a number; got ${JSON.stringify(value)}`);
    if (!(stage.fraction > 0 && stage.fraction <= 1)) throw fault(`fraction must be in (0, 1]; got ${stage.fraction}`);
    if ("fromEpoch" in stage) {
      if (!(stage.fromEpoch >= 0 && stage.fromEpoch < Number.POSITIVE_INFINITY))
        throw fault(`fromEpoch must be >= 0; got ${stage.fromEpoch}`);
      return stage.fromEpoch;
    }
    if (!(stage.from >= 0 && stage.from <= 1)) throw fault(`from must be in [0, 1]; got ${stage.from}`);
    if (!(totalEpochs! > 0)) throw fault(`totalEpochs must be > 0 for stages given as fractions; got ${totalEpochs}`);
    // A tolerance, so that 0.2 · 15 means epoch 3.
    return stage.from * totalEpochs! - 1e-9;
  });
  if (starts[0]! > 0) throw fault("the first stage must start at 0");
  if (starts.some((start, i) => i > 0 && !(start > starts[i - 1]!))) throw fault("stages must be in rising order");
  return schedule[starts.findLastIndex((start) => epoch >= start)]!;
}
