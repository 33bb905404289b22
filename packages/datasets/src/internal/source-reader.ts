import { availableParallelism } from "node:os";
import type { Face, FaceDataset } from "@acr/core";
import type { OpenedDataset } from "../opened-dataset.js";
import { DecodePool } from "./decode-pool.js";
import { createImageDecoder } from "./image-decoder.js";

/** Fewer pictures than this are decoded sooner than threads start. */
const WORTH_THREADS = 48;

const describes = (dataset: FaceDataset): dataset is OpenedDataset =>
  typeof (dataset as Partial<OpenedDataset>).describe === "function";

/** Reads faces of a data set, in threads where that helps; the result is the same for any number of them. */
export class SourceReader {
  private pool: Promise<DecodePool | undefined> | undefined;

  constructor(
    private readonly dataset: FaceDataset,
    private readonly workers: number | undefined,
  ) {}

  /** A face without its pixels, if the data set can tell without decoding. */
  async annotations(index: number): Promise<Omit<Face, "image" | "scheme">> {
    return describes(this.dataset) ? this.dataset.describe(index) : this.dataset.get(index);
  }

  async face(index: number): Promise<Omit<Face, "scheme">> {
    if (!describes(this.dataset)) return this.dataset.get(index);
    const { file, ...record } = this.dataset.describe(index);
    if (file === undefined) return this.dataset.get(index);
    this.pool ??= this.startPool();
    const pool = await this.pool;
    return pool ? { ...record, image: await pool.decode(file) } : this.dataset.get(index);
  }

  /** Ends the threads; a later read starts new ones. */
  async close(): Promise<void> {
    const pool = this.pool;
    this.pool = undefined;
    await (await pool)?.close();
  }

  private async startPool(): Promise<DecodePool | undefined> {
    const count = this.workers ?? (this.dataset.length < WORTH_THREADS ? 0 : Math.min(2, availableParallelism()));
    // sharp has threads of its own.
    return count > 0 && (await createImageDecoder()).name === "jimp" ? new DecodePool(count) : undefined;
  }
}
