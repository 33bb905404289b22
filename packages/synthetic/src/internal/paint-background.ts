import type { Random } from "@acr/core";
import { randomColour } from "./face-parameters.js";
import { smoothNoise } from "./hash-noise.js";

/** Cell counts per side: from a place far out of focus to a sharp one. */
const RESOLUTIONS = [10, 16, 24, 40, 64] as const;

interface Layer {
  readonly cells: number;
  readonly data: Float32Array;
}

/** Texture whose octaves fade like those of photographs (amplitude ~ 1 / frequency), tinted between three colours. */
function cloudLayer(random: Random, cells: number): Layer {
  const data = new Float32Array(cells * cells * 3);
  const [a, b, c] = [randomColour(random), randomColour(random), randomColour(random)];
  const seed = random.integer(1 << 30);
  const angle = random.uniform(0, 2 * Math.PI);
  const [dx, dy] = [Math.cos(angle) / cells, Math.sin(angle) / cells];
  const rough = random.uniform(0, 1.6);
  const stretch = Math.exp(random.normal(0, 0.5));
  const start = random.uniform(1, 4);
  for (let y = 0; y < cells; y++) {
    for (let x = 0; x < cells; x++) {
      let texture = 0;
      let amplitude = 0.5;
      for (let frequency = start; frequency < cells / 2; frequency *= 2) {
        texture +=
          amplitude *
          (smoothNoise((x / cells) * frequency * stretch, ((y / cells) * frequency) / stretch, seed + frequency) - 0.5);
        amplitude *= 0.6;
      }
      const ramp = 0.5 + (x - cells / 2) * dx + (y - cells / 2) * dy + rough * texture;
      const t = Math.min(1, Math.max(0, ramp));
      const [from, to, share] = t < 0.5 ? [a, b, 2 * t] : [b, c, 2 * t - 1];
      const at = (y * cells + x) * 3;
      for (let k = 0; k < 3; k++) data[at + k] = from[k]! + (to[k]! - from[k]!) * share;
    }
  }
  return { cells, data };
}

/** Upright and lying bars, boxes and round things, as walls, windows, furniture and people make. */
function paintShapes({ cells, data }: Layer, random: Random): void {
  const count = random.chance(0.75) ? random.integer(18) : 0;
  for (let k = 0; k < count; k++) {
    const colour = randomColour(random);
    const [cx, cy] = [random.uniform(0, cells), random.uniform(0, cells)];
    const bar = random.chance(0.35);
    const upright = random.chance(0.7);
    const [small, large] = [random.uniform(0.015, 0.06) * cells, random.uniform(0.2, 0.8) * cells];
    const rx = bar ? (upright ? small : large) : random.uniform(0.03, 0.25) * cells;
    const ry = bar ? (upright ? large : small) : random.uniform(0.03, 0.25) * cells;
    const alpha = random.uniform(0.3, 1);
    const round = !bar && random.chance();
    const slope = random.normal(0, 0.08);
    const fade = random.uniform(-0.4, 0.4);
    for (let y = Math.max(0, Math.floor(cy - ry)); y < Math.min(cells, cy + ry); y++) {
      const middle = cx + slope * (y - cy);
      for (let x = Math.max(0, Math.floor(middle - rx)); x < Math.min(cells, middle + rx); x++) {
        if (round && ((x - middle) / rx) ** 2 + ((y - cy) / ry) ** 2 > 1) continue;
        const at = (y * cells + x) * 3;
        const light = 1 + (fade * (y - cy)) / ry;
        for (let c = 0; c < 3; c++) data[at + c] = data[at + c]! + (colour[c]! * light - data[at + c]!) * alpha;
      }
    }
  }
}

/**
 * Fills `out` with what lies behind the head: red, green, blue in [0, 1] for each pixel. It is painted on a coarse grid and enlarged
 * smoothly, which is what being out of focus looks like, and cheap.
 */
export function paintBackground(out: Float32Array, random: Random, size: number, plain: boolean): void {
  if (plain) {
    out.fill(0.5);
    return;
  }
  const layer = cloudLayer(random, Math.min(size, random.pick(RESOLUTIONS)));
  paintShapes(layer, random);
  const { cells, data } = layer;
  const columns = new Int32Array(size);
  const parts = new Float32Array(size);
  for (let x = 0; x < size; x++) {
    const place = Math.min(cells - 1, Math.max(0, ((x + 0.5) * cells) / size - 0.5));
    columns[x] = Math.min(cells - 2, Math.floor(place));
    parts[x] = place - columns[x]!;
  }
  for (let y = 0; y < size; y++) {
    const upper = columns[y]! * cells * 3;
    const lower = upper + cells * 3;
    const v = parts[y]!;
    for (let x = 0; x < size; x++) {
      const left = columns[x]! * 3;
      const u = parts[x]!;
      const w00 = (1 - u) * (1 - v);
      const w01 = u * (1 - v);
      const w10 = (1 - u) * v;
      const w11 = u * v;
      const at = (y * size + x) * 3;
      for (let c = 0; c < 3; c++) {
        out[at + c] =
          w00 * data[upper + left + c]! +
          w01 * data[upper + left + 3 + c]! +
          w10 * data[lower + left + c]! +
          w11 * data[lower + left + 3 + c]!;
      }
    }
  }
}
