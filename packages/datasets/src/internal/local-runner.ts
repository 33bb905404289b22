import { type Augmentation, DataFormatError, type RgbImage } from "@acr/core";
import type { FaceOutcome, FaceRunner, FaceTask, PixelSource } from "./face-task.js";
import { renderFace } from "./render-face.js";

/** Does tasks on this thread. */
export class LocalRunner implements FaceRunner {
  readonly drawsPixels = true;

  constructor(
    private readonly load: (source: PixelSource) => RgbImage | Promise<RgbImage>,
    private readonly augmentation?: Augmentation,
  ) {}

  async run({ source, ...task }: FaceTask): Promise<FaceOutcome> {
    try {
      const found = this.load(source);
      // Rendered in the same turn where the pixels are at hand: their memory may be used again in the next.
      const loaded = found instanceof Promise ? await found : found;
      return {
        ...renderFace(loaded, task, this.augmentation),
        sourceWidth: loaded.width,
        sourceHeight: loaded.height,
      };
    } catch (error) {
      return describeFailure(error);
    }
  }

  async close(): Promise<void> {}
}

/** An error as plain data. */
export function describeFailure(error: unknown): { message: string; isData: boolean } {
  return {
    message: error instanceof Error ? error.message : String(error),
    isData: DataFormatError.isInstance(error),
  };
}
