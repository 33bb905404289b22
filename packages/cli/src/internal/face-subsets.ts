import type { LandmarkScheme } from "@acr/core";
import { headPose, subsetsByTag } from "@acr/metrics";
import type { ModelEvaluation } from "@acr/trainer";

/** Flags of each face by the name of the subset. */
export type FaceSubsets = Record<string, Uint8Array>;

/** What 300-W calls its test sets: the folder of iBUG is the challenging one. */
export function protocolSubsets(dataset: string, split: string, ids: readonly string[]): FaceSubsets {
  if (dataset !== "300w" || split !== "full") return {};
  const isChallenging = (id: string) => id.startsWith("ibug/");
  return {
    common: Uint8Array.from(ids, (id) => (isChallenging(id) ? 0 : 1)),
    challenging: Uint8Array.from(ids, (id) => (isChallenging(id) ? 1 : 0)),
  };
}

const YAW_EDGES = [0, 15, 30, 180];

/** Subsets by pose, by occlusion and by every attribute that the data set gives; those without a face are left out. */
export function attributeSubsets(
  { tags, targets, visible }: Pick<ModelEvaluation, "tags" | "targets" | "visible">,
  scheme: LandmarkScheme,
): FaceSubsets {
  const subsets: FaceSubsets = {};
  const add = (name: string, belongs: (index: number) => boolean) => {
    const flags = Uint8Array.from(targets, (_, i) => (belongs(i) ? 1 : 0));
    if (flags.includes(1)) subsets[name] = flags;
  };
  const yaw = targets.map((target, i) => {
    const told = tags[i]!.yawDegrees;
    return Math.abs(typeof told === "number" ? told : headPose(target, { scheme }).yawDegrees);
  });
  for (const [i, low] of YAW_EDGES.slice(0, -1).entries()) {
    const high = YAW_EDGES[i + 1]!;
    const name = high === 180 ? `yaw over ${low}°` : `yaw ${low}–${high}°`;
    add(name, (face) => yaw[face]! >= low && yaw[face]! < high);
  }
  if (visible.some((flags) => flags !== undefined)) {
    const hidden = visible.map((flags) => (flags ? 1 - mean(flags) : 0));
    add("nothing occluded", (face) => hidden[face] === 0);
    add("up to 25 % occluded", (face) => hidden[face]! > 0 && hidden[face]! <= 0.25);
    add("over 25 % occluded", (face) => hidden[face]! > 0.25);
  }
  return { ...subsets, ...subsetsByTag(tags) };
}

function mean(values: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i]!;
  return sum / values.length;
}
