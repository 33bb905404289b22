import { InvalidArgumentError, ShapeError } from "@acr/core";
import { PointModel } from "../point-model.js";
import { readBinary, writeBinary } from "./binary-form.js";
import { checkInteger } from "./check-integer.js";
import { checkShape } from "./check-shape.js";
import type { Neighbours } from "./profile.js";
import type { ProfileLevel } from "./profile-level.js";

/** Names the binary form. */
const KIND = "ActiveShapeModel";

/** All that an active shape model holds. */
export interface ActiveShapeFields {
  /** Shapes in the window's frame after Procrustes alignment. */
  shapeModel: PointModel;
  /** Mean shape in the window's frame, where a search begins. */
  start: Float64Array;
  neighbours: Neighbours;
  /** From fine to coarse. */
  levels: readonly ProfileLevel[];
  faceSize: number;
  profileReach: number;
}

/** Packs a model, exactly. */
export function writeActiveShape(fields: ActiveShapeFields): Uint8Array {
  const { shapeModel, start, neighbours, levels, faceSize, profileReach } = fields;
  return writeBinary({
    kind: KIND,
    header: { formatVersion: 1, shapeModel: shapeModel.toJSON(), neighbours, faceSize, profileReach },
    blocks: {
      start,
      ...Object.fromEntries(levels.map(({ means }, i) => [`means${i}`, means])),
      ...Object.fromEntries(levels.map(({ precisions }, i) => [`precisions${i}`, precisions])),
    },
  });
}

/** @throws {InvalidArgumentError | ShapeError} bytes of something else, a newer version, a file cut short, faulty fields. */
export function readActiveShape(caller: string, bytes: Uint8Array): ActiveShapeFields {
  const { header, blocks } = readBinary(caller, KIND, bytes);
  if (header.formatVersion !== 1)
    throw new InvalidArgumentError(
      `${caller}: formatVersion must be 1; got ${String(header.formatVersion)}. Update @acr/shape-model.`,
    );
  const shapeModel = PointModel.fromJSON(header.shapeModel as never);
  const { neighbours, faceSize, profileReach } = header as {
    neighbours: Neighbours;
    faceSize: number;
    profileReach: number;
  };
  const count = shapeModel.landmarkCount;
  checkInteger(caller, "faceSize", faceSize, 16, 512);
  checkInteger(caller, "profileReach", profileReach, 1, 32);
  const isIndex = (k: unknown) => Number.isInteger(k) && (k as number) >= 0 && (k as number) < count;
  const isPair = (pair: unknown) => Array.isArray(pair) && pair.length === 2 && pair.every(isIndex);
  if (!(Array.isArray(neighbours) && neighbours.length === count && neighbours.every(isPair)))
    throw new InvalidArgumentError(`${caller}: neighbours must be ${count} pairs of landmarks.`);
  checkShape(caller, "start", blocks.start ?? [], 2 * count);
  const size = 2 * profileReach + 1;
  const levels: ProfileLevel[] = [];
  for (let i = 0; blocks[`means${i}`]; i++) {
    const [means, precisions] = [blocks[`means${i}`]!, blocks[`precisions${i}`] ?? new Float64Array()];
    checkShape(caller, `means of level ${i}`, means, count * size);
    checkShape(caller, `precisions of level ${i}`, precisions, count * size * size);
    levels.push({ means, precisions });
  }
  if (levels.length === 0 || levels.length > 5)
    throw new ShapeError(`${caller}: profiles must have 1 to 5 levels; got ${levels.length}.`);
  return { shapeModel, start: blocks.start!, neighbours, levels, faceSize, profileReach };
}
