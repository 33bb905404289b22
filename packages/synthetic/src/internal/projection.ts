import type { Pose } from "./face-parameters.js";
import type { Point3 } from "./head-surface.js";

/** Where a point of the head lands: image x right and y down, and depth, larger being nearer. */
export type Projected = readonly [x: number, y: number, depth: number];

export type Project = (point: Point3) => Projected;

/** Centre of all rotations in the head frame. */
const PIVOT: Point3 = [0, -0.4, -0.5];

/** Rows of the matrix that turns the head frame into the camera's: pitch, then yaw, then roll. */
export function rotationMatrix(pose: Pose): readonly [Point3, Point3, Point3] {
  const radians = Math.PI / 180;
  const [cy, sy] = [Math.cos(pose.yawDegrees * radians), Math.sin(pose.yawDegrees * radians)];
  const [cp, sp] = [Math.cos(pose.pitchDegrees * radians), Math.sin(pose.pitchDegrees * radians)];
  const [cr, sr] = [Math.cos(pose.rollDegrees * radians), Math.sin(pose.rollDegrees * radians)];
  return [
    [cy * cr, -sy * sp * cr - cp * sr, sy * cp * cr - sp * sr],
    [cy * sr, -sy * sp * sr + cp * cr, sy * cp * sr + sp * cr],
    [-sy, -cy * sp, cy * cp],
  ];
}

/** A pinhole camera and the part of its image plane that is the picture. */
export class Camera {
  private readonly matrix: readonly [Point3, Point3, Point3];
  private readonly distance: number;
  private readonly zoom: number;
  private readonly offsetX: number;
  private readonly offsetY: number;
  private readonly scratch = new Float64Array(3);

  /** Without a cut-out, 1 in the image plane is the head frame's unit at the centre of rotation. */
  constructor(pose: Pose, zoom = 1, offsetX = 0, offsetY = 0) {
    this.matrix = rotationMatrix(pose);
    this.distance = pose.cameraDistance;
    this.zoom = zoom;
    this.offsetX = offsetX;
    this.offsetY = offsetY;
  }

  readonly project: Project = (point) => {
    const out = this.scratch;
    this.projectInto(point[0], point[1], point[2], out, 0);
    return [out[0]!, out[1]!, out[2]!];
  };

  /** The same without a new array for each point. */
  projectInto(px: number, py: number, pz: number, out: Float32Array | Float64Array, at: number): void {
    const [a, b, c] = this.matrix;
    const x = px - PIVOT[0];
    const y = py - PIVOT[1];
    const z = pz - PIVOT[2];
    const depth = c[0] * x + c[1] * y + c[2] * z;
    const factor = (this.zoom * this.distance) / (this.distance - depth);
    out[at] = (a[0] * x + a[1] * y + a[2] * z) * factor + this.offsetX;
    out[at + 1] = -(b[0] * x + b[1] * y + b[2] * z) * factor + this.offsetY;
    out[at + 2] = depth;
  }
}
