import { InvalidArgumentError } from "@acr/core";

/** Side of the window over that of the box. */
const MARGIN = 2;

/** Maps between source pixels and a square window around a face: window = (source − origin) · scale. */
export interface WindowFrame {
  scale: number;
  origin: readonly [number, number];
  side: number;
}

/** The window around a face box in which the box is `faceSize` pixels wide. */
export function windowFrame(caller: string, box: ArrayLike<number>, faceSize: number): WindowFrame {
  const [x0, y0, x1, y1] = Array.from(box ?? []) as [number, number, number, number];
  const side = Math.sqrt((x1 - x0) * (y1 - y0));
  if (!(box?.length === 4 && x1 > x0 && y1 > y0 && side > 0 && Number.isFinite(side)))
    throw new InvalidArgumentError(
      `${caller}: box must be [x0, y0, x1, y1] with x1 > x0 and y1 > y0; got [${Array.from(box ?? []).join(", ")}].`,
    );
  const scale = faceSize / side;
  const half = (MARGIN * side) / 2;
  return { scale, origin: [(x0 + x1) / 2 - half, (y0 + y1) / 2 - half], side: Math.round(MARGIN * faceSize) };
}

/** A shape in the window's frame. */
export const toWindow = (shape: ArrayLike<number>, { scale, origin }: WindowFrame) =>
  Float64Array.from(shape, (value, q) => (value - origin[q % 2]!) * scale);

/** A shape back in source pixels. */
export const fromWindow = (shape: ArrayLike<number>, { scale, origin }: WindowFrame) =>
  Float64Array.from(shape, (value, q) => value / scale + origin[q % 2]!);
