import { ShapeError } from "@acr/core";
import { backend_util } from "@tensorflow/tfjs-core";
import type { ConvAttributes, Shape4 } from "./conv-attributes.js";

type Geometry = Pick<ConvAttributes, "strides" | "dilations" | "pad" | "dimRoundingMode"> & { isDepthwise?: boolean };

/**
 * Geometry of a convolution, channels last.
 *
 * @throws {ShapeError} the filter is larger than the map: tfjs goes on with an empty one, and its wasm kernels write over
 *   what lies behind it.
 */
export function convolutionInfo(
  inputShape: readonly number[],
  filterShape: readonly number[],
  { strides, dilations, pad, dimRoundingMode, isDepthwise = false }: Geometry,
): backend_util.Conv2DInfo {
  const info = backend_util.computeConv2DInfo(
    inputShape as Shape4,
    filterShape as Shape4,
    strides,
    // tfjs-layers says null.
    dilations ?? 1,
    pad,
    dimRoundingMode,
    isDepthwise,
  );
  const { inHeight, inWidth, effectiveFilterHeight, effectiveFilterWidth, outHeight, outWidth } = info;
  if (outHeight < 1 || outWidth < 1) {
    throw new ShapeError(
      `convolution: the filter of ${effectiveFilterHeight} × ${effectiveFilterWidth} pixels does not fit into a map of ${inHeight} × ${inWidth}. Use larger images, fewer strides, or padding "same".`,
    );
  }
  return info;
}
