import { checkOptions } from "@acr/core";
import type { FaceLabels } from "./face-labels.js";
import { checkFaceLabels } from "./internal/check-labels.js";
import { tightBox } from "./internal/tight-box.js";
import { writeWholeFile } from "./internal/write-whole-file.js";

/**
 * Writes faces as CSV (RFC 4180): a header, then a row a face: `image`, `box_x0` … `box_y1`, `x0`, `y0` … and, where
 * a face has them, `visible0` …. Zero-based pixels.
 *
 * @param faces - without a box, the tight one of the landmarks is written.
 * @throws {InvalidArgumentError} no faces, landmarks that are not finite or differ in number, an empty path.
 * @example await writeCsv("faces.csv", [{ image: "a.jpg", landmarks: [10, 20], box: [0, 0, 40, 40] }]);
 */
export async function writeCsv(file: string, faces: Iterable<FaceLabels>, options: object = {}): Promise<void> {
  checkOptions("writeCsv", options, []);
  const list = [...faces];
  checkFaceLabels("writeCsv", list);
  const count = list[0]!.landmarks.length / 2;
  const flagged = list.some(({ visible }) => visible !== undefined);
  const indices = Array.from({ length: count }, (_, k) => k);
  const header = [
    "image",
    "box_x0",
    "box_y0",
    "box_x1",
    "box_y1",
    ...indices.flatMap((k) => [`x${k}`, `y${k}`]),
    ...(flagged ? indices.map((k) => `visible${k}`) : []),
  ];
  const rows = list.map(({ image, landmarks, visible, box = tightBox(landmarks) }) =>
    [
      /[",\s]/.test(image) ? `"${image.replaceAll('"', '""')}"` : image,
      ...box,
      ...Array.from(landmarks),
      ...(flagged ? indices.map((k) => (visible ? (visible[k] ? 1 : 0) : "")) : []),
    ].join(","),
  );
  await writeWholeFile(file, `${[header.join(","), ...rows].join("\n")}\n`);
}
