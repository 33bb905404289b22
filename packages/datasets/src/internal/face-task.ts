import type { Affine, PixelChange, RandomState, RgbImage } from "@acr/core";

/** Where the pixels of a face are. */
export type PixelSource =
  | { kind: "file"; file: string }
  | { kind: "pixels"; image: RgbImage }
  /** Raw RGB within a prepared file. */
  | { kind: "range"; file: string; offset: number; size: number; checksum: number };

/** What is to be made of a face; plain data, so that a thread can do it. */
export interface FaceTask {
  source: PixelSource;
  /** First a square of this size, into shared memory where there is some. */
  store?: { map: Affine; size: number; into?: Uint8Array };
  /** Then the crop, from the square or from the source. */
  crop?: { map: Affine; size: number };
  /** State from which the augmentation draws what it does to the pixels. */
  random?: RandomState;
  /** Tell what a device can do to the pixels, instead of doing it. */
  defer?: boolean;
}

/** The square or the crop, whichever was asked for last. */
export type FaceOutcome =
  | { image: RgbImage; change?: PixelChange; sourceWidth: number; sourceHeight: number; message?: undefined }
  /** `isData`: the file is at fault, not the program. */
  | { message: string; isData: boolean };

/** Does tasks, here or in threads; the outcome is the same. */
export interface FaceRunner {
  /** Whether `random` of a task is heeded; else the caller changes the pixels. */
  readonly drawsPixels: boolean;
  run(task: FaceTask): Promise<FaceOutcome>;
  close(): Promise<void>;
}
