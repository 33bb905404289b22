import type { FaceLabels } from "./face-labels.js";
import { isBox, isCoordinate, ListCollector, type ListParseOptions } from "./internal/listed-face.js";
import { parseJson } from "./internal/parse-json.js";

/**
 * Faces of a COCO keypoint file: `images` with `file_name`, `annotations` with `keypoints` (x, y, v triples) and `bbox`
 * (x, y, width, height). Zero-based. Annotations without keypoints and crowds are passed over; v = 0 (not labelled) is a
 * fault, since a model needs every point; v = 1 is hidden, v = 2 visible.
 *
 * @throws {DataFormatError} no JSON, no such document, a number that is none, another count of points; with the field.
 * @see https://cocodataset.org/#format-data
 * @example parseCoco(readFileSync("faces.json", "utf8"), { file: "faces.json" })[0].landmarks;
 */
export function parseCoco(text: string, options: ListParseOptions): FaceLabels[] {
  const list = new ListCollector(options);
  const document = parseJson(text, options.file) as {
    info?: { visibility?: unknown };
    images?: unknown;
    annotations?: unknown;
  } | null;
  const { images, annotations, info } = document ?? {};
  if (!Array.isArray(images) || !Array.isArray(annotations))
    throw list.fault('expected a COCO document with lists "images" and "annotations".');
  const byId = new Map<unknown, { file_name?: unknown; width?: unknown; height?: unknown }>();
  for (const [i, image] of images.entries()) {
    if (image === null || typeof image !== "object" || byId.has(image.id))
      throw list.fault(`images[${i}]: expected an object with an id of its own.`);
    byId.set(image.id, image);
  }
  annotations.forEach((annotation: unknown, i) => {
    const entry = (annotation ?? {}) as Record<string, unknown>;
    if (entry.iscrowd === 1 || entry.num_keypoints === 0) return;
    list.add(() => {
      const where = `annotations[${i}]`;
      const image = byId.get(entry.image_id);
      if (typeof image?.file_name !== "string" || image.file_name === "")
        throw list.fault(`${where}.image_id: no image ${JSON.stringify(entry.image_id)} with a file_name.`);
      const { keypoints, bbox, acr_box: exactBox, acr_tags: tags } = entry;
      if (!Array.isArray(keypoints) || keypoints.length === 0 || keypoints.length % 3 !== 0)
        throw list.fault(`${where}.keypoints: expected x, y, v triples.`);
      const count = keypoints.length / 3;
      const landmarks = new Float64Array(2 * count);
      const visible = new Uint8Array(count);
      for (let k = 0; k < count; k++) {
        const [x, y, v] = keypoints.slice(3 * k, 3 * k + 3);
        if (!isCoordinate(x) || !isCoordinate(y))
          throw list.fault(
            `${where}.keypoints[${k}]: expected two finite numbers; got ${JSON.stringify([x, y]).slice(0, 60)}.`,
          );
        if (v !== 1 && v !== 2)
          throw list.fault(
            `${where}.keypoints[${k}]: expected v 1 (hidden) or 2 (visible); got ${JSON.stringify(v)?.slice(0, 40)}${v === 0 ? ", a point without label" : ""}.`,
          );
        landmarks.set([x, y], 2 * k);
        visible[k] = v - 1;
      }
      const [x, y, width, height] = Array.isArray(bbox) ? bbox : [];
      const box = Array.isArray(exactBox) ? exactBox : [x, y, x + width, y + height];
      if (bbox !== undefined && (!Array.isArray(bbox) || bbox.length !== 4 || !bbox.every(isCoordinate) || !isBox(box)))
        throw list.fault(`${where}.bbox: expected x, y, width, height; got ${JSON.stringify(bbox)?.slice(0, 60)}.`);
      const size = [image.width, image.height];
      return {
        image: image.file_name,
        landmarks,
        ...(info?.visibility !== false && { visible }),
        ...(bbox !== undefined && isBox(box) && { box }),
        ...(size.every((side) => isCoordinate(side) && side > 0) && {
          width: size[0] as number,
          height: size[1] as number,
        }),
        ...(isTags(tags) && { tags }),
      };
    });
  });
  return list.faces;
}

const isTags = (value: unknown): value is Record<string, string | number | boolean> =>
  value !== null &&
  typeof value === "object" &&
  !Array.isArray(value) &&
  Object.values(value).every((entry) => ["string", "number", "boolean"].includes(typeof entry));
