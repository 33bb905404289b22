import type { Random } from "@acr/core";
import { mix, randomColour } from "./face-parameters.js";
import { hashNoise, smoothNoise } from "./hash-noise.js";

/** A background of gradient, clutter and texture: red, green, blue in [0, 1] for each pixel. */
export function paintBackground(random: Random, size: number, plain: boolean): Float32Array {
  const out = new Float32Array(size * size * 3);
  if (plain) return out.fill(0.5);
  const [a, b] = [randomColour(random), randomColour(random)];
  const angle = random.uniform(0, 2 * Math.PI);
  const [dx, dy] = [Math.cos(angle) / size, Math.sin(angle) / size];
  const seed = random.integer(1 << 30);
  const rough = random.chance(0.6) ? random.uniform(0.05, 0.5) : 0;
  const frequency = random.uniform(3, 24) / size;
  const stripes = random.chance(0.15) ? random.uniform(0.2, 1.2) : 0;
  for (let y = 0; y < size; y++) {
    for (let x = 0; x < size; x++) {
      let t = 0.5 + (x - size / 2) * dx + (y - size / 2) * dy;
      if (stripes > 0) t += 0.4 * Math.sin((x * dx + y * dy) * size * stripes);
      const colour = mix(a, b, Math.min(1, Math.max(0, t)));
      const texture = rough > 0 ? 1 + rough * (smoothNoise(x * frequency, y * frequency, seed) - 0.5) * 2 : 1;
      const at = (y * size + x) * 3;
      out[at] = colour[0] * texture;
      out[at + 1] = colour[1] * texture;
      out[at + 2] = colour[2] * texture;
    }
  }
  const shapes = random.chance(0.7) ? random.integer(26) : 0;
  for (let k = 0; k < shapes; k++) {
    const colour = randomColour(random);
    const [cx, cy] = [random.uniform(0, size), random.uniform(0, size)];
    const [rx, ry] = [random.uniform(0.02, 0.25) * size, random.uniform(0.02, 0.25) * size];
    const alpha = random.uniform(0.3, 1);
    const box = random.chance();
    const grain = random.chance(0.3) ? 0.4 : 0;
    for (let y = Math.max(0, Math.floor(cy - ry)); y < Math.min(size, cy + ry); y++) {
      for (let x = Math.max(0, Math.floor(cx - rx)); x < Math.min(size, cx + rx); x++) {
        if (!box && ((x - cx) / rx) ** 2 + ((y - cy) / ry) ** 2 > 1) continue;
        const at = (y * size + x) * 3;
        const strength = 1 - grain * hashNoise(x >> 1, y >> 1, seed + k);
        for (let c = 0; c < 3; c++) out[at + c] = out[at + c]! + (colour[c]! * strength - out[at + c]!) * alpha;
      }
    }
  }
  return out;
}
