import { open } from "node:fs/promises";
import { DataFormatError, type RgbImage } from "@acr/core";
import { checksum } from "./checksum.js";
import { decodeFile } from "./decode-file.js";
import type { PixelSource } from "./face-task.js";
import type { DecoderName } from "./image-decoder.js";

/** Reads the pixels of a face; prepared files stay open while a loader uses them. */
export class PixelLoader {
  private readonly files = new Map<string, ReturnType<typeof open>>();

  constructor(private readonly decoder?: DecoderName) {}

  async load(source: PixelSource): Promise<RgbImage> {
    if (source.kind === "pixels") return source.image;
    if (source.kind === "file") return decodeFile(source.file, this.decoder);
    const { file, offset, size } = source;
    let handle = this.files.get(file);
    if (!handle) {
      handle = open(file);
      this.files.set(file, handle);
    }
    const data = new Uint8Array(size * size * 3);
    try {
      const { bytesRead } = await (await handle).read(data, 0, data.length, offset);
      if (bytesRead === data.length && checksum(data) === source.checksum) return { width: size, height: size, data };
    } catch (cause) {
      throw new DataFormatError("cannot be read. Prepare it again.", { file, cause });
    }
    throw new DataFormatError(`holds other pixels at byte ${offset} than its checksum says. Prepare it again.`, {
      file,
    });
  }

  async close(): Promise<void> {
    const handles = [...this.files.values()];
    this.files.clear();
    for (const handle of handles) await handle.then((file) => file.close()).catch(() => {});
  }
}
