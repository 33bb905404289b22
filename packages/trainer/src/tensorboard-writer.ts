import { type FileHandle, open } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";
import { InvalidArgumentError } from "@acr/core";
import { makeFolder } from "@acr/core/node";
import { crc32c } from "./internal/crc32c.js";
import { ProtoWriter } from "./internal/proto-writer.js";
import { storageFault } from "./internal/storage-fault.js";

/** A value of a hyperparameter. */
export type HyperparameterValue = number | string | boolean;

/** Options of `TensorBoardWriter.open`. */
export interface TensorBoardWriterOptions {
  /** Tells apart files that one process opens in the same second. Default: a counter. */
  suffix?: string;
  /** Seconds since 1970 of an event. Default: the clock. */
  now?: () => number;
}

const DATA_CLASS_TENSOR = 2;
const DT_FLOAT = 1;
const DT_STRING = 7;
let opened = 0;

/**
 * Writes TensorBoard event files in plain JavaScript: TFRecord frames with CRC-32C, `Event` messages inside. Events are
 * held until `flush` or `close`; a frame is never written in part unless the disk is full.
 *
 * @example
 * const log = await TensorBoardWriter.open("runs/a/logs");
 * log.scalar("loss", 0.3, 100);
 * await log.close(); // then: tensorboard --logdir runs
 */
export class TensorBoardWriter {
  private pending: Uint8Array[] = [];

  private constructor(
    /** The event file. */
    readonly path: string,
    private readonly file: FileHandle,
    private readonly now: () => number,
  ) {
    this.event(0, (event) => event.string(3, "brain.Event:2"));
  }

  /** @throws {StorageError} the folder cannot be written to. */
  static async open(folder: string, options: TensorBoardWriterOptions = {}): Promise<TensorBoardWriter> {
    const { now = () => Date.now() / 1000, suffix = `${process.pid}.${opened++}` } = options;
    const name = `events.out.tfevents.${Math.floor(now())}.${hostname()}.${suffix}`;
    const path = join(folder, name);
    await makeFolder(folder);
    try {
      return new TensorBoardWriter(path, await open(path, "a"), now);
    } catch (error) {
      throw storageFault(error, path);
    }
  }

  /** Says that events from this step on replace those of earlier files: for a resumed run. */
  restart(step: number): void {
    this.event(step, (event) => event.message(7, (session) => session.varint(1, 1)));
  }

  /** A point of a curve. NaN and infinities are written as they are. */
  scalar(tag: string, value: number, step: number): void {
    this.value(step, tag, (entry) => entry.float(2, value));
  }

  /**
   * The distribution of values. Values that are not finite are left out.
   *
   * @param options.bins - bins of equal width between smallest and largest. Default 30.
   */
  histogram(tag: string, values: ArrayLike<number>, { step, bins = 30 }: { step: number; bins?: number }): void {
    const finite = Array.from(values).filter(Number.isFinite);
    if (finite.length === 0) return;
    let min = Number.POSITIVE_INFINITY;
    let max = Number.NEGATIVE_INFINITY;
    let sum = 0;
    let squares = 0;
    for (const value of finite) {
      min = Math.min(min, value);
      max = Math.max(max, value);
      sum += value;
      squares += value * value;
    }
    const width = (max - min) / bins;
    const counts = new Array<number>(width > 0 ? bins : 1).fill(0);
    for (const value of finite) counts[width > 0 ? Math.min(bins - 1, Math.floor((value - min) / width)) : 0]! += 1;
    const limits = counts.map((_, i) => (i === counts.length - 1 ? max : min + width * (i + 1)));
    this.value(step, tag, (entry) =>
      entry.message(5, (histogram) =>
        histogram
          .double(1, min)
          .double(2, max)
          .double(3, finite.length)
          .double(4, sum)
          .double(5, squares)
          // A first empty bin gives readers the left edge.
          .packedDoubles(6, [min, ...limits])
          .packedDoubles(7, [0, ...counts]),
      ),
    );
  }

  /** A picture as PNG bytes. */
  image(tag: string, png: Uint8Array, { step, width, height }: { step: number; width: number; height: number }): void {
    this.value(step, tag, (entry) =>
      entry.message(4, (image) => image.varint(1, height).varint(2, width).varint(3, 3).bytes(4, png)),
    );
  }

