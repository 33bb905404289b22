import type { PhotometricChange, PixelChange, RgbImage } from "@acr/core";

/** Makes a photometric change, or with `defer` as much of it as a device cannot; the rest is returned. */
export function changePixels(
  image: RgbImage,
  photometric: PhotometricChange | undefined,
  { defer = false }: { defer?: boolean | undefined } = {},
): PixelChange | undefined {
  if (defer && photometric?.defer) return photometric.defer(image);
  photometric?.(image);
  return undefined;
}
