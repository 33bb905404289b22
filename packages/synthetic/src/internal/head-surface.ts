import type { Expression, Identity } from "./face-parameters.js";

/** A point of the head frame: x to the image's right, y up, z to the viewer, 1 = distance between outer eye corners. */
export type Point3 = readonly [x: number, y: number, z: number];

/** A horizontal cut through the head: two half super-ellipses that meet at (±width, side). */
export interface HeadRow {
  readonly y: number;
  readonly width: number;
  /** z of the widest point; below the ears this is the edge of the jaw. */
  readonly side: number;
  /** z of the front and of the back of the cut. */
  readonly front: number;
  readonly back: number;
}

/** y levels and sizes of the parts that both the relief and the drawn features depend on. */
export interface FaceLayout {
  readonly eyeX: number;
  readonly eyeHalfWidth: number;
  readonly browY: number;
  readonly noseTop: number;
  readonly noseTip: number;
  readonly noseBase: number;
  readonly noseHalfWidth: number;
  readonly noseHeight: number;
  readonly noseBridgeHeight: number;
  readonly mouthY: number;
  readonly mouthHalfWidth: number;
  readonly upperLip: number;
  readonly lowerLip: number;
  /** Drop of the lower lip and of the chin. */
  readonly mouthGap: number;
}

/**
 * Rows of the mean head from crown to chin: `[y, width, side, front, back]`. The last nine are the heights of the jaw
 * points 0 … 8 of the 68-point scheme, whose frontal outline (width, y) they give.
 */
const ROWS: readonly (readonly [number, number, number, number, number])[] = [
  [1.08, 0, -0.65, -0.65, -0.65],
  [1.02, 0.42, -0.65, -0.26, -1.15],
  [0.8, 0.7, -0.64, 0.02, -1.45],
  [0.52, 0.8, -0.65, 0.15, -1.6],
  [0.25, 0.84, -0.67, 0.17, -1.65],
  [0.0, 0.845, -0.68, 0.13, -1.6],
  [-0.213, 0.83, -0.64, 0.14, -1.5],
  [-0.425, 0.795, -0.57, 0.18, -1.3],
  [-0.625, 0.75, -0.48, 0.21, -1.05],
  [-0.805, 0.67, -0.35, 0.23, -0.75],
  [-0.96, 0.545, -0.18, 0.23, -0.45],
  [-1.085, 0.385, -0.02, 0.25, -0.18],
  [-1.18, 0.205, 0.1, 0.24, 0.06],
  [-1.215, 0, 0.16, 0.16, 0.16],
];

/** Index in ROWS of jaw point 0. */
const JAW_START = 5;
/** Mesh rows between two neighbours of ROWS; even, so that the half steps of the 98-point scheme are rows. */
const STEPS = 4;

const smoothstep = (low: number, high: number, value: number) => {
  const t = Math.min(1, Math.max(0, (value - low) / (high - low)));
  return t * t * (3 - 2 * t);
};

/** Catmull and Rom's interpolation between p1 and p2. */
export const catmullRom = (p0: number, p1: number, p2: number, p3: number, t: number) =>
  p1 + 0.5 * t * (p2 - p0 + t * (2 * p0 - 5 * p1 + 4 * p2 - p3 + t * (3 * (p1 - p2) + p3 - p0)));

function layoutOf(identity: Identity, expression: Expression): FaceLayout {
  const i = identity;
  const smile = (expression.smile[0] + expression.smile[1]) / 2;
  const noseTip = -0.385 - 0.035 * i.noseLength + 0.012 * i.noseUpturn;
  const mouthY = -0.715 - 0.03 * i.mouthHeight - 0.025 * i.noseLength - 0.03 * i.faceLength;
  return {
    eyeX: 0.358 + 0.018 * i.eyeSpacing,
    eyeHalfWidth: 0.142 + 0.01 * i.eyeWidth,
    browY: 0.178 + 0.03 * i.browHeight,
    noseTop: 0.02,
    noseTip,
    noseBase: noseTip - 0.125 - 0.012 * i.noseLength + 0.016 * i.noseUpturn,
    noseHalfWidth: 0.175 + 0.022 * i.noseWidth,
    noseHeight: 0.34 + 0.035 * i.noseProjection,
    noseBridgeHeight: 0.09 + 0.02 * i.noseBridge,
    mouthY,
    mouthHalfWidth:
      (0.31 + 0.026 * i.mouthWidth) * (1 + 0.2 * smile - 0.32 * expression.pucker - 0.12 * expression.mouthOpen),
    upperLip: Math.max(0.025, 0.07 + 0.018 * i.upperLip) * (1 - 0.22 * Math.max(0, smile) + 0.25 * expression.pucker),
    lowerLip: Math.max(0.04, 0.102 + 0.022 * i.lowerLip) * (1 - 0.15 * Math.max(0, smile) + 0.2 * expression.pucker),
    mouthGap: 0.34 * expression.mouthOpen,
  };
}

