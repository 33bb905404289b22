import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";
import type { RgbImage } from "@acr/core";
import { toRgb } from "./to-rgb.js";

/** Decodes the bytes of a picture; rejects when they are damaged. */
export type ImageDecoder = (bytes: Uint8Array) => Promise<RgbImage>;

/** `require` beside this file, in ESM and CommonJS alike (bundled to CommonJS, `import.meta` is empty). */
export const requireHere = () => createRequire(import.meta.url ?? pathToFileURL(__filename).href);

/** Strict: a JPEG whose data end early is an error instead of a grey area. */
export const JIMP_OPTIONS = { "image/jpeg": { tolerantDecoding: false, maxMemoryUsageInMB: 1024 } };

const decodeWithJimp: ImageDecoder = async (bytes) => {
  const { Jimp } = await import("jimp");
  return toRgb((await Jimp.fromBuffer(Buffer.from(bytes), JIMP_OPTIONS as never)).bitmap);
};

/** The part of sharp that is used here; it is optional, so its own types may be absent. */
interface SharpPipeline {
  rotate(): SharpPipeline;
  toColourspace(space: string): SharpPipeline;
  removeAlpha(): SharpPipeline;
  raw(): SharpPipeline;
  toBuffer(options: {
    resolveWithObject: true;
  }): Promise<{ data: Uint8Array; info: { width: number; height: number; channels: number } }>;
}
type Sharp = (bytes: Uint8Array, options: object) => SharpPipeline;

const decodeWithSharp =
  (sharp: Sharp): ImageDecoder =>
  async (bytes) => {
    const { data, info } = await sharp(bytes, { failOn: "warning" })
      .rotate()
      .toColourspace("srgb")
      .removeAlpha()
      .raw()
      .toBuffer({ resolveWithObject: true });
    const { width, height, channels } = info;
    if (channels === 3) return { width, height, data: new Uint8Array(data.buffer, data.byteOffset, data.length) };
    const rgb = new Uint8Array(width * height * 3);
    for (let i = 0; i < width * height; i++) rgb.fill(data[i * channels]!, 3 * i, 3 * i + 3);
    return { width, height, data: rgb };
  };

/** Names of the decoders. */
export type DecoderName = "jimp" | "sharp";

/** sharp where it is installed (native, some five times faster), else jimp (JavaScript only). */
export async function createImageDecoder(name?: DecoderName): Promise<{ name: DecoderName; decode: ImageDecoder }> {
  if (name !== "jimp") {
    try {
      return { name: "sharp", decode: decodeWithSharp(requireHere()("sharp") as Sharp) };
    } catch (error) {
      if (name === "sharp") throw error;
    }
  }
  return { name: "jimp", decode: decodeWithJimp };
}
