import type { Canvas } from "./canvas.js";
import { drawGrid, type HeadLight } from "./draw-grid.js";
import { type Appearance, type Colour, mix, scale } from "./face-parameters.js";
import { hairLine } from "./hair-line.js";
import { hashNoise, smoothNoise } from "./hash-noise.js";
import { bulge, type HeadSurface } from "./head-surface.js";
import type { Camera } from "./projection.js";

const FRONT = 22;
const BACK = 6;

/** Column angles of the head mesh: dense at the nose, coarse at the back. */
const ANGLES: readonly number[] = [
  ...Array.from({ length: BACK }, (_, k) => -Math.PI + (k * Math.PI) / 2 / BACK),
  ...Array.from({ length: 2 * FRONT + 1 }, (_, k) => {
    const p = k / FRONT - 1;
    return (Math.PI / 2) * (0.55 * p + 0.45 * p ** 3);
  }),
  ...Array.from({ length: BACK }, (_, k) => Math.PI / 2 + ((k + 1) * Math.PI) / 2 / BACK),
];

const SINES = ANGLES.map(Math.sin);
const COSINES = ANGLES.map(Math.cos);
const BULGES = COSINES.map(bulge);

const bell = (x: number, y: number, rx: number, ry: number) => {
  const d = (x / rx) ** 2 + (y / ry) ** 2;
  return d < 6 ? Math.exp(-d) : 0;
};

const step = (low: number, high: number, value: number) => {
  const t = Math.min(1, Math.max(0, (value - low) / (high - low)));
  return t * t * (3 - 2 * t);
};

/** Share of beard at a place of the front of the face. */
function beardAt(surface: HeadSurface, appearance: Appearance, x: number, y: number): number {
  if (appearance.beard === "none") return 0;
  const { mouthY, noseBase, mouthHalfWidth, mouthGap } = surface.layout;
  const ax = Math.abs(x);
  const moustache =
    step(noseBase - 0.02, noseBase - 0.08, y) *
    step(mouthY - 0.05, mouthY + 0.02, y) *
    step(mouthHalfWidth + 0.12, mouthHalfWidth - 0.02, ax);
  if (appearance.beard === "moustache") return moustache;
  const below = step(mouthY - 0.05, mouthY - 0.15, y + mouthGap * 0.7 * step(0.4, 0, ax));
  const round = step(mouthHalfWidth - 0.03, mouthHalfWidth + 0.08, ax) * step(mouthY + 0.05, mouthY - 0.05, y);
  if (appearance.beard === "goatee") return Math.max(moustache, Math.max(below, round) * step(0.4, 0.28, ax));
  const cheek = step(-0.4 - 0.8 * (0.8 - ax), -0.58 - 0.8 * (0.8 - ax), y) * step(0.3, 0.45, ax);
  const full = Math.max(moustache, below, round * 0.9, cheek);
  return full * step(0.02, -0.15, y);
}

