import { checkOptions, InvalidArgumentError, type RgbImage, ShapeError } from "@acr/core";

/** Options of `renderProgressGif`. */
export interface ProgressGifOptions {
  /** Time of each frame in milliseconds, >= 20. Default 400. */
  delayMs?: number;
  /** Time of the last frame, so that the end can be looked at. Default 2000. */
  lastDelayMs?: number;
}

/**
 * Pictures as an animated GIF that repeats for ever: the same faces after each epoch make a film of a training.
 *
 * @param frames - pictures of one size, e.g. sheets of faces.
 * @throws {InvalidArgumentError} no frames, a delay below 20 ms.   @throws {ShapeError} frames of different sizes.
 * @example await writeFile("progress.gif", await renderProgressGif(frames, { delayMs: 300 }));
 */
export async function renderProgressGif(
  frames: readonly RgbImage[],
  options: ProgressGifOptions = {},
): Promise<Uint8Array> {
  checkOptions("renderProgressGif", options, ["delayMs", "lastDelayMs"]);
  const { delayMs = 400, lastDelayMs = 2000 } = options;
  const [first] = frames;
  if (!first) throw new InvalidArgumentError("renderProgressGif: frames must hold at least one picture; got none.");
  for (const delay of [delayMs, lastDelayMs])
    if (!(delay >= 20)) throw new InvalidArgumentError(`renderProgressGif: delays must be >= 20 ms; got ${delay}.`);
  // Node reads its CommonJS build, bundlers its ES module.
  // @ts-expect-error gifenc has no types.
  const loaded = (await import("gifenc")) as unknown as GifEncoderModule | { default: GifEncoderModule };
  const { GIFEncoder, applyPalette, quantize } = "GIFEncoder" in loaded ? loaded : loaded.default;
  const gif = GIFEncoder();
  frames.forEach(({ width, height, data }, i) => {
    if (width !== first.width || height !== first.height)
      throw new ShapeError(
        `renderProgressGif: all frames must be ${first.width} x ${first.height}; got ${width} x ${height} at frame ${i}.`,
      );
    const rgba = new Uint8Array(width * height * 4).fill(255);
    for (let p = 0; p < width * height; p++) rgba.set(data.subarray(3 * p, 3 * p + 3), 4 * p);
    const palette = quantize(rgba, 256);
    const delay = i === frames.length - 1 ? lastDelayMs : delayMs;
    gif.writeFrame(applyPalette(rgba, palette), width, height, { palette, delay });
  });
  gif.finish();
  return gif.bytes();
}

/** gifenc has no types of its own. */
interface GifEncoderModule {
  GIFEncoder(): {
    writeFrame(
      indices: Uint8Array,
      width: number,
      height: number,
      options: { palette: number[][]; delay: number },
    ): void;
    finish(): void;
    bytes(): Uint8Array;
  };
  quantize(rgba: Uint8Array, maxColors: number): number[][];
  applyPalette(rgba: Uint8Array, palette: number[][]): Uint8Array;
}
