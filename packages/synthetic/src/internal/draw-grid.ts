import { ATTRIBUTES, type Canvas } from "./canvas.js";
import type { Point3 } from "./head-surface.js";
import type { Camera } from "./projection.js";

/** Light and view as the head frame sees them. */
export interface HeadLight {
  readonly direction: Point3;
  readonly up: Point3;
  readonly view: Point3;
  readonly shine: number;
}

/** What `surfaceAt` fills in. */
export interface Surface {
  red: number;
  green: number;
  blue: number;
  /** Ambient occlusion, 1 = open. */
  open: number;
  gloss: number;
}

export interface Grid {
  readonly rows: number;
  readonly columns: number;
  /** Writes the point's x, y, z to `out[at … at + 2]`. */
  readonly pointAt: (row: number, column: number, out: Float64Array, at: number) => void;
  readonly surfaceAt: (x: number, y: number, z: number, row: number, column: number, out: Surface) => void;
  /** Ambient light on the inner side, which is not drawn at 0. Default 0. */
  readonly inside?: number;
}

/** Normals turned away from the camera by more than this belong to triangles that cannot be seen. */
const AWAY = -0.35;

/**
 * Draws a grid of points as a lit mesh. Rows run downwards and columns to the right as seen from outside, which is how
 * the canvas tells front from back.
 */
export function drawGrid(canvas: Canvas, grid: Grid, camera: Camera, light: HeadLight): void {
  const { rows, columns, pointAt, surfaceAt, inside = 0 } = grid;
  const { points, places, attributes } = canvas.meshBuffers(rows * columns);
  for (let r = 0; r < rows; r++) {
    for (let c = 0; c < columns; c++) {
      const at = (r * columns + c) * 3;
      pointAt(r, c, points, at);
      camera.projectInto(points[at]!, points[at + 1]!, points[at + 2]!, places, at);
    }
  }
  const [lx, ly, lz] = light.direction;
  const [ux, uy, uz] = light.up;
  const [vx, vy, vz] = light.view;
  const halfLength = Math.hypot(lx + vx, ly + vy, lz + vz) || 1;
  const [hx, hy, hz] = [(lx + vx) / halfLength, (ly + vy) / halfLength, (lz + vz) / halfLength];
  const surface: Surface = { red: 0, green: 0, blue: 0, open: 1, gloss: 0 };
  for (let r = 0; r < rows; r++) {
    const up = Math.max(0, r - 1) * columns;
    const down = Math.min(rows - 1, r + 1) * columns;
    for (let c = 0; c < columns; c++) {
      const above = (up + c) * 3;
      const below = (down + c) * 3;
      const left = (r * columns + Math.max(0, c - 1)) * 3;
      const right = (r * columns + Math.min(columns - 1, c + 1)) * 3;
      const ax = points[right]! - points[left]!;
      const ay = points[right + 1]! - points[left + 1]!;
      const az = points[right + 2]! - points[left + 2]!;
      const bx = points[above]! - points[below]!;
      const by = points[above + 1]! - points[below + 1]!;
      const bz = points[above + 2]! - points[below + 2]!;
      let nx = ay * bz - az * by;
      let ny = az * bx - ax * bz;
      let nz = ax * by - ay * bx;
      const length = Math.sqrt(nx * nx + ny * ny + nz * nz) || 1;
      nx /= length;
      ny /= length;
      nz /= length;
      if (inside === 0 && nx * vx + ny * vy + nz * vz < AWAY) continue;
      const at = (r * columns + c) * 3;
      surfaceAt(points[at]!, points[at + 1]!, points[at + 2]!, r, c, surface);
      const out = (r * columns + c) * ATTRIBUTES;
      attributes[out] = surface.red;
      attributes[out + 1] = surface.green;
      attributes[out + 2] = surface.blue;
      // A little wrap softens the terminator as skin does.
      const diffuse = Math.max(0, (nx * lx + ny * ly + nz * lz + 0.15) / 1.15);
      attributes[out + 3] = diffuse * surface.open;
      attributes[out + 4] = (0.8 + 0.2 * (nx * ux + ny * uy + nz * uz)) * surface.open;
      const mirror = nx * hx + ny * hy + nz * hz;
      attributes[out + 5] = mirror > 0.6 ? light.shine * surface.gloss * mirror ** 18 : 0;
    }
  }
  for (let r = 0; r + 1 < rows; r++) {
    for (let c = 0; c + 1 < columns; c++) {
      const a = r * columns + c;
      canvas.drawTriangle(a, a + 1, a + columns, inside);
      canvas.drawTriangle(a + 1, a + columns + 1, a + columns, inside);
    }
  }
}
