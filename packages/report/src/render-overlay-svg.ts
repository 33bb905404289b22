import { checkOptions, InvalidArgumentError, type RgbImage, ShapeError } from "@acr/core";
import { Jimp } from "jimp";
import { escapeHtml } from "./internal/escape-html.js";

/** Options of `renderOverlaySvg`; coordinates in the picture's `pixel` frame. */
export interface OverlaySvgOptions {
  /** Flat predicted landmarks: orange. */
  predicted?: ArrayLike<number>;
  /** Flat true landmarks: blue. */
  target?: ArrayLike<number>;
  /** Φ of each landmark (K) or coordinate (2K), in [0, 1]: the true landmark's dot grows with it. */
  difficulty?: ArrayLike<number>;
  box?: readonly [number, number, number, number];
  /** What a screen reader says. Default "Face with landmarks". */
  title?: string;
  /** JPEG quality of the embedded picture, 1–100. Default 82. */
  quality?: number;
}

/**
 * A picture with landmarks drawn over it, as one SVG element: the points stay sharp at any size.
 *
 * @throws {ShapeError} difficulty fits neither the landmarks nor their coordinates.
 * @throws {InvalidArgumentError} a point or difficulty that is not finite, an unknown option.
 * @example await writeFile("overlay.svg", await renderOverlaySvg(image, { predicted: landmarks }));
 */
export async function renderOverlaySvg(image: RgbImage, options: OverlaySvgOptions = {}): Promise<string> {
  checkOptions("renderOverlaySvg", options, ["predicted", "target", "difficulty", "box", "title", "quality"]);
  const { predicted, target, difficulty, box, title = "Face with landmarks", quality = 82 } = options;
  const { width, height } = image;
  const radius = Math.max(0.8, Math.max(width, height) / 110);
  if (difficulty && difficulty.length !== target?.length && 2 * difficulty.length !== target?.length)
    throw new ShapeError(
      `renderOverlaySvg: difficulty must have one value a target landmark or coordinate; got ${difficulty.length} for ${target?.length ?? 0} coordinates.`,
    );
  const weight = (k: number) => {
    if (!difficulty) return 1;
    const perLandmark = 2 * difficulty.length === target!.length;
    const phi = perLandmark ? difficulty[k]! : Math.max(difficulty[2 * k]!, difficulty[2 * k + 1]!);
    if (!Number.isFinite(phi))
      throw new InvalidArgumentError(`renderOverlaySvg: difficulty of landmark ${k} must be finite.`);
    return 0.6 + 2.4 * phi;
  };
  const dots = (name: string, points: ArrayLike<number> | undefined, color: string, size: (k: number) => number) => {
    if (!points) return "";
    const circles = Array.from({ length: points.length / 2 }, (_, k) => {
      const [x, y] = [points[2 * k]!, points[2 * k + 1]!];
      if (!Number.isFinite(x) || !Number.isFinite(y))
        throw new InvalidArgumentError(`renderOverlaySvg: ${name} landmark ${k} must be finite.`);
      return `<circle cx="${(x + 0.5).toFixed(1)}" cy="${(y + 0.5).toFixed(1)}" r="${(radius * size(k)).toFixed(1)}"/>`;
    });
    return `<g fill="${color}" stroke="#0008" stroke-width="${(radius / 4).toFixed(2)}">${circles.join("")}</g>`;
  };
  const rectangle = box
    ? `<rect x="${box[0]}" y="${box[1]}" width="${box[2] - box[0]}" height="${box[3] - box[1]}" fill="none" stroke="#fff" stroke-width="${(radius / 2).toFixed(2)}"/>`
    : "";
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" role="img"><title>${escapeHtml(title)}</title>` +
    `<image width="${width}" height="${height}" href="data:image/jpeg;base64,${await jpeg(image, quality)}"/>${rectangle}` +
    `${dots("target", target, "#56b4e9", weight)}${dots("predicted", predicted, "#e69f00", () => 1)}</svg>`
  );
}

async function jpeg(image: RgbImage, quality: number): Promise<string> {
  if (!(quality >= 1 && quality <= 100))
    throw new InvalidArgumentError(`renderOverlaySvg: quality must be from 1 to 100; got ${quality}.`);
  const canvas = new Jimp({ width: image.width, height: image.height, color: 0x000000ff });
  const rgba = canvas.bitmap.data;
  for (let i = 0, o = 0; i < image.data.length; i += 3, o += 4) {
    rgba[o] = image.data[i]!;
    rgba[o + 1] = image.data[i + 1]!;
    rgba[o + 2] = image.data[i + 2]!;
  }
  return (await canvas.getBuffer("image/jpeg", { quality })).toString("base64");
}
