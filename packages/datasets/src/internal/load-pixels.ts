import { closeSync, openSync, readSync } from "node:fs";
import { DataFormatError, type RgbImage } from "@acr/core";
import { checksum } from "./checksum.js";
import { decodeFile } from "./decode-file.js";
import type { PixelSource } from "./face-task.js";
import type { DecoderName } from "./image-decoder.js";

/** Reads the pixels of a face; prepared files stay open while a loader uses them. */
export class PixelLoader {
  private readonly files = new Map<string, number>();
  private buffer = new Uint8Array();

  constructor(private readonly decoder?: DecoderName) {}

  /** Squares of prepared files are given at once, in memory that the next call fills anew. */
  load(source: PixelSource): RgbImage | Promise<RgbImage> {
    if (source.kind === "pixels") return source.image;
    if (source.kind === "file") return decodeFile(source.file, this.decoder);
    const { file, offset, size } = source;
    const length = size * size * 3;
    if (this.buffer.length !== length) this.buffer = new Uint8Array(length);
    const data = this.buffer;
    let bytesRead = 0;
    try {
      let handle = this.files.get(file);
      if (handle === undefined) {
        handle = openSync(file, "r");
        this.files.set(file, handle);
      }
      // Some tens of microseconds from the page cache: less than a turn of the event loop.
      bytesRead = readSync(handle, data, 0, length, offset);
    } catch (cause) {
      throw new DataFormatError("cannot be read. Prepare it again.", { file, cause });
    }
    if (bytesRead < length || checksum(data) !== source.checksum)
      throw new DataFormatError(`holds other pixels at byte ${offset} than its checksum says. Prepare it again.`, {
        file,
      });
    return { width: size, height: size, data };
  }

  async close(): Promise<void> {
    for (const handle of this.files.values()) closeSync(handle);
    this.files.clear();
  }
}