/** Head, ears, neck and shoulders. */
export function paintHead(
  canvas: Canvas,
  surface: HeadSurface,
  appearance: Appearance,
  camera: Camera,
  light: HeadLight,
  textureSeed: number,
): void {
  const { layout, rows } = surface;
  const { skin } = appearance;
  const red: Colour = [skin[0] * 0.95, skin[1] * 0.72, skin[2] * 0.7];
  const beardColour = mix(scale(appearance.hair, 0.9), skin, 0.1);
  const beardStrength = appearance.beard === "stubble" ? 0.4 * appearance.beardStrength : appearance.beardStrength;
  const line = hairLine(surface, appearance, textureSeed);
  // Hair that hangs down covers the cheeks by its own shell only.
  const lineAt = ANGLES.map((angle) => (line ? Math.max(line(angle), -0.35) : 9));
  const hairiness = appearance.hairStyle === "buzzed" ? 0.4 + 0.5 * appearance.beardStrength : 1;
  const hair = scale(appearance.hairStyle === "hat" ? appearance.cloth : appearance.hair, 0.8);
  const lipsBelow = layout.mouthY - layout.lowerLip - 0.05 - layout.mouthGap * 0.88;
  drawGrid(
    canvas,
    {
      rows: rows.length,
      columns: ANGLES.length,
      pointAt: (r, c, out, at) => {
        const row = rows[r]!;
        const x = row.width * SINES[c]! + surface.jawOffset(row.y);
        out[at] = x;
        out[at + 1] = row.y;
        out[at + 2] = surface.rowDepth(row, x, COSINES[c]!, BULGES[c]!);
      },
      surfaceAt: (x, y, z, _, c, out) => {
        const ax = Math.abs(x);
        let patch = 0.94 + 0.12 * smoothNoise(x * 5 + 20, y * 5 + 20, textureSeed);
        let flush = 0;
        let beard = 0;
        let open = 1;
        if (z > -0.9 && y < 0.5) {
          flush =
            0.5 * appearance.blush * bell(ax - 0.48, y + 0.3, 0.2, 0.16) +
            0.3 * bell(x, y - layout.noseTip, 0.16, 0.12);
          const shadow =
            0.35 * bell(ax - layout.eyeX, y - 0.07, 0.2, 0.06) +
            0.25 * bell(ax - layout.eyeX + 0.05, y + 0.1, 0.16, 0.05);
          patch *= 1 - 0.6 * appearance.eyeShadow * shadow;
          beard = beardAt(surface, appearance, x, y) * beardStrength;
          if (beard > 0) beard *= 0.75 + 0.25 * hashNoise(x * 90, y * 90, textureSeed);
          open -= 0.4 * bell(ax - layout.eyeX + layout.eyeHalfWidth + 0.02, y - 0.04, 0.07, 0.09);
          open -= 0.18 * bell(ax - layout.eyeX, y - 0.08, 0.2, 0.05);
          open -= 0.4 * bell(x, y - layout.noseBase + 0.03, 0.16, 0.045);
          open -= 0.3 * bell(ax - layout.noseHalfWidth * 1.05, y - layout.noseBase - 0.05, 0.035, 0.09);
          open -= 0.25 * bell(x, y - lipsBelow, 0.18, 0.045);
        }
        // The underside of the jaw sees little of the sky.
        open *= 1 - 0.2 * step(-0.35, -0.75, y) * step(-0.15, -0.6, z);
        const scalp = Math.min(hairiness, step(lineAt[c]!, lineAt[c]! + 0.05, y));
        const bare = patch * (1 - beard) * (1 - scalp);
        const bearded = beard * (1 - scalp);
        out.red = (skin[0] + (red[0] - skin[0]) * flush) * bare + beardColour[0] * bearded + hair[0] * scalp;
        out.green = (skin[1] + (red[1] - skin[1]) * flush) * bare + beardColour[1] * bearded + hair[1] * scalp;
        out.blue = (skin[2] + (red[2] - skin[2]) * flush) * bare + beardColour[2] * bearded + hair[2] * scalp;
        out.open = open + (0.95 - open) * scalp;
        out.gloss = 1 - 0.7 * scalp;
      },
    },
    camera,
    light,
  );
  paintEars(canvas, surface, mix(skin, red, 0.5), camera, light);
  paintBody(canvas, surface, appearance, camera, light, textureSeed);
}

function paintEars(canvas: Canvas, surface: HeadSurface, colour: Colour, camera: Camera, light: HeadLight): void {
  const ear = surface.jawRow(0);
  for (const side of [-1, 1]) {
    drawGrid(
      canvas,
      {
        rows: 8,
        columns: 13,
        pointAt: (r, c, out, at) => {
          const polar = (r * Math.PI) / 7;
          const around = -Math.PI + (c * Math.PI) / 6;
          out[at] =
            side * (ear.width + 0.035) + 0.07 * Math.sin(polar) * Math.sin(around) + side * 0.05 * Math.cos(polar);
          out[at + 1] = -0.12 + 0.22 * Math.cos(polar);
          out[at + 2] = ear.side - 0.06 + 0.12 * Math.sin(polar) * Math.cos(around);
        },
        surfaceAt: (_x, _y, _z, _r, _c, out) => {
          [out.red, out.green, out.blue] = colour;
          out.open = 0.85;
          out.gloss = 0.5;
        },
      },
      camera,
      light,
    );
  }
}

/** Neck and shoulders. */
function paintBody(
  canvas: Canvas,
  surface: HeadSurface,
  appearance: Appearance,
  camera: Camera,
  light: HeadLight,
  textureSeed: number,
): void {
  const chin = surface.rows.at(-1)!.y;
  const ear = surface.jawRow(0);
  const levels = [-0.6, chin * 0.55 - 0.5, chin - 0.15, chin - 0.38, chin - 0.5, chin - 0.75, chin - 1.3, chin - 3];
  const widths = [0.44, 0.45, 0.47, 0.56, 0.9, 1.35, 1.6, 1.7];
  const openness = [0.45, 0.55, 0.7, 0.85, 0.95, 1, 1, 1];
  drawGrid(
    canvas,
    {
      rows: levels.length,
      columns: 25,
      pointAt: (r, c, out, at) => {
        const around = -Math.PI + (c * Math.PI) / 12;
        out[at] = widths[r]! * ear.width * 1.25 * Math.sin(around);
        out[at + 1] = levels[r]!;
        out[at + 2] = -0.85 + (0.42 + 0.1 * Math.max(0, r - 3)) * Math.cos(around);
      },
      surfaceAt: (_x, _y, _z, r, c, out) => {
        const colour = r < 4 ? appearance.skin : appearance.cloth;
        const factor = r < 4 ? 0.95 : 0.9 + 0.2 * hashNoise(r, c, textureSeed);
        out.red = colour[0] * factor;
        out.green = colour[1] * factor;
        out.blue = colour[2] * factor;
        out.open = openness[r]!;
        out.gloss = 0.2;
      },
    },
    camera,
    light,
  );
}
