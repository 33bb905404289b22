import { InvalidArgumentError, ShapeError } from "@acr/core";
import { type Tensor3D, tensor3d } from "@tensorflow/tfjs-core";
import { checkModel } from "./internal/check-model.js";
import type { DifficultyOptions } from "./mode-options.js";
import type { PointModel } from "./point-model.js";

/** Difficulties of all faces of a data set, computed once. */
export interface DifficultyTable {
  /** `[N, K, 2]`, or `[N, K, 1]` by landmark. */
  readonly shape: readonly [number, number, number];
  /** Row by row, 4 bytes a value. */
  readonly values: Float32Array;
  /**
   * Φ of the faces with these indices, in their order.
   *
   * @returns `[B, K, 2]` or `[B, K, 1]`, owned by the caller.   @throws {InvalidArgumentError} an index outside the table.
   */
  gather(indices: ArrayLike<number>): Tensor3D;
}

/**
 * Precomputes Φ (arXiv:2203.15835, Eq. 4) for labels that training does not move; for augmented ones use
 * `difficultyTensor`, which follows them. Make a new table at each stage.
 *
 * @param shapes - flat shapes in the model's frame, at least one.   @param options - as `PointModel.difficulty`.
 * @throws {ShapeError | InvalidArgumentError} as `PointModel.difficulty`; no shapes.
 * @example
 * const table = createDifficultyTable(model, labels, { modes: 12 });
 * const difficulty = table.gather(batch.indices);
 */
export function createDifficultyTable(
  model: PointModel,
  shapes: readonly ArrayLike<number>[],
  options: DifficultyOptions = {},
): DifficultyTable {
  checkModel("createDifficultyTable", model);
  if (!(shapes?.length > 0)) throw new ShapeError("createDifficultyTable: shapes must hold at least one; got none.");
  const axes = options.unit === "landmark" ? 1 : 2;
  const width = model.landmarkCount * axes;
  const values = new Float32Array(shapes.length * width);
  shapes.forEach((shape, i) => values.set(model.difficulty(shape, options), i * width));
  return {
    shape: [shapes.length, model.landmarkCount, axes],
    values,
    gather(indices) {
      if (indices?.length === undefined)
        throw new InvalidArgumentError(`DifficultyTable.gather: indices must be an array; got ${typeof indices}.`);
      const rows = new Float32Array(indices.length * width);
      for (let b = 0; b < indices.length; b++) {
        const i = indices[b]!;
        if (!(Number.isInteger(i) && i >= 0 && i < shapes.length))
          throw new InvalidArgumentError(
            `DifficultyTable.gather: indices must be integers from 0 to ${shapes.length - 1}; got ${i}.`,
          );
        rows.set(values.subarray(i * width, (i + 1) * width), b * width);
      }
      return tensor3d(rows, [indices.length, model.landmarkCount, axes]);
    },
  };
}
