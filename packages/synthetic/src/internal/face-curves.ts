import type { Expression, Identity, Sides } from "./face-parameters.js";
import { catmullRom, type HeadSurface, type Point3 } from "./head-surface.js";

/** −1 for the subject's right (image left), 1 for the left. */
export type Side = -1 | 1;

const of = (sides: Sides, side: Side) => (side < 0 ? sides[0] : sides[1]);

/**
 * The drawn lines of the face as functions onto the head surface. Both the painter and the annotation take their
 * points from here, which is what makes the landmarks exact.
 */
export class FaceCurves {
  readonly surface: HeadSurface;
  private readonly identity: Identity;
  private readonly expression: Expression;

  constructor(surface: HeadSurface, identity: Identity, expression: Expression) {
    this.surface = surface;
    this.identity = identity;
    this.expression = expression;
  }

  /** Eyelid: `s` from the outer corner (0) to the inner (1). */
  lid(side: Side, which: "upper" | "lower", s: number): Point3 {
    const { layout } = this.surface;
    const open = Math.max(0, 1 - of(this.expression.eyeClosure, side));
    const squint = Math.max(0, of(this.expression.smile, side)) * 0.018;
    const aperture = Math.max(0.05, 0.078 + 0.014 * this.identity.eyeAperture);
    const arc = (4 * s * (1 - s)) ** 0.8 * (1 + 0.25 * (s - 0.5));
    const lowerY = -(0.035 + (1 - open) * 0.012 - Math.min(0.02, squint) * open) * arc;
    const upperY = lowerY + (0.035 + aperture) * open * arc * 0.9;
    const tilt = (0.5 - s) * (0.02 + 0.022 * this.identity.eyeTilt);
    const x = side * (layout.eyeX + layout.eyeHalfWidth * (1 - 2 * s));
    return this.surface.frontPoint(x, tilt + (which === "upper" ? upperY : lowerY));
  }

  /** Centre of the iris. */
  pupil(side: Side): Point3 {
    const { layout } = this.surface;
    const [gazeX, gazeY] = this.expression.gaze;
    return this.surface.frontPoint(side * layout.eyeX + gazeX * 0.055, 0.012 + gazeY * 0.02);
  }

  /** Eyebrow: `s` from the outer end (0) to the inner (1). */
  brow(side: Side, which: "upper" | "lower", s: number): Point3 {
    const { layout } = this.surface;
    const i = this.identity;
    const raise = of(this.expression.browRaise, side);
    const outer = layout.eyeX + 0.325 + 0.03 * i.browLength;
    const inner = 0.142 - 0.02 * i.browLength + 0.02 * Math.min(0, raise);
    const x = outer + (inner - outer) * (s - 0.16 * s * (1 - s));
    const arch = (0.1 + 0.02 * i.browArch) * (4 * s * (1 - s)) ** 0.9 * (1.25 - 0.5 * s);
    const tilt = (s - 0.5) * (0.05 - 0.035 * i.browTilt + (raise < 0 ? 0.1 * raise : 0.02 * raise));
    const y = layout.browY - 0.02 + arch + tilt + (raise > 0 ? 0.1 : 0.045) * raise;
    const thickness = Math.max(0.03, 0.062 + 0.012 * i.browThickness) * Math.min(1, s * 2.2) * (1 - 0.15 * s);
    return this.surface.frontPoint(side * x, y - (which === "lower" ? thickness : 0));
  }

  /** Nose: the four points of the ridge, then the five of the base, as numbered in the 68-point scheme. */
  nose(index: number): Point3 {
    const { layout } = this.surface;
    if (index < 4) return this.surface.frontPoint(0, layout.noseTop + ((layout.noseTip - layout.noseTop) * index) / 3);
    const k = index - 6;
    const x = [0, 0.46, 0.88][Math.abs(k)]! * layout.noseHalfWidth * Math.sign(k);
    return this.surface.frontPoint(x, layout.noseBase + [0, 0.022, 0.052][Math.abs(k)]!);
  }

  /** One of the 20 mouth points as numbered in the 68-point scheme, from 0. */
  mouth(index: number): Point3 {
    const { layout } = this.surface;
    const [fraction, kind] = MOUTH[index]!;
    const side: Side = fraction < 0 ? -1 : 1;
    const half = layout.mouthHalfWidth;
    const smile = of(this.expression.smile, side);
    const a = Math.abs(fraction);
    const gap = layout.mouthGap;
    const round = Math.max(0, 1 - (a / 0.9) ** 2) ** 0.6;
    const base = layout.mouthY + (smile > 0 ? 0.085 : 0.06) * smile * a * a - 0.36 * gap * a * a;
    const upper = base + 0.12 * gap * round;
    const lower = base - 0.88 * gap * round + 0.36 * gap * a * a * (a < 1 ? 0.4 : 0);
    const y = [
      base,
      upper + layout.upperLip * [0.85, 1, 0.55][a === 0 ? 0 : a < 0.4 ? 1 : 2]!,
      lower - layout.lowerLip * (a === 0 ? 1 : a < 0.4 ? 0.95 : 0.6),
      upper,
      lower,
    ][kind]!;
    const corner = 0.035 * (smile - (this.expression.smile[0] + this.expression.smile[1]) / 2);
    const [px, py, pz] = this.surface.frontPoint(fraction * (half + corner) + this.surface.jawOffset(y), y);
    return [px, py, pz + 0.07 * this.expression.pucker * (1 - a * a)];
  }

  /** A contour through mouth points, with `steps` samples between two of them. */
  mouthLine(indices: readonly number[], steps: number): Point3[] {
    const points = indices.map((index) => this.mouth(index));
    const at = (k: number) => points[Math.min(points.length - 1, Math.max(0, k))]!;
    const line: Point3[] = [];
    for (let k = 0; k + 1 < points.length; k++) {
      const [a, b, c, d] = [at(k - 1), at(k), at(k + 1), at(k + 2)];
      for (let step = 0; step < steps; step++) {
        const t = step / steps;
        line.push([0, 1, 2].map((axis) => catmullRom(a[axis]!, b[axis]!, c[axis]!, d[axis]!, t)) as unknown as Point3);
      }
    }
    line.push(points.at(-1)!);
    return line;
  }
}

/** x over the half width, and the line: 0 corner, 1 upper edge, 2 lower edge, 3 and 4 the inner edges. */
const MOUTH: readonly (readonly [number, number])[] = [
  [-1, 0],
  [-0.6, 1],
  [-0.25, 1],
  [0, 1],
  [0.25, 1],
  [0.6, 1],
  [1, 0],
  [0.6, 2],
  [0.28, 2],
  [0, 2],
  [-0.28, 2],
  [-0.6, 2],
  [-0.88, 0],
  [-0.27, 3],
  [0, 3],
  [0.27, 3],
  [0.88, 0],
  [0.27, 4],
  [0, 4],
  [-0.27, 4],
];
