import { checkOptions, type LandmarkScheme } from "@acr/core";
import type { FaceLabels } from "./face-labels.js";
import { checkFaceLabels } from "./internal/check-labels.js";
import { tightBox } from "./internal/tight-box.js";
import { writeWholeFile } from "./internal/write-whole-file.js";

/** Options of `writeCoco`. */
export interface WriteCocoOptions {
  /** Names the keypoints. */
  scheme: LandmarkScheme;
}

/**
 * Writes faces as COCO keypoints: `images`, `annotations` with x, y, v triples (2 visible, 1 hidden) and `bbox`
 * x, y, width, height, and one category `face`. Zero-based, pixel centres on integers.
 *
 * @param faces - without a box, the tight one of the landmarks is written.
 * @throws {InvalidArgumentError} no faces, another number of landmarks than the scheme's, a value that is not finite.
 * @see https://cocodataset.org/#format-data. Deviations: `acr_box` where x + width would round, `acr_tags`, and
 *   `info.visibility`, false where the data set does not tell what is hidden.
 * @example await writeCoco("faces.json", faces, { scheme: ibug68 });
 */
export async function writeCoco(file: string, faces: Iterable<FaceLabels>, options: WriteCocoOptions): Promise<void> {
  checkOptions("writeCoco", options, ["scheme"]);
  const { scheme } = options;
  const list = [...faces];
  checkFaceLabels("writeCoco", list, scheme.landmarkCount);
  const images = new Map<string, { id: number; file_name: string; width?: number; height?: number }>();
  const annotations = list.map(({ image, landmarks, visible, box = tightBox(landmarks), width, height, tags }, i) => {
    const known = images.get(image) ?? {
      id: images.size + 1,
      file_name: image,
      ...(width !== undefined && height !== undefined && { width, height }),
    };
    images.set(image, known);
    const [x0, y0, x1, y1] = box;
    const bbox = [x0, y0, x1 - x0, y1 - y0] as const;
    return {
      id: i + 1,
      image_id: known.id,
      category_id: 1,
      iscrowd: 0,
      area: bbox[2] * bbox[3],
      bbox,
      ...((x0 + bbox[2] !== x1 || y0 + bbox[3] !== y1) && { acr_box: box }),
      num_keypoints: scheme.landmarkCount,
      keypoints: Array.from({ length: scheme.landmarkCount }, (_, k) => [
        landmarks[2 * k]!,
        landmarks[2 * k + 1]!,
        !visible || visible[k] ? 2 : 1,
      ]).flat(),
      ...(tags && Object.keys(tags).length > 0 && { acr_tags: tags }),
    };
  });
  const document = {
    info: {
      description: `${list.length} faces, ${scheme.id}`,
      visibility: list.some(({ visible }) => visible !== undefined),
    },
    images: [...images.values()],
    annotations,
    categories: [{ id: 1, name: "face", supercategory: "person", keypoints: scheme.names, skeleton: [] }],
  };
  await writeWholeFile(file, `${JSON.stringify(document)}\n`);
}
