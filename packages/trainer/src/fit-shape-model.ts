import { type Augmentation, applyAffine, createRandom, type LandmarkScheme } from "@acr/core";
import { PointModel } from "@acr/shape-model";

/** Draws of the augmentation for each face that the shape model sees. */
const DRAWS = 6;

/**
 * Fits the shape model on labels as training shows them: moved by the augmentation's geometry, in the `centered`
 * frame, so that it knows rotation and scale.
 *
 * @param shapes - flat shapes in the `centered` frame.
 * @returns the model; its mean is where the head's bias starts.
 * @example const model = fitShapeModel(shapes, { scheme: ibug68, augmentation, seed: 1 });
 */
export function fitShapeModel(
  shapes: readonly ArrayLike<number>[],
  { scheme, augmentation, seed }: { scheme: LandmarkScheme; augmentation: Augmentation | undefined; seed: number },
): PointModel {
  if (!augmentation) return PointModel.fit(shapes, { scheme });
  const random = createRandom(seed).fork("shape-model");
  const seen: Float64Array[] = [];
  for (let draw = 0; draw < DRAWS; draw++) {
    for (const shape of shapes) {
      const { geometry, mirrored } = augmentation.draw(random);
      const moved = geometry ? applyAffine(geometry, shape) : Float64Array.from(shape);
      seen.push(mirrored ? renumber(moved, scheme.mirror) : moved);
    }
  }
  return PointModel.fit(seen, { scheme });
}

function renumber(shape: Float64Array, mirror: readonly number[]): Float64Array {
  return Float64Array.from(shape, (_, i) => shape[2 * mirror[i >> 1]! + (i & 1)]!);
}
