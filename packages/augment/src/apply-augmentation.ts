import {
  type Affine,
  type Augmentation,
  applyAffine,
  type Box,
  checkOptions,
  composeAffine,
  type Face,
  invertAffine,
  type Random,
  warpAffine,
} from "@acr/core";

/** Options of `applyAugmentation`. */
export interface ApplyAugmentationOptions {
  random: Random;
}

/**
 * Augments one face by itself: picture, landmarks, visibility and box move together. The picture keeps its size; it is
 * turned and scaled about its centre, and shifts are shares of its longer side. Loaders do the same while they crop.
 *
 * @param face - any annotated picture, usually a crop; stays as it is.   @param options.random - decides the draw.
 * @returns a new face; its box is the smallest upright one around the moved corners.
 * @throws {InvalidArgumentError} an unknown option.
 * @example const turned = applyAugmentation(randomAffine(), face, { random: createRandom(1) });
 */
export function applyAugmentation(augmentation: Augmentation, face: Face, options: ApplyAugmentationOptions): Face {
  checkOptions("applyAugmentation", options, ["random"]);
  const { geometry, mirrored = false, photometric } = augmentation.draw(options.random);
  const { width, height } = face.image;
  const image = { width, height, data: Uint8Array.from(face.image.data) };
  if (!geometry) {
    photometric?.(image);
    return { ...face, image };
  }
  const side = Math.max(width, height);
  const toCentered: Affine = [1 / side, 0, (0.5 - width / 2) / side, 0, 1 / side, (0.5 - height / 2) / side];
  const move = composeAffine(composeAffine(toCentered, geometry), invertAffine(toCentered));
  const moved = warpAffine(face.image, invertAffine(move), image);
  photometric?.(moved);
  const { mirror, landmarkCount } = face.scheme;
  const points = applyAffine(move, face.landmarks);
  const from = Array.from({ length: landmarkCount }, (_, k) => (mirrored ? mirror[k]! : k));
  return {
    ...face,
    image: moved,
    landmarks: Float64Array.from({ length: 2 * landmarkCount }, (_, i) => points[2 * from[i >> 1]! + (i & 1)]!),
    ...(face.visible && { visible: Uint8Array.from(from, (k) => face.visible![k]!) }),
    box: moveBox(move, face.box),
  };
}

function moveBox(move: Affine, [x0, y0, x1, y1]: Box): Box {
  const corners = applyAffine(move, [x0, y0, x1, y0, x0, y1, x1, y1]);
  const [xs, ys] = [0, 1].map((axis) => corners.filter((_, i) => i % 2 === axis)) as [Float64Array, Float64Array];
  return [Math.min(...xs), Math.min(...ys), Math.max(...xs), Math.max(...ys)];
}
