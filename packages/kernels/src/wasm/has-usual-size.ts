import type { backend_util } from "@tensorflow/tfjs-core";

const places = (length: number, padding: number, window: number, stride: number) =>
  Math.floor((length + padding - window) / stride) + 1;

/**
 * Whether the output has as many places as whole windows fit into the padded input. tfjs' wasm kernels take that for granted
 * and write behind outputs of fewer places, or leave some of more unwritten: `dimRoundingMode`, and padding by a number where
 * the window is not square, of which tfjs asks the height alone.
 */
export const hasUsualSize = (info: backend_util.Conv2DInfo): boolean => {
  const { top, bottom, left, right } = info.padInfo;
  return (
    places(info.inHeight, top + bottom, info.effectiveFilterHeight, info.strideHeight) === info.outHeight &&
    places(info.inWidth, left + right, info.effectiveFilterWidth, info.strideWidth) === info.outWidth
  );
};
