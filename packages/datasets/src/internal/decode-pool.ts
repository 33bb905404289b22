import { readFile } from "node:fs/promises";
import { Worker } from "node:worker_threads";
import { DataFormatError, type RgbImage } from "@acr/core";
import { checkImageBytes } from "./check-image-bytes.js";
import { JIMP_OPTIONS, requireHere, toRgb } from "./image-decoder.js";

/**
 * The worker's whole program, as text: it needs no file of its own, so it works from ESM, CommonJS, bundles and tests.
 * It decodes one picture after the other with jimp, by the path of jimp that this module sees.
 */
const PROGRAM = `
const { parentPort, workerData } = require("node:worker_threads");
const { Jimp } = require(workerData.jimp);
parentPort.on("message", async (bytes) => {
  try {
    const { width, height, data } = (await Jimp.fromBuffer(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length), workerData.options)).bitmap;
    const own = data.byteLength === data.buffer.byteLength ? data : Uint8Array.from(data);
    parentPort.postMessage({ width, height, data: own }, [own.buffer]);
  } catch (error) {
    parentPort.postMessage({ message: String((error && error.message) || error) });
  }
});
`;

interface Job {
  file: string;
  bytes: Uint8Array;
  resolve(image: RgbImage): void;
  reject(error: Error): void;
}

/** Some threads that decode pictures beside the main one. Idle, they do not keep the process alive. */
export class DecodePool {
  private readonly idle: Worker[] = [];
  private readonly busy = new Map<Worker, Job>();
  private readonly waiting: Job[] = [];
  private closed = false;

  constructor(private readonly count: number) {}

  /** Reads and decodes a file; the checks are those of `readImage`. */
  async decode(file: string): Promise<RgbImage> {
    const bytes = await readFile(file).catch((cause) => {
      throw new DataFormatError("cannot be read; expected a picture.", { file, cause });
    });
    checkImageBytes(bytes, file);
    return new Promise((resolve, reject) => {
      this.waiting.push({ file, bytes: Uint8Array.from(bytes), resolve, reject });
      this.dispatch();
    });
  }

  /** Ends the threads; pictures still under way are given up. */
  async close(): Promise<void> {
    this.closed = true;
    const workers = [...this.idle, ...this.busy.keys()];
    for (const { file, reject } of [...this.waiting.splice(0), ...this.busy.values()])
      reject(new DataFormatError("was given up: the loader was closed.", { file }));
    this.idle.length = 0;
    this.busy.clear();
    await Promise.all(workers.map((worker) => worker.terminate()));
  }

  private dispatch(): void {
    while (!this.closed && this.waiting.length > 0) {
      if (this.idle.length === 0 && this.busy.size < this.count) this.idle.push(this.start());
      const worker = this.idle.pop();
      if (!worker) return;
      const job = this.waiting.shift()!;
      this.busy.set(worker, job);
      // A thread keeps the process alive only while someone waits for its picture.
      worker.ref();
      worker.postMessage(job.bytes, [job.bytes.buffer as ArrayBuffer]);
    }
  }

  private start(): Worker {
    const worker = new Worker(PROGRAM, {
      eval: true,
      workerData: { jimp: requireHere().resolve("jimp"), options: JIMP_OPTIONS },
    });
    worker.on(
      "message",
      (answer: { message: string } | { width: number; height: number; data: Uint8Array; message?: undefined }) => {
        const job = this.busy.get(worker);
        this.busy.delete(worker);
        worker.unref();
        if (!this.closed) this.idle.push(worker);
        if (answer.message !== undefined)
          job?.reject(
            new DataFormatError(`cannot be decoded: ${answer.message}. Replace or remove it.`, { file: job.file }),
          );
        else job?.resolve(toRgb(answer));
        this.dispatch();
      },
    );
    // A thread that dies takes its picture with it; the next picture starts another.
    const die = (reason: string, cause?: unknown) => {
      const job = this.busy.get(worker);
      this.busy.delete(worker);
      const place = this.idle.indexOf(worker);
      if (place >= 0) this.idle.splice(place, 1);
      job?.reject(
        new DataFormatError(`cannot be decoded: ${reason}. Replace or remove it.`, { file: job.file, cause }),
      );
      this.dispatch();
    };
    worker.on("error", (error) => die(`its thread failed (${(error as Error).message})`, error));
    worker.on("exit", () => die("its thread ended"));
    return worker;
  }
}
