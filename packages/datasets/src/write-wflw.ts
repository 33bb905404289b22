import { InvalidArgumentError, wflw98 } from "@acr/core";
import type { FaceLabels } from "./face-labels.js";
import { checkFaceLabels } from "./internal/check-labels.js";
import { withoutExponent } from "./internal/shift-decimal.js";
import { tightBox } from "./internal/tight-box.js";
import { WFLW_ATTRIBUTES } from "./internal/wflw-attributes.js";
import { writeWholeFile } from "./internal/write-whole-file.js";

/**
 * Writes a WFLW list file: a line a face with 98 x and y, the rectangle, six flags and the picture's path below
 * `WFLW_images`. `openWflw` reads it under its official name,
 * `WFLW_annotations/list_98pt_rect_attr_train_test/list_98pt_rect_attr_{train,test}.txt`, and gives the same numbers back.
 *
 * @param faces - `tags` named `largepose`, `expression`, `illumination`, `makeup`, `occlusion`, `blur` set the flags.
 * @throws {InvalidArgumentError} no faces, not 98 landmarks, a value that is not finite, a path with white space.
 * @example await writeWflw("list_98pt_rect_attr_test.txt", faces);
 */
export async function writeWflw(file: string, faces: Iterable<FaceLabels>): Promise<void> {
  const list = [...faces];
  checkFaceLabels("writeWflw", list, wflw98.landmarkCount);
  const lines = list.map(({ image, landmarks, box = tightBox(landmarks), tags = {} }, i) => {
    if (/\s/.test(image))
      throw new InvalidArgumentError(
        `writeWflw: faces[${i}].image must not hold white space, which ends a field; got "${image}".`,
      );
    const numbers = [...Array.from(landmarks), ...box].map(withoutExponent);
    return [...numbers, ...WFLW_ATTRIBUTES.map((name) => (tags[name] ? 1 : 0)), image].join(" ");
  });
  await writeWholeFile(file, `${lines.join("\n")}\n`);
}
