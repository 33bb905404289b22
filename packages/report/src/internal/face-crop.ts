import { type Affine, applyAffine, invertAffine, type RgbImage, warpAffine } from "@acr/core";

/** A square part of a picture, and where its points went. */
export interface FaceCropView {
  image: RgbImage;
  predicted?: Float64Array;
  target?: Float64Array;
}

/** Room around the points, as a share of their extent. */
const MARGIN = 0.25;

/** Crops the square around all finite points, resampled to `size` pixels. */
export function cropToPoints(
  image: RgbImage,
  { predicted, target, size }: { predicted?: ArrayLike<number>; target?: ArrayLike<number>; size: number },
): FaceCropView {
  // Predictions that flew off the picture must not shrink the face to a dot, so the truth decides where there is one.
  const points = target ?? predicted;
  let [x0, y0, x1, y1] = [0, 0, image.width - 1, image.height - 1];
  const pairs = points ? Array.from({ length: points.length / 2 }, (_, k) => [points[2 * k]!, points[2 * k + 1]!]) : [];
  const finite = pairs.filter(([x, y]) => Number.isFinite(x) && Number.isFinite(y));
  if (finite.length > 0) {
    [x0, x1] = [Math.min(...finite.map(([x]) => x!)), Math.max(...finite.map(([x]) => x!))];
    [y0, y1] = [Math.min(...finite.map(([, y]) => y!)), Math.max(...finite.map(([, y]) => y!))];
  }
  const side = Math.max(x1 - x0, y1 - y0, 1) * (1 + 2 * MARGIN);
  const step = side / size;
  const left = (x0 + x1) / 2 - side / 2 + step / 2;
  const top = (y0 + y1) / 2 - side / 2 + step / 2;
  const outputToSource: Affine = [step, 0, left, 0, step, top];
  const sourceToOutput = invertAffine(outputToSource);
  return {
    image: warpAffine(shrink(image, step), shrunk(outputToSource, step), { width: size, height: size }),
    ...(predicted && { predicted: applyAffine(sourceToOutput, predicted) }),
    ...(target && { target: applyAffine(sourceToOutput, target) }),
  };
}

const factorOf = (step: number) => Math.max(1, Math.floor(step));

/** Means of blocks, so that strong reduction does not alias. */
function shrink(image: RgbImage, step: number): RgbImage {
  const factor = factorOf(step);
  if (factor === 1) return image;
  const [width, height] = [
    Math.max(1, Math.floor(image.width / factor)),
    Math.max(1, Math.floor(image.height / factor)),
  ];
  const data = new Uint8Array(width * height * 3);
  const rows = Math.min(factor, image.height);
  const columns = Math.min(factor, image.width);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++)
      for (let c = 0; c < 3; c++) {
        let sum = 0;
        for (let j = 0; j < rows; j++)
          for (let i = 0; i < columns; i++)
            sum += image.data[((y * factor + j) * image.width + x * factor + i) * 3 + c]!;
        data[(y * width + x) * 3 + c] = Math.round(sum / rows / columns);
      }
  return { width, height, data };
}

/** Source coordinates p lie at (p − (factor − 1) / 2) / factor in the shrunk picture. */
function shrunk([a, b, c, d, e, f]: Affine, step: number): Affine {
  const factor = factorOf(step);
  const move = (value: number) => (value - (factor - 1) / 2) / factor;
  return [a / factor, b / factor, move(c), d / factor, e / factor, move(f)];
}
