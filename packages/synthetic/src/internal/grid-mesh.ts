import { ATTRIBUTES, type Mesh } from "./canvas.js";
import type { Colour } from "./face-parameters.js";
import type { Point3 } from "./head-surface.js";
import type { Project } from "./projection.js";

/** Light and view as the head frame sees them. */
export interface HeadLight {
  readonly direction: Point3;
  readonly up: Point3;
  readonly view: Point3;
  readonly shine: number;
}

export interface Surface {
  readonly albedo: Colour;
  /** Ambient occlusion, 1 = open. */
  readonly open: number;
  readonly gloss: number;
}

/**
 * A grid of points as a lit mesh. Rows run downwards and columns to the right as seen from outside, which is how the
 * canvas tells front from back.
 */
export function gridMesh(
  rowCount: number,
  columnCount: number,
  pointAt: (row: number, column: number) => Point3,
  surfaceAt: (point: Point3, row: number, column: number) => Surface,
  project: Project,
  light: HeadLight,
): Mesh {
  const count = rowCount * columnCount;
  const points = new Float64Array(count * 3);
  const places = new Float32Array(count * 3);
  for (let r = 0; r < rowCount; r++) {
    for (let c = 0; c < columnCount; c++) {
      const point = pointAt(r, c);
      points.set(point, (r * columnCount + c) * 3);
      places.set(project(point), (r * columnCount + c) * 3);
    }
  }
  const attributes = new Float32Array(count * ATTRIBUTES);
  const [lx, ly, lz] = light.direction;
  const half = [lx + light.view[0], ly + light.view[1], lz + light.view[2]];
  const halfLength = Math.hypot(half[0]!, half[1]!, half[2]!) || 1;
  for (let r = 0; r < rowCount; r++) {
    for (let c = 0; c < columnCount; c++) {
      const at = r * columnCount + c;
      const up = (Math.max(0, r - 1) * columnCount + c) * 3;
      const down = (Math.min(rowCount - 1, r + 1) * columnCount + c) * 3;
      const left = (r * columnCount + Math.max(0, c - 1)) * 3;
      const right = (r * columnCount + Math.min(columnCount - 1, c + 1)) * 3;
      const ax = points[right]! - points[left]!;
      const ay = points[right + 1]! - points[left + 1]!;
      const az = points[right + 2]! - points[left + 2]!;
      const bx = points[up]! - points[down]!;
      const by = points[up + 1]! - points[down + 1]!;
      const bz = points[up + 2]! - points[down + 2]!;
      const nx = ay * bz - az * by;
      const ny = az * bx - ax * bz;
      const nz = ax * by - ay * bx;
      const length = Math.hypot(nx, ny, nz) || 1;
      const { albedo, open, gloss } = surfaceAt([points[at * 3]!, points[at * 3 + 1]!, points[at * 3 + 2]!], r, c);
      const out = at * ATTRIBUTES;
      attributes[out] = albedo[0];
      attributes[out + 1] = albedo[1];
      attributes[out + 2] = albedo[2];
      // A little wrap softens the terminator as skin does.
      const diffuse = Math.max(0, ((nx * lx + ny * ly + nz * lz) / length + 0.15) / 1.15);
      attributes[out + 3] = diffuse * open;
      const sky = (nx * light.up[0] + ny * light.up[1] + nz * light.up[2]) / length;
      attributes[out + 4] = (0.8 + 0.2 * sky) * open;
      const mirror = Math.max(0, (nx * half[0]! + ny * half[1]! + nz * half[2]!) / (length * halfLength));
      attributes[out + 5] = light.shine * gloss * mirror ** 18;
    }
  }
  const triangles = new Uint32Array((rowCount - 1) * (columnCount - 1) * 6);
  let t = 0;
  for (let r = 0; r + 1 < rowCount; r++) {
    for (let c = 0; c + 1 < columnCount; c++) {
      const a = r * columnCount + c;
      triangles.set([a, a + 1, a + columnCount, a + 1, a + columnCount + 1, a + columnCount], t);
      t += 6;
    }
  }
  return { places, attributes, triangles };
}
