import type { Appearance } from "./face-parameters.js";
import { smoothNoise } from "./hash-noise.js";
import type { HeadSurface } from "./head-surface.js";

const DEGREES = 180 / Math.PI;

/** Lowest level of the hair at the back of the head and over the ears. */
const ENDS = {
  buzzed: [-0.42, 0.14],
  short: [-0.55, 0.08],
  bob: [-0.95, -0.85],
  long: [-2.0, -1.8],
  hat: [0.05, 0.16],
} as const;

const step = (low: number, high: number, value: number) => {
  const t = Math.min(1, Math.max(0, (value - low) / (high - low)));
  return t * t * (3 - 2 * t);
};

/** Level down to which the hair reaches, by the angle around the head (0 front, ±π back); none for the bald. */
export function hairLine(
  surface: HeadSurface,
  appearance: Appearance,
  textureSeed: number,
): ((angle: number) => number) | undefined {
  const style = appearance.hairStyle;
  if (style === "bald") return undefined;
  const [back, ears] = ENDS[style];
  const crown = surface.rows[0]!.y;
  const hanging = style === "long" || style === "bob";
  const fringe = style === "buzzed" ? 0 : style === "hat" ? 0.55 : appearance.fringe;
  const forehead = crown - 0.42 - fringe * Math.max(0, crown - 0.42 - surface.layout.browY - 0.05);
  const ragged = style === "hat" ? 0 : 1;
  return (angle) => {
    const degrees = Math.abs(angle) * DEGREES;
    const lock = ragged * (smoothNoise(angle * 9 + 40, 0, textureSeed) - 0.5);
    const part =
      fringe > 0.1 || style === "buzzed" ? 0 : 0.1 * Math.exp(-(((angle - appearance.parting * 0.5) / 0.25) ** 2));
    const front = forehead + part + lock * (0.04 + 0.14 * fringe) - 0.1 * step(15, 45, degrees);
    // Hair that hangs down starts where the hairline meets the temples.
    const temple = hanging ? step(48, 78, degrees) : step(50, 78, degrees);
    const side = ears + (back - ears) * step(100, 125, degrees) + lock * (hanging ? 0.25 : 0.08);
    return front + (side - front) * temple;
  };
}
