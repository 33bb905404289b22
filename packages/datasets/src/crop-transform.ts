import { type Affine, type Box, checkOptions, InvalidArgumentError, type Random } from "@acr/core";

/** How a face box becomes a crop. */
export type CropProtocol = "padded" | "pipnet-300w" | "paper" | "detector";

/** Options of `cropTransform`. */
export interface CropTransformOptions {
  /**
   * `padded`: squared about the centre, side × 1.3. `detector`: squared, side × 1.4, since detectors cut chins.
   * `pipnet-300w`: each side × 1.1, not squared. `paper`: 5–15 px added on each side, not squared. Default `padded`.
   */
  protocol?: CropProtocol;
  /** Replaces the factor of the protocol, > 0; not for `paper`. */
  enlargement?: number;
  /** Draws the margins of `paper`; without it they are 10 px. */
  random?: Random;
}

const FACTORS: Record<CropProtocol, number> = { padded: 1.3, detector: 1.4, "pipnet-300w": 1.1, paper: 1 };

/** Whether a value names a crop protocol. */
export const isProtocol = (value: unknown): value is CropProtocol =>
  typeof value === "string" && Object.hasOwn(FACTORS, value);

/** Checks the name of a crop protocol. */
export function checkProtocol(functionName: string, protocol: CropProtocol): void {
  if (!isProtocol(protocol)) {
    throw new InvalidArgumentError(
      `${functionName}: protocol must be one of ${Object.keys(FACTORS).join(", ")}; got ${String(protocol)}.`,
    );
  }
}

/**
 * The map from source pixels to the `centered` frame of a crop. For the default protocol, with (x0, y0) the top left
 * corner of the crop and s its side: centered = (p − x0) / s − 0.5, with pixel centres on integers in the source.
 *
 * @param box - face box in source `pixel` coordinates.
 * @returns the map; invert it to bring predictions back to the source.
 * @throws {InvalidArgumentError} the box has no size or is not finite, the protocol is unknown, enlargement <= 0.
 * @see `pipnet-300w`: Jin, Liao, Shao, IJCV 2021, arXiv:2003.03771. `paper`: Fard, Mahoor, ICPR 2022, arXiv:2203.15835.
 * @example cropTransform([40, 60, 200, 220]); // [1 / 208, 0, …]
 */
export function cropTransform(box: Box, options: CropTransformOptions = {}): Affine {
  checkOptions("cropTransform", options, ["protocol", "enlargement", "random"]);
  const { protocol = "padded", random } = options;
  checkProtocol("cropTransform", protocol);
  const { enlargement = FACTORS[protocol] } = options;
  if (!(enlargement > 0 && Number.isFinite(enlargement)))
    throw new InvalidArgumentError(`cropTransform: enlargement must be > 0; got ${enlargement}.`);
  let [x0, y0, x1, y1] = box;
  if (!(x1 > x0 && y1 > y0 && Number.isFinite(x1 - x0) && Number.isFinite(y1 - y0))) {
    throw new InvalidArgumentError(
      `cropTransform: box must be [x0, y0, x1, y1] with a positive size; got [${[...box].join(", ")}].`,
    );
  }
  if (protocol === "paper") {
    const margin = () => random?.uniform(5, 15) ?? 10;
    [x0, y0, x1, y1] = [x0 - margin(), y0 - margin(), x1 + margin(), y1 + margin()];
  }
  const squared = protocol === "padded" || protocol === "detector";
  const side = Math.max(x1 - x0, y1 - y0);
  const width = (squared ? side : x1 - x0) * enlargement;
  const height = (squared ? side : y1 - y0) * enlargement;
  return [1 / width, 0, -(x0 + x1) / 2 / width, 0, 1 / height, -(y0 + y1) / 2 / height];
}
