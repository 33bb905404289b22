import type { LandmarkScheme } from "@acr/core";
import { type ClassRepeatsOptions, classRepeats } from "./class-repeats.js";

/** Options of `poseRepeats`. */
export interface PoseRepeatsOptions extends ClassRepeatsOptions {
  scheme: LandmarkScheme;
}

/** Bins of head turn, from far left over frontal to far right. */
const BIN_COUNT = 9;
/** Turn at which the outermost bins begin, as a share of the eye distance. */
const RANGE = 0.45;

/**
 * How far a head is turned: where the middle of all landmarks lies between the eyes, along the line of the eyes.
 *
 *   turn = (centroid − midpoint of the eyes) · (right to left eye) / |eyes|²,   about −0.6 … 0.6, 0 frontal
 *
 * Frame: any; invariant to rotation, scale and shift of the picture. Own derivation: jaw and nose stand in front of or
 * behind the eyes, so a turn moves them sideways against the eyes.
 *
 * @example headTurn(shape, ibug68); // -0.02
 */
export function headTurn(shape: ArrayLike<number>, { landmarkCount, normalizers }: LandmarkScheme): number {
  const mean = (indices: readonly number[]): [number, number] => {
    let x = 0;
    let y = 0;
    for (const i of indices) {
      x += shape[2 * i]! / indices.length;
      y += shape[2 * i + 1]! / indices.length;
    }
    return [x, y];
  };
  const [first, second] = normalizers["inter-ocular"].map(mean) as [[number, number], [number, number]];
  const [cx, cy] = mean(Array.from({ length: landmarkCount }, (_, i) => i));
  const [dx, dy] = [second[0] - first[0], second[1] - first[1]];
  const squared = dx * dx + dy * dy;
  if (squared === 0) return 0;
  return ((cx - (first[0] + second[0]) / 2) * dx + (cy - (first[1] + second[1]) / 2) * dy) / squared;
}

/**
 * How often each face should be shown an epoch so that head turns are evened out: `classRepeats` of nine bins of
 * `headTurn`.
 *
 * @throws {InvalidArgumentError} strength or maximumRepeat out of range.
 * @example poseRepeats(shapes, { scheme: ibug68, strength: 0.5, maximumRepeat: 4 }); // [1, 1, 3, …]
 */
export function poseRepeats(
  shapes: readonly ArrayLike<number>[],
  { scheme, strength, maximumRepeat }: PoseRepeatsOptions,
): number[] {
  const bins = shapes.map((shape) => {
    const position = (headTurn(shape, scheme) / RANGE + 1) / 2;
    return Math.min(BIN_COUNT - 1, Math.max(0, Math.floor(position * BIN_COUNT)));
  });
  return classRepeats(bins, { strength, maximumRepeat });
}