  /** Markdown text. */
  text(tag: string, markdown: string, step: number): void {
    this.value(step, tag, (entry) =>
      entry
        .message(9, (metadata) =>
          metadata.message(1, (plugin) => plugin.string(1, "text")).varint(4, DATA_CLASS_TENSOR),
        )
        .message(8, (tensor) =>
          tensor
            .varint(1, DT_STRING)
            .message(2, (shape) => shape.message(2, (dimension) => dimension.varint(1, 1)))
            .string(8, markdown),
        ),
    );
  }

  /** The hyperparameters of the run, and the tags of the scalars to compare runs by. Call `endSession` at the end. */
  hyperparameters(values: Readonly<Record<string, HyperparameterValue>>, metricTags: readonly string[]): void {
    const entries = Object.entries(values);
    const typeCode = (value: HyperparameterValue) => ({ string: 1, boolean: 2, number: 3 })[typeof value as "string"];
    this.hparams("experiment", (data) =>
      data.message(2, (experiment) => {
        for (const [name, value] of entries)
          experiment.message(4, (info) => info.string(1, name).varint(4, typeCode(value)));
        for (const tag of metricTags)
          experiment.message(5, (info) => info.message(1, (metric) => metric.string(2, tag)));
      }),
    );
    this.hparams("session_start_info", (data) =>
      data.message(3, (start) => {
        for (const [name, value] of entries) {
          start.message(1, (entry) =>
            entry.string(1, name).message(2, (content) => {
              if (typeof value === "number") content.double(2, value);
              else if (typeof value === "string") content.string(3, value);
              else content.varint(4, value ? 1 : 0);
            }),
          );
        }
        start.double(5, this.now());
      }),
    );
  }

  /** Ends what `hyperparameters` began. */
  endSession(status: "success" | "failure"): void {
    this.hparams("session_end_info", (data) =>
      data.message(4, (end) => end.varint(1, status === "success" ? 1 : 2).double(2, this.now())),
    );
  }

  /** @throws {StorageError} the disk is full. */
  async flush(): Promise<void> {
    const bytes = Buffer.concat(this.pending);
    this.pending = [];
    if (bytes.length === 0) return;
    try {
      await this.file.appendFile(bytes);
    } catch (error) {
      throw storageFault(error, this.path);
    }
  }

  /** Writes what is pending and closes the file. */
  async close(): Promise<void> {
    try {
      await this.flush();
    } finally {
      await this.file.close();
    }
  }

  private hparams(name: string, fill: (data: ProtoWriter) => void): void {
    const content = new ProtoWriter();
    fill(content.varint(1, 0));
    this.value(0, `_hparams_/${name}`, (entry) =>
      entry
        .message(9, (metadata) =>
          metadata.message(1, (plugin) => plugin.string(1, "hparams").bytes(2, content.finish())),
        )
        // The plugin wants a tensor and reads none of it.
        .message(8, (tensor) =>
          tensor
            .varint(1, DT_FLOAT)
            .message(2, () => undefined)
            .float(5, 0),
        ),
    );
  }

  private value(step: number, tag: string, fill: (entry: ProtoWriter) => void): void {
    if (!Number.isSafeInteger(step) || step < 0)
      throw new InvalidArgumentError(`TensorBoardWriter: step must be an integer >= 0; got ${step}.`);
    this.event(step, (event) =>
      event.message(5, (summary) =>
        summary.message(1, (entry) => {
          entry.string(1, tag);
          fill(entry);
        }),
      ),
    );
  }

  private event(step: number, fill: (event: ProtoWriter) => void): void {
    const event = new ProtoWriter().double(1, this.now()).varint(2, step);
    fill(event);
    this.pending.push(recordOf(event.finish()));
  }
}

/** A TFRecord frame: length, its masked checksum, data, its masked checksum. */
function recordOf(data: Uint8Array): Uint8Array {
  const frame = Buffer.alloc(12 + data.length + 4);
  frame.writeBigUInt64LE(BigInt(data.length));
  frame.writeUInt32LE(masked(crc32c(frame.subarray(0, 8))), 8);
  frame.set(data, 12);
  frame.writeUInt32LE(masked(crc32c(data)), 12 + data.length);
  return frame;
}

const masked = (crc: number) => (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0;
