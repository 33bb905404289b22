import type { Canvas } from "./canvas.js";
import { type Appearance, scale } from "./face-parameters.js";
import { gridMesh, type HeadLight } from "./grid-mesh.js";
import { hashNoise, smoothNoise } from "./hash-noise.js";
import type { HeadSurface } from "./head-surface.js";
import type { Project } from "./projection.js";

const COLUMNS = 73;
const ROWS = 15;
const DEGREES = 180 / Math.PI;

/** Lowest level of the hair at the back of the head and over the ears. */
const ENDS = {
  buzzed: [-0.45, 0.16],
  short: [-0.6, 0.12],
  bob: [-1.05, -0.95],
  long: [-2.1, -1.9],
} as const;

const step = (low: number, high: number, value: number) => {
  const t = Math.min(1, Math.max(0, (value - low) / (high - low)));
  return t * t * (3 - 2 * t);
};

/** A shell around the head from the crown down to a length that depends on the direction. */
export function paintHair(
  canvas: Canvas,
  surface: HeadSurface,
  appearance: Appearance,
  project: Project,
  light: HeadLight,
  textureSeed: number,
): void {
  const style = appearance.hairStyle;
  if (style === "bald") return;
  const [back, ears] = ENDS[style];
  const { rows, layout } = surface;
  const crown = rows[0]!.y;
  const hanging = style === "long" || style === "bob";
  const fringe = style === "buzzed" ? 0 : appearance.fringe;
  const forehead = crown - 0.42 - fringe * Math.max(0, crown - 0.42 - layout.browY - 0.05);
  const volume = style === "buzzed" ? 0.02 : appearance.hairVolume * (hanging ? 1 : 0.8);
  const rowAt = (y: number) => {
    let k = 0;
    while (k + 1 < rows.length && rows[k + 1]!.y > y) k++;
    const [a, b] = [rows[k]!, rows[Math.min(k + 1, rows.length - 1)]!];
    const t = a.y === b.y ? 0 : Math.min(1, Math.max(0, (a.y - y) / (a.y - b.y)));
    return {
      width: a.width + (b.width - a.width) * t,
      side: a.side + (b.side - a.side) * t,
      front: a.front + (b.front - a.front) * t,
      back: a.back + (b.back - a.back) * t,
    };
  };
  const lengthAt = (angle: number) => {
    const degrees = Math.abs(angle) * DEGREES;
    const lock = smoothNoise(angle * 9 + 40, 0, textureSeed) - 0.5;
    const part =
      fringe > 0.1 || style === "buzzed" ? 0 : 0.1 * Math.exp(-(((angle - appearance.parting * 0.5) / 0.25) ** 2));
    const front = forehead + part + lock * (0.04 + 0.14 * fringe) - 0.1 * step(15, 45, degrees);
    // Hair that hangs down starts where the hairline meets the temples.
    const temple = hanging ? step(42, 66, degrees) : step(50, 78, degrees);
    const side = ears + (back - ears) * step(100, 125, degrees) + lock * (hanging ? 0.25 : 0.08);
    return front + (side - front) * temple;
  };
  const angles = Array.from({ length: COLUMNS }, (_, c) => -Math.PI + (2 * Math.PI * c) / (COLUMNS - 1));
  const lengths = angles.map(lengthAt);
  canvas.drawMesh(
    gridMesh(
      ROWS,
      COLUMNS,
      (r, c) => {
        const s = r / (ROWS - 1);
        const angle = angles[c]!;
        const top = crown + volume * 0.8;
        const y = top + (lengths[c]! - top) * s ** 1.3;
        // Below the ears the hair hangs from the widest level instead of following the jaw.
        const row = rowAt(
          Math.max(Math.min(y, crown - 0.001) - volume * 0.6 * step(crown - 0.5, crown, y), hanging ? -0.1 : -9),
        );
        const tail = Math.abs(angle) < 1.2 ? 1 - 0.75 * s * s : 1 - 0.2 * s;
        const puff = volume * tail + 0.02 + 0.02 * smoothNoise(angle * 7 + 40, y * 4 + 40, textureSeed + 1);
        const width = row.width + (s > 0 ? puff : 0);
        const cos = Math.cos(angle);
        const z =
          cos < 0
            ? row.side + (row.back - puff - row.side) * -cos
            : row.side + (row.front + puff - row.side) * cos ** 0.8;
        return [width * Math.sin(angle), y, z];
      },
      (_, r, c) => ({
        albedo: scale(
          appearance.hair,
          0.7 + 0.45 * hashNoise(c, 0, textureSeed) + 0.15 * smoothNoise(c * 0.7, r * 0.5, textureSeed),
        ),
        open: 0.75 + 0.25 * (1 - r / ROWS),
        gloss: 1.2,
      }),
      project,
      light,
    ),
  );
}