function controlRows(identity: Identity, layout: FaceLayout): HeadRow[] {
  const i = identity;
  return ROWS.map(([y, width, side, front, back], index) => {
    const low = smoothstep(-0.2, -1.2, y);
    const high = smoothstep(0.2, 1.1, y);
    const jaw = Math.exp(-(((y + 0.76) / 0.27) ** 2));
    const chin = Math.exp(-(((y + 1.13) / 0.15) ** 2));
    const depth = 1 + 0.05 * i.faceDepth;
    const newWidth = width * (1 + 0.065 * i.faceWidth + 0.06 * i.jawWidth * jaw + 0.12 * i.chinWidth * chin);
    // An opening mouth swings the lower jaw down and a little back.
    const drop = layout.mouthGap * 0.75 * smoothstep(-0.5, -0.95, y);
    const newFront = front - 0.25 * drop + 0.025 * i.chinWidth * chin;
    return {
      y: y - low * (0.055 * i.faceLength + 0.045 * i.chinLength) + high * 0.06 * i.foreheadHeight - drop,
      width: index === 0 || index === ROWS.length - 1 ? 0 : newWidth,
      side: newFront - (front - side) * depth,
      front: newFront,
      back: newFront - (front - back) * depth,
    };
  });
}

/** A smooth hill of the given half widths over (x, y). */
function bump(x: number, y: number, cx: number, cy: number, rx: number, ry: number, height: number): number {
  const d = ((x - cx) / rx) ** 2 + ((y - cy) / ry) ** 2;
  return d < 6 ? height * Math.exp(-d) : 0;
}

/** Front halves of the cuts are a little squarer than ellipses. */
export const bulge = (cos: number) => (cos > 0 ? cos ** 0.8 : 0);

/** The head as a function: rows in y, each a closed curve in angle, with the relief of the face on the front half. */
export class HeadSurface {
  readonly layout: FaceLayout;
  /** From crown to chin, `STEPS` per control row. */
  readonly rows: readonly HeadRow[];
  private readonly identity: Identity;
  private readonly expression: Expression;

  constructor(identity: Identity, expression: Expression) {
    this.identity = identity;
    this.expression = expression;
    this.layout = layoutOf(identity, expression);
    const controls = controlRows(identity, this.layout);
    const last = controls.length - 1;
    // Beyond crown and chin the outline continues on the other side: the reflection closes it smoothly.
    const control = (k: number): HeadRow => {
      if (k < 0)
        return { ...controls[-k]!, width: -controls[-k]!.width, front: controls[-k]!.back, back: controls[-k]!.front };
      if (k > last)
        return {
          ...controls[2 * last - k]!,
          width: -controls[2 * last - k]!.width,
          front: controls[2 * last - k]!.back,
          back: controls[2 * last - k]!.front,
        };
      return controls[k]!;
    };
    const rows: HeadRow[] = [];
    for (let k = 0; k < last; k++) {
      const [a, b, c, d] = [control(k - 1), control(k), control(k + 1), control(k + 2)];
      for (let step = 0; step < STEPS; step++) {
        const t = step / STEPS;
        const at = (key: keyof HeadRow) => catmullRom(a[key], b[key], c[key], d[key], t);
        rows.push({ y: at("y"), width: at("width"), side: at("side"), front: at("front"), back: at("back") });
      }
    }
    rows.push(controls[last]!);
    this.rows = rows;
  }

  /** Row of jaw point `index` in 0 … 8 (ear to chin), in steps of 1/2. */
  jawRow(index: number): HeadRow {
    return this.rows[Math.round((JAW_START + index) * STEPS)]!;
  }

  /** Point of a row at `angle`: 0 front, ±π/2 the sides, ±π back. */
  rowPoint(row: HeadRow, angle: number): Point3 {
    const cos = Math.cos(angle);
    const x = row.width * Math.sin(angle) + this.jawOffset(row.y);
    return [x, row.y, this.rowDepth(row, x, cos, bulge(cos))];
  }

