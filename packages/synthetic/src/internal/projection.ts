import type { Pose } from "./face-parameters.js";
import type { Point3 } from "./head-surface.js";

/** Where a point of the head lands: image x right and y down, and depth, larger being nearer. */
export type Projected = readonly [x: number, y: number, depth: number];

export type Project = (point: Point3) => Projected;

/** Centre of all rotations in the head frame. */
const PIVOT: Point3 = [0, -0.4, -0.5];

/** Turns a vector of the head frame into the camera's: pitch, then yaw, then roll. */
export function createRotation(pose: Pose): (vector: Point3) => Point3 {
  const radians = Math.PI / 180;
  const [cy, sy] = [Math.cos(pose.yawDegrees * radians), Math.sin(pose.yawDegrees * radians)];
  const [cp, sp] = [Math.cos(pose.pitchDegrees * radians), Math.sin(pose.pitchDegrees * radians)];
  const [cr, sr] = [Math.cos(pose.rollDegrees * radians), Math.sin(pose.rollDegrees * radians)];
  return ([x, y0, z0]) => {
    const y = y0 * cp + z0 * sp;
    const z = -y0 * sp + z0 * cp;
    const x1 = x * cy + z * sy;
    return [x1 * cr - y * sr, x1 * sr + y * cr, -x * sy + z * cy];
  };
}

/** A pinhole camera before the picture is cut out of its image plane; 1 is the head frame's unit at the pivot. */
export function createProjection(pose: Pose): Project {
  const rotate = createRotation(pose);
  return (point) => {
    const [x, y, z] = rotate([point[0] - PIVOT[0], point[1] - PIVOT[1], point[2] - PIVOT[2]]);
    const factor = pose.cameraDistance / (pose.cameraDistance - z);
    return [x * factor, -y * factor, z];
  };
}
