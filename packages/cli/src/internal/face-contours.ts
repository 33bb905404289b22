import type { LandmarkScheme } from "@acr/core";

/** A line through landmarks. */
export interface FaceContour {
  landmarks: readonly number[];
  isClosed: boolean;
}

/** Ends no farther apart than this many typical steps close a contour. */
const CLOSED_STEPS = 1.75;

/** The lines that make points look like a face; none without a scheme. */
export function faceContours(scheme: LandmarkScheme | undefined, mean: ArrayLike<number>): FaceContour[] {
  if (!scheme) return [];
  const pupils = scheme.normalizers["inter-pupil"].filter((end) => end.length === 1).flat();
  const distance = (a: number, b: number) =>
    Math.hypot(mean[2 * a]! - mean[2 * b]!, mean[2 * a + 1]! - mean[2 * b + 1]!);
  return Object.values(scheme.groups)
    .map((group) => group.filter((k) => !pupils.includes(k)))
    .filter((group) => group.length > 1)
    .map((group) => {
      // COFW numbers its points by kind, not along a line.
      if (scheme.id === "cofw29") return { landmarks: byAngle(group, mean), isClosed: group.length > 2 };
      const steps = group.slice(1).map((k, i) => distance(k, group[i]!));
      const typical = steps.sort((a, b) => a - b)[steps.length >> 1]!;
      const isClosed = group.length > 3 && distance(group[0]!, group.at(-1)!) <= CLOSED_STEPS * typical;
      return { landmarks: group, isClosed };
    });
}

function byAngle(group: readonly number[], mean: ArrayLike<number>): number[] {
  const center = [0, 1].map((axis) => group.reduce((sum, k) => sum + mean[2 * k + axis]! / group.length, 0));
  const angle = (k: number) => Math.atan2(mean[2 * k + 1]! - center[1]!, mean[2 * k]! - center[0]!);
  return [...group].sort((a, b) => angle(a) - angle(b));
}
