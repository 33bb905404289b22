import { checkOptions } from "@acr/core";
import type { FaceLabels } from "./face-labels.js";
import { checkFaceLabels } from "./internal/check-labels.js";
import { withoutExponent } from "./internal/shift-decimal.js";
import { tightBox } from "./internal/tight-box.js";
import { writeWholeFile } from "./internal/write-whole-file.js";

/** Options of `writeDlibXml`. */
export interface WriteDlibXmlOptions {
  /** The document's name. Default `faces`. */
  name?: string;
  /** Whole pixels, as dlib's own tools read them; the file is then no longer exact. Default false. */
  round?: boolean;
}

/**
 * Writes faces as the XML of dlib's imglab: a box and numbered parts each, zero-based. Faces of one picture that follow each
 * other share its element. Hidden points carry `occluded="1"`, an attribute that dlib passes over.
 *
 * @param faces - without a box, the tight one of the landmarks is written.
 * @throws {InvalidArgumentError} no faces, landmarks that are not finite or differ in number, an empty path.
 * @see dlib `image_dataset_metadata`. Deviations: fractions of pixels unless `round`, and `occluded` on parts.
 * @example await writeDlibXml("faces.xml", [{ image: "a.jpg", landmarks: [10, 20], box: [0, 0, 40, 40] }]);
 */
export async function writeDlibXml(
  file: string,
  faces: Iterable<FaceLabels>,
  options: WriteDlibXmlOptions = {},
): Promise<void> {
  checkOptions("writeDlibXml", options, ["name", "round"]);
  const list = [...faces];
  checkFaceLabels("writeDlibXml", list);
  await writeWholeFile(file, lines(list, options));
}

function* lines(faces: readonly FaceLabels[], { name = "faces", round = false }: WriteDlibXmlOptions) {
  const number = (value: number) => withoutExponent(round ? Math.round(value) : value);
  yield `<?xml version="1.0" encoding="UTF-8"?>\n<dataset>\n<name>${escapeXml(name)}</name>\n<images>\n`;
  for (const [i, { image, landmarks, visible, box = tightBox(landmarks), width, height }] of faces.entries()) {
    const size = width !== undefined && height !== undefined ? ` width="${width}" height="${height}"` : "";
    if (faces[i - 1]?.image !== image) yield `  <image file="${escapeXml(image)}"${size}>\n`;
    const [x0, y0, x1, y1] = round ? box.map(Math.round) : box;
    yield `    <box top="${number(y0!)}" left="${number(x0!)}" ${extent("width", x0!, x1!)} ${extent("height", y0!, y1!)}>\n`;
    const digits = Math.max(2, `${landmarks.length / 2 - 1}`.length);
    for (let k = 0; k < landmarks.length / 2; k++) {
      const flag = visible ? ` occluded="${visible[k] ? 0 : 1}"` : "";
      yield `      <part name="${`${k}`.padStart(digits, "0")}" x="${number(landmarks[2 * k]!)}" y="${number(landmarks[2 * k + 1]!)}"${flag}/>\n`;
    }
    yield "    </box>\n";
    if (faces[i + 1]?.image !== image) yield "  </image>\n";
  }
  yield "</images>\n</dataset>\n";
}

/** A side of a box; where start + length would round to another end, the end is written too. */
function extent(name: "width" | "height", start: number, end: number): string {
  const length = end - start;
  const exact = start + length === end ? "" : ` ${name === "width" ? "right" : "bottom"}="${withoutExponent(end)}"`;
  return `${name}="${withoutExponent(length)}"${exact}`;
}

const ENTITIES: Record<string, string> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&apos;" };
/** Characters that XML 1.0 cannot hold become spaces. */
const escapeXml = (text: string) =>
  Array.from(
    text.replace(/[&<>"']/g, (letter) => ENTITIES[letter]!),
    (letter) => (letter < " " && letter !== "\t" ? " " : letter),
  ).join("");