  /** z of a row where its x is `x`; `cos` of the angle, and `bulge(cos)`. */
  rowDepth(row: HeadRow, x: number, cos: number, bulged: number): number {
    if (cos < 0) return row.side + (row.back - row.side) * -cos;
    return row.side + (row.front - row.side) * bulged + this.relief(x, row.y) * Math.min(1, cos * 3);
  }

  /** Sideways shift of the lower face when the jaw moves. */
  jawOffset(y: number): number {
    return this.expression.jawShift === 0 ? 0 : 0.09 * this.expression.jawShift * smoothstep(-0.5, -1.05, y);
  }

  /** The surface's point in front of (x, y). */
  frontPoint(x: number, y: number): Point3 {
    const rows = this.rows;
    let low = 0;
    let high = rows.length - 1;
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if (rows[middle]!.y > y) low = middle;
      else high = middle;
    }
    const [a, b] = [rows[low]!, rows[high]!];
    const t = Math.min(1, Math.max(0, (a.y - y) / (a.y - b.y)));
    const width = a.width + (b.width - a.width) * t;
    const side = a.side + (b.side - a.side) * t;
    const front = a.front + (b.front - a.front) * t;
    const sine = Math.min(1, Math.abs(x - this.jawOffset(y)) / Math.max(1e-6, width));
    const cos = Math.sqrt(1 - sine * sine);
    return [x, y, side + (front - side) * bulge(cos) + this.relief(x, y) * Math.min(1, cos * 3)];
  }

  /** What the features add to the depth of the smooth head: nose, sockets, brow ridge, cheeks, lips, chin. */
  private relief(x: number, y: number): number {
    const { layout, identity } = this;
    const ax = Math.abs(x);
    let z = 0;
    if (y < 0.35 && y > layout.noseBase - 0.12 && ax < 0.4) z += this.nose(ax, y);
    if (y > -0.3 && y < 0.7) {
      z += bump(ax, y, layout.eyeX - 0.02, 0.0, 0.2, 0.12, -0.1);
      z += bump(ax, y, layout.eyeX, -0.005, 0.12, 0.085, 0.06);
      z += bump(ax, y, layout.eyeX, layout.browY - 0.02, 0.3, 0.08, 0.035);
    }
    if (y < 0.1 && y > -0.85) z += bump(ax, y, 0.5, -0.28, 0.2, 0.2, 0.05 + 0.025 * identity.cheekbones);
    if (y < -0.4) {
      const gap = layout.mouthGap;
      const pucker = 1 + this.expression.pucker;
      z += bump(ax, y, 0, layout.mouthY + 0.12, 0.06, 0.09, -0.02);
      z += bump(ax, y, 0, layout.mouthY + 0.05, layout.mouthHalfWidth * 0.75, 0.06, 0.055 * pucker);
      z += bump(ax, y, 0, layout.mouthY - 0.05 - gap * 0.85, layout.mouthHalfWidth * 0.6, 0.065, 0.06 * pucker);
      z += bump(ax, y, 0, layout.mouthY - 0.18 - gap * 0.85, 0.2, 0.06, -0.03);
      z += bump(ax, y, 0, -1.07 - gap * 0.75, 0.16, 0.09, 0.04);
    }
    return z;
  }

  private nose(ax: number, y: number): number {
    const { noseTop, noseTip, noseBase, noseHalfWidth, noseHeight, noseBridgeHeight } = this.layout;
    let height: number;
    let width: number;
    if (y >= noseTop) {
      height = noseBridgeHeight * (1 - smoothstep(noseTop, 0.35, y));
      width = 0.09 + 0.25 * (y - noseTop);
    } else if (y >= noseTip) {
      const s = (noseTop - y) / (noseTop - noseTip);
      height = noseBridgeHeight + (noseHeight - noseBridgeHeight) * s ** 1.15;
      width = 0.09 + (noseHalfWidth * 0.62 - 0.09) * s * s;
    } else {
      const s = (noseTip - y) / (noseTip - noseBase);
      height = noseHeight * (1 - 0.68 * smoothstep(0, 1.05, s)) * (1 - smoothstep(0.95, 1.9, s));
      width = noseHalfWidth * (0.62 + 0.08 * Math.min(1, s));
    }
    const wing = ((ax - noseHalfWidth * 0.72) / (noseHalfWidth * 0.36)) ** 2 + ((y - noseBase - 0.055) / 0.065) ** 2;
    return height * Math.exp(-((ax / width) ** 2)) + (wing < 6 ? 0.085 * Math.exp(-wing) : 0);
  }
}
