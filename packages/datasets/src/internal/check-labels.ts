import { InvalidArgumentError } from "@acr/core";
import type { FaceLabels } from "../face-labels.js";

/** Refuses labels that no reader would take back. */
export function checkLabels(
  functionName: string,
  { landmarks, visible, box }: Pick<FaceLabels, "landmarks" | "visible" | "box">,
  { landmarkCount, where = "" }: { landmarkCount?: number; where?: string } = {},
): void {
  const values = Array.from(landmarks);
  if (values.length === 0 || values.length % 2 !== 0 || !values.every(Number.isFinite))
    throw new InvalidArgumentError(
      `${functionName}: ${where}landmarks must be 2K finite numbers; got ${values.length}${values.every(Number.isFinite) ? "" : ", not all finite"}.`,
    );
  const count = values.length / 2;
  if (landmarkCount !== undefined && count !== landmarkCount)
    throw new InvalidArgumentError(`${functionName}: ${where}expected ${landmarkCount} landmarks; got ${count}.`);
  if (visible && visible.length !== count)
    throw new InvalidArgumentError(`${functionName}: ${where}visible must hold ${count} flags; got ${visible.length}.`);
  if (box && !(box.length === 4 && box.every(Number.isFinite) && box[2] > box[0] && box[3] > box[1]))
    throw new InvalidArgumentError(
      `${functionName}: ${where}box must be [x0, y0, x1, y1] with a positive size; got [${box.join(", ")}].`,
    );
}

/** The same for each face of a list, and for its picture's name. */
export function checkFaceLabels(functionName: string, faces: readonly FaceLabels[], landmarkCount?: number): void {
  if (faces.length === 0) throw new InvalidArgumentError(`${functionName}: faces must hold at least one; got none.`);
  const count = landmarkCount ?? (faces[0]?.landmarks.length ?? 0) / 2;
  faces.forEach((face, i) => {
    if (typeof face.image !== "string" || face.image === "" || /[\r\n\0]/.test(face.image))
      throw new InvalidArgumentError(
        `${functionName}: faces[${i}].image must be a path on one line; got ${JSON.stringify(face.image)}.`,
      );
    checkLabels(functionName, face, { landmarkCount: count, where: `faces[${i}]: ` });
  });
}
