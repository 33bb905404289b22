import type { Affine, RgbImage } from "@acr/core";

/**
 * Resamples through a map that turns and shrinks: each output pixel is the mean of the source under a tent that lies along the
 * output's own axes, at least a pixel wide each. The same filter as `sampleUpright`, for any angle.
 *
 * The work grows with the square of the shrinking: for factors up to some ten.
 */
export function sampleTurned(
  { width, height, data: source }: RgbImage,
  [a, b, c, d, e, f]: Affine,
  { size, border }: { size: number; border: "black" | "edge" },
): RgbImage {
  const data = new Uint8Array(size * size * 3);
  // Columns of the tent's frame: what one output pixel spans, at least a source pixel long.
  const lengthU = Math.hypot(a, d);
  const lengthV = Math.hypot(b, e);
  const [ux, uy] = [a * Math.max(1, 1 / lengthU), d * Math.max(1, 1 / lengthU)];
  const [vx, vy] = [b * Math.max(1, 1 / lengthV), e * Math.max(1, 1 / lengthV)];
  const determinant = ux * vy - vx * uy;
  const [m00, m01, m10, m11] = [vy / determinant, -vx / determinant, -uy / determinant, ux / determinant];
  const reachX = Math.abs(ux) + Math.abs(vx);
  const reachY = Math.abs(uy) + Math.abs(vy);
  const [lastColumn, lastRow] = [width - 1, height - 1];
  for (let row = 0, o = 0; row < size; row++) {
    for (let column = 0; column < size; column++, o += 3) {
      const x = a * column + b * row + c;
      const y = d * column + e * row + f;
      const isOutside = x + reachX < 0 || y + reachY < 0 || x - reachX > lastColumn || y - reachY > lastRow;
      if (isOutside && border === "black") continue;
      let red = 0;
      let green = 0;
      let blue = 0;
      let total = 0;
      const left = Math.ceil(x - reachX);
      const right = Math.floor(x + reachX);
      for (let j = Math.ceil(y - reachY), bottom = Math.floor(y + reachY); j <= bottom; j++) {
        let u = m00 * (left - x) + m01 * (j - y);
        let v = m10 * (left - x) + m11 * (j - y);
        const inRows = j >= 0 && j <= lastRow;
        const line = (j < 0 ? 0 : j > lastRow ? lastRow : j) * width;
        for (let i = left; i <= right; i++, u += m00, v += m10) {
          const weight = (1 - Math.abs(u)) * (1 - Math.abs(v));
          if (u <= -1 || u >= 1 || v <= -1 || v >= 1) continue;
          total += weight;
          const isIn = inRows && i >= 0 && i <= lastColumn;
          if (!isIn && border === "black") continue;
          const p = (line + (i < 0 ? 0 : i > lastColumn ? lastColumn : i)) * 3;
          red += weight * source[p]!;
          green += weight * source[p + 1]!;
          blue += weight * source[p + 2]!;
        }
      }
      if (total === 0) continue;
      data[o] = red / total + 0.5;
      data[o + 1] = green / total + 0.5;
      data[o + 2] = blue / total + 0.5;
    }
  }
  return { width: size, height: size, data };
}
