import { InvalidArgumentError, type LandmarkScheme, ShapeError } from "@acr/core";

/** A rough pose of a head. */
export interface HeadPose {
  /** Turn to either side, positive when the nose points to the image's right. */
  yawDegrees: number;
  /** Tilt in the image plane, positive counter-clockwise as seen. */
  rollDegrees: number;
}

/** How far the nose tip stands out before the outer eye corners, in eye distances: of a mean adult head. */
const NOSE_DEPTH = 0.5;

/**
 * A rough pose from landmarks alone, to sort faces into bins where a data set gives none: roll is the slope of the line
 * between the outer eye corners, and yaw follows from how far the nose tip lies off its middle.
 *
 *   s = (nose − middle of the eyes) · u / distance of the eyes, u the unit vector from the right eye to the left,
 *   yaw = atan(s / 0.5)
 *
 * Edges: beyond about 60° the far eye corner is guessed by annotators and so is yaw. Pitch is not estimated, and where a
 * head nods and turns at once the eye line tilts, which reads as roll.
 *
 * @param shape - flat landmarks, `pixel` frame.
 * @throws {ShapeError} another length.   @throws {InvalidArgumentError} the scheme has no nose tip, or both eyes are in one place.
 * @see own derivation: weak perspective, the nose tip 0.5 eye distances before the eye line. On the drawn faces of
 *   `@acr/synthetic`, whose noses stand out further, yaw has the right sign beyond 5° and correlates by 0.995, but is 2°
 *   (below 15°) to 7° (at 30° to 60°) too large; roll is 2° off on average: `benchmarks/metrics/head-pose.mjs`.
 * @example headPose(face.landmarks, { scheme: ibug68 }).yawDegrees; // 12.3
 */
export function headPose(shape: ArrayLike<number>, { scheme }: { scheme: LandmarkScheme }): HeadPose {
  if (shape.length !== 2 * scheme.landmarkCount)
    throw new ShapeError(
      `headPose: a ${scheme.id} shape must have ${2 * scheme.landmarkCount} numbers; got ${shape.length}.`,
    );
  const nose = scheme.names.indexOf("noseTip");
  if (nose < 0) throw new InvalidArgumentError(`headPose: the scheme ${scheme.id} has no landmark "noseTip".`);
  const end = (indices: readonly number[], axis: number) =>
    indices.reduce((sum, k) => sum + shape[2 * k + axis]!, 0) / indices.length;
  const [first, second] = scheme.normalizers["inter-ocular"];
  const [x0, y0, x1, y1] = [end(first, 0), end(first, 1), end(second, 0), end(second, 1)];
  const [dx, dy] = [x1 - x0, y1 - y0];
  const squared = dx * dx + dy * dy;
  if (!(squared > 0)) throw new InvalidArgumentError("headPose: the outer eye corners must lie apart.");
  const offset = ((shape[2 * nose]! - (x0 + x1) / 2) * dx + (shape[2 * nose + 1]! - (y0 + y1) / 2) * dy) / squared;
  const degrees = 180 / Math.PI;
  return {
    yawDegrees: Math.atan(offset / NOSE_DEPTH) * degrees,
    rollDegrees: Math.atan2(-dy, dx) * degrees,
  };
}
