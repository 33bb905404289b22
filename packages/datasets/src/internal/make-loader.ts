import { applyAffine, checkOptions, createRandom, type FaceDataset, InvalidArgumentError } from "@acr/core";
import type { Loader, LoaderOptions } from "../create-loader.js";
import { batchPlan } from "./batch-plan.js";
import { batchStream } from "./batch-stream.js";
import { cacheOf, DEFAULT_MEGABYTES } from "./cache-of.js";
import { checkBatchOptions } from "./check-batch-options.js";
import { FaceEngine } from "./face-engine.js";
import type { FaceRunner } from "./face-task.js";
import type { PreparedPixels } from "./prepared-pixels.js";

/** What differs between platforms. */
export interface Platform {
  /** Pixels of the data set in a prepared file. */
  prepared?: PreparedPixels | undefined;
  /** Starts what does the work, when the first face is asked for. */
  start(): FaceRunner;
}

/** `createLoader`, wherever it runs. */
export function makeLoader(dataset: FaceDataset, options: LoaderOptions, { prepared, start }: Platform): Loader {
  checkOptions("createLoader", options, [
    "batchSize",
    "imageSize",
    "augment",
    "deferPixels",
    "seed",
    "shuffle",
    "dropRemainder",
    "protocol",
    "workers",
    "cacheMegabytes",
    "skipFaulty",
    "onFault",
    "decoder",
  ]);
  const {
    batchSize,
    imageSize,
    augment,
    deferPixels = false,
    seed = 0,
    shuffle = true,
    dropRemainder = true,
    protocol = "padded",
    workers,
    cacheMegabytes = DEFAULT_MEGABYTES,
    skipFaulty = false,
    onFault,
    decoder,
  } = options;
  checkBatchOptions("createLoader", { batchSize, imageSize, protocol, workers, decoder });
  if (dropRemainder && batchSize > dataset.length) {
    throw new InvalidArgumentError(
      `createLoader: batchSize must be an integer from 1 to the data set's ${dataset.length}; got ${batchSize}.`,
    );
  }
  if (!(cacheMegabytes >= 0))
    throw new InvalidArgumentError(`createLoader: cacheMegabytes must be >= 0; got ${cacheMegabytes}.`);
  const engine = new FaceEngine(dataset, {
    imageSize,
    protocol,
    extent: "wide",
    megabytes: cacheMegabytes,
    seed,
    deferPixels,
    ...(augment && { augment }),
    ...(prepared && { prepared }),
    start,
  });
  const root = createRandom(seed);
  return {
    batchesPerEpoch: dropRemainder ? Math.floor(dataset.length / batchSize) : Math.ceil(dataset.length / batchSize),
    cache: cacheOf(engine, { imageSize, protocol }),
    shapes: async () => {
      const shapes: Float64Array[] = [];
      for (let i = 0; i < dataset.length; i++) {
        const { box, landmarks } = await engine.annotations(i);
        shapes.push(applyAffine(engine.cropMap(box, i, undefined), landmarks));
      }
      return shapes;
    },
    epoch: (epoch, { firstBatch = 0 } = {}) =>
      batchStream({
        scheme: dataset.scheme,
        imageSize,
        batches: batchPlan(dataset.length, {
          batchSize,
          order: shuffle ? root.fork("order", epoch) : undefined,
          dropRemainder,
          firstBatch,
        }),
        firstBatch,
        render: (index) => engine.render(index, { epoch, isTraining: true }),
        deferPixels,
        onFault: skipFaulty ? (onFault ?? (() => {})) : undefined,
      }),
    close: () => engine.close(),
  };
}
