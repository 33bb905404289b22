import { type Augmentation, checkOptions, InvalidArgumentError, type PixelChange, type RgbImage } from "@acr/core";
import { augmentationModule } from "./internal/augmentation-module.js";
import { checkRange } from "./internal/check-range.js";
import { deferrable } from "./internal/deferrable.js";

/** Options of `occlude`. */
export interface OccludeOptions {
  /** In [0, 1]. Default 0.3. */
  probability?: number;
  /** Shortest side of the block as a share of the crop's, 0 < minimum <= maximum. Default 10 / 112. */
  minimum?: number;
  /** Longest side, at most 1. Default 40 / 112. */
  maximum?: number;
}

/**
 * Covers the picture with one block of a random colour; height and width are drawn by themselves. Landmarks stay, and
 * stay visible in the labels: the model is to guess what is hidden.
 *
 * @throws {InvalidArgumentError} probability outside [0, 1], sizes outside 0 < minimum <= maximum <= 1, an unknown option.
 * @example occlude({ probability: 0.5 });
 */
export function occlude(options: OccludeOptions = {}): Augmentation {
  checkOptions("occlude", options, ["probability", "minimum", "maximum"]);
  const { probability = 0.3, minimum = 10 / 112, maximum = 40 / 112 } = options;
  checkRange("occlude", "probability", probability);
  if (!(minimum > 0 && minimum <= maximum && maximum <= 1)) {
    throw new InvalidArgumentError(
      `occlude: sizes must satisfy 0 < minimum <= maximum <= 1; got ${minimum} and ${maximum}.`,
    );
  }
  return {
    name: "occlude",
    options: { probability, minimum, maximum },
    module: augmentationModule,
    draw: (random) => {
      if (!random.chance(probability)) return {};
      const block = {
        width: random.uniform(minimum, maximum),
        height: random.uniform(minimum, maximum),
        left: random.uniform(),
        top: random.uniform(),
        color: [random.integer(256), random.integer(256), random.integer(256)] as const,
      };
      return {
        photometric: deferrable({
          kind: "block",
          apply: (image) => cover(image, pixelsOf(block, image)),
          change: (image) => ({ block: pixelsOf(block, image) }),
        }),
      };
    },
  };
}

/** Sides and place as shares of the crop. */
interface Block {
  width: number;
  height: number;
  left: number;
  top: number;
  color: readonly [number, number, number];
}

function pixelsOf(block: Block, { width, height }: RgbImage): NonNullable<PixelChange["block"]> {
  const w = Math.max(1, Math.floor(block.width * width));
  const h = Math.max(1, Math.floor(block.height * height));
  const left = Math.floor(block.left * (width - w + 1));
  const top = Math.floor(block.top * (height - h + 1));
  return { left, top, right: left + w, bottom: top + h, color: block.color };
}

function cover({ width, data }: RgbImage, block: NonNullable<PixelChange["block"]>): void {
  const { left, top, right, bottom, color } = block;
  const [red, green, blue] = color;
  for (let y = top; y < bottom; y++) {
    for (let i = (y * width + left) * 3, end = (y * width + right) * 3; i < end; i += 3) {
      data[i] = red;
      data[i + 1] = green;
      data[i + 2] = blue;
    }
  }
}
