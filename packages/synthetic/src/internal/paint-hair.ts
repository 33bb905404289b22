import type { Canvas } from "./canvas.js";
import { drawGrid, type HeadLight } from "./draw-grid.js";
import type { Appearance } from "./face-parameters.js";
import { hairLine } from "./hair-line.js";
import { hashNoise, smoothNoise } from "./hash-noise.js";
import { bulge, type HeadSurface } from "./head-surface.js";
import type { Camera } from "./projection.js";

const COLUMNS = 73;
const ROWS = 17;
/** Ambient light on the side of the hair that is turned to the head. */
const INSIDE = 0.5;

const step = (low: number, high: number, value: number) => {
  const t = Math.min(1, Math.max(0, (value - low) / (high - low)));
  return t * t * (3 - 2 * t);
};

/** A shell around the head from the crown down to a length that depends on the direction: hair, or a hat. */
export function paintHair(
  canvas: Canvas,
  surface: HeadSurface,
  appearance: Appearance,
  camera: Camera,
  light: HeadLight,
  textureSeed: number,
): void {
  const lengthAt = hairLine(surface, appearance, textureSeed);
  const style = appearance.hairStyle;
  // Buzzed hair is only colour on the scalp.
  if (!lengthAt || style === "buzzed") return;
  const { rows } = surface;
  const crown = rows[0]!.y;
  const hanging = style === "long" || style === "bob";
  const hat = style === "hat";
  const volume = hat ? 0.1 : appearance.hairVolume * (hanging ? 1 : 0.8);
  const row = { width: 0.5, side: 0.5, front: 0.5, back: 0.5 };
  const readRow = (y: number) => {
    let k = 0;
    while (k + 1 < rows.length && rows[k + 1]!.y > y) k++;
    const [a, b] = [rows[k]!, rows[Math.min(k + 1, rows.length - 1)]!];
    const t = a.y === b.y ? 0 : Math.min(1, Math.max(0, (a.y - y) / (a.y - b.y)));
    row.width = a.width + (b.width - a.width) * t;
    row.side = a.side + (b.side - a.side) * t;
    row.front = a.front + (b.front - a.front) * t;
    row.back = a.back + (b.back - a.back) * t;
  };
  const angles = Array.from({ length: COLUMNS }, (_, c) => -Math.PI + (2 * Math.PI * c) / (COLUMNS - 1));
  const lengths = angles.map(lengthAt);
  const colour = hat ? appearance.cloth : appearance.hair;
  const strands = angles.map((_, c) =>
    hat ? 0.85 + 0.15 * hashNoise(0, c & 1, textureSeed) : 0.7 + 0.45 * hashNoise(c, 0, textureSeed),
  );
  const top = crown + volume * 0.8;
  drawGrid(
    canvas,
    {
      rows: ROWS,
      columns: COLUMNS,
      inside: hanging ? INSIDE : 0,
      pointAt: (r, c, out, at) => {
        const s = r / (ROWS - 1);
        const angle = angles[c]!;
        const y = top + (lengths[c]! - top) * s ** 1.7;
        // Below the ears the hair hangs from the widest level instead of following the jaw.
        readRow(Math.max(Math.min(y, crown - 0.001) - volume * 0.6 * step(crown - 0.5, crown, y), hanging ? -0.1 : -9));
        const hang = hanging ? 0.12 * step(-0.2, -1.4, y) : 0;
        const tail = hat ? 1 : !hanging || Math.abs(angle) < 1.1 ? 1 - 0.75 * s * s : 1 - 0.2 * s;
        // Round at the crown, not flat.
        const dome = Math.sqrt(Math.min(1, (top - y) / 0.3));
        const puff =
          volume * tail + 0.025 + (hat ? 0 : 0.02 * smoothNoise(angle * 7 + 40, y * 4 + 40, textureSeed + 1));
        const cos = Math.cos(angle);
        out[at] = ((row.width + puff) * dome + hang) * Math.sin(angle);
        out[at + 1] = y;
        out[at + 2] =
          row.side +
          (cos < 0 ? (row.back - puff - row.side) * -cos : (row.front + puff - row.side) * bulge(cos)) * dome;
      },
      surfaceAt: (_x, _y, _z, r, c, out) => {
        const strand = strands[c]! + (hat ? 0 : 0.15 * smoothNoise(c * 0.7, r * 0.5, textureSeed));
        out.red = colour[0] * strand;
        out.green = colour[1] * strand;
        out.blue = colour[2] * strand;
        out.open = 0.75 + 0.25 * (1 - r / ROWS);
        out.gloss = hat ? 0 : 1.2;
      },
    },
    camera,
    light,
  );
}
