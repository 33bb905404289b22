import { type Box, DataFormatError } from "@acr/core";
import { parseJson } from "./internal/parse-json.js";

/** Labels of one picture. */
export interface PointLabels {
  /** Flat `[x0, y0, …]`, zero-based `pixel` frame. */
  landmarks: Float64Array;
  visible?: Uint8Array;
  box?: Box;
}

const MAXIMUM_COORDINATE = 1e6;
const isCoordinate = (value: unknown): value is number =>
  typeof value === "number" && Number.isFinite(value) && Math.abs(value) < MAXIMUM_COORDINATE;

/**
 * Landmarks of one picture in JSON: this project's `{ "landmarks": [[x, y], …], "visible": [1, …], "box": [x0, y0, x1, y1] }`,
 * or menpo's `.ljson` (versions 1 to 3), whose points are `[y, x]`. Both are zero-based. A menpo point of nulls is a fault.
 *
 * @param text - the file's content.   @param options.file - its name, for messages.
 * @param options.landmarkCount - how many points there must be.
 * @throws {DataFormatError} no JSON, no points, a wrong count, a value that is not a finite number; with the field.
 * @example parsePointsJson('{"landmarks": [[10, 20]]}', { file: "a.json" }).landmarks; // Float64Array [10, 20]
 */
export function parsePointsJson(
  text: string,
  { file, landmarkCount }: { file: string; landmarkCount?: number },
): PointLabels {
  const fault = (message: string) => new DataFormatError(message, { file });
  const content = parseJson(text, file);
  const fields = (content ?? {}) as { landmarks?: unknown; visible?: unknown; box?: unknown; groups?: unknown };
  const menpo = menpoPoints(fields);
  const points = menpo ?? fields.landmarks;
  if (!Array.isArray(points) || points.length === 0) throw fault('expected "landmarks" to be a list of [x, y].');
  if (landmarkCount !== undefined && points.length !== landmarkCount)
    throw fault(`expected ${landmarkCount} points; got ${points.length}.`);
  const landmarks = new Float64Array(points.length * 2);
  points.forEach((point: unknown, k) => {
    const [first, second] = Array.isArray(point) && point.length === 2 ? point : [];
    if (!isCoordinate(first) || !isCoordinate(second))
      throw fault(`landmarks[${k}]: expected two finite numbers; got ${JSON.stringify(point)?.slice(0, 60)}.`);
    landmarks.set(menpo ? [second, first] : [first, second], 2 * k);
  });
  const labels: PointLabels = { landmarks };
  if (fields.visible !== undefined && !menpo) {
    const { visible } = fields;
    if (
      !Array.isArray(visible) ||
      visible.length !== points.length ||
      !visible.every((flag) => flag === 0 || flag === 1 || typeof flag === "boolean")
    ) {
      throw fault(`visible: expected ${points.length} flags of 0 or 1.`);
    }
    labels.visible = Uint8Array.from(visible, Number);
  }
  if (fields.box !== undefined) {
    const box = fields.box as Box;
    if (!Array.isArray(box) || box.length !== 4 || !box.every(isCoordinate) || !(box[2] > box[0] && box[3] > box[1])) {
      throw fault("box: expected [x0, y0, x1, y1] with x0 < x1 and y0 < y1.");
    }
    labels.box = box;
  }
  return labels;
}

/** The points of a menpo document, or `undefined` for another kind. */
function menpoPoints(fields: { landmarks?: unknown; groups?: unknown }): unknown[] | undefined {
  const { landmarks, groups } = fields;
  // Version 1: groups of { landmarks: [{ point: [y, x] }] }.
  if (Array.isArray(groups)) {
    return groups.flatMap((group) =>
      Array.isArray(group?.landmarks) ? group.landmarks.map((entry: { point?: unknown }) => entry?.point) : [],
    );
  }
  // Version 3: named groups of { landmarks: { points } }, of which the first counts.
  if (groups !== null && typeof groups === "object") {
    const first = Object.values(groups)[0] as { landmarks?: { points?: unknown } | null } | null | undefined;
    return Array.isArray(first?.landmarks?.points) ? first.landmarks.points : undefined;
  }
  if (landmarks === null || typeof landmarks !== "object" || Array.isArray(landmarks)) return undefined;
  // Version 2: { points }; some tools write named sets of them.
  const direct = (landmarks as { points?: unknown }).points;
  const points = direct ?? (Object.values(landmarks)[0] as { points?: unknown } | undefined)?.points;
  return Array.isArray(points) ? points : undefined;
}
