import { freemem } from "node:os";
import { summary } from "@acr/backbones";
import type { LayersModel } from "@tensorflow/tfjs-layers";

/** What a training step needs, and what there is. */
export interface TrainingMemory {
  /** Estimate: weights, gradients, moments, the maps of the batch, and the pictures of those that wait. */
  neededBytes: number;
  /** Free on this machine, or where the backend holds less, that; `null`: the graphics processor does not tell. */
  availableBytes: number | null;
  /** The largest batch that should fit; 0 where none does, `null` where nothing is known that limits it. */
  largestBatch: number | null;
}

/** Options of `trainingMemory`. */
export interface TrainingMemoryOptions {
  /** Faces a step. */
  batchSize: number;
  /** Name of the backend; `"wasm"` holds 4 GiB at most. */
  backend: string;
  /** Free memory of the graphics processor that trains, `null` where it does not tell; the machine's own does not count then. */
  gpuMemoryBytes?: number | null | undefined;
  /** Batches whose pictures wait on the device beside the one in the step. Default 0. */
  batchesAhead?: number;
  /** Maps of the pictures' size that live while the device changes the pixels of a batch that waits. Default 0. */
  changeMaps?: number;
  /** The largest tensor that the backend can hold, in bytes. Default: no limit. */
  largestTensorBytes?: number | undefined;
}

/** WebAssembly's memory has 32-bit addresses. */
const WASM_LIMIT = 2 ** 32;

/**
 * Estimates whether a batch fits into memory, before it is tried.
 *
 * @param model - the model to train.
 * @example const { neededBytes, availableBytes, largestBatch } = trainingMemory(model, { batchSize: 64, backend: "wasm" });
 */
export function trainingMemory(
  model: LayersModel,
  {
    batchSize,
    backend,
    gpuMemoryBytes,
    batchesAhead = 0,
    changeMaps = 0,
    largestTensorBytes = Number.POSITIVE_INFINITY,
  }: TrainingMemoryOptions,
): TrainingMemory {
  const needs = (size: number) => summary(model, { batchSize: size }).trainingBytes;
  // A step needs something for the weights and the same again for each face.
  // Counts what containers allow, where Node knows it.
  const free = process.availableMemory?.() ?? freemem();
  const ofMachine = backend === "wasm" ? Math.min(free, WASM_LIMIT) : free;
  const availableBytes = gpuMemoryBytes === undefined ? ofMachine : gpuMemoryBytes;
  const one = needs(1);
  const ofStep = needs(2) - one;
  const fixed = one - ofStep;
  const perFace = ofStep + batchesAhead * (1 + changeMaps) * bytesOf(model.inputs[0]!.shape);
  const largestMap = Math.max(...model.layers.map(({ outputShape }) => bytesOf(outputShape as Shape)));
  const fitting = Math.min(
    availableBytes === null ? Number.POSITIVE_INFINITY : Math.floor((availableBytes - fixed) / perFace),
    Math.floor(largestTensorBytes / largestMap),
  );
  return {
    neededBytes: fixed + batchSize * perFace,
    availableBytes,
    largestBatch: fitting === Number.POSITIVE_INFINITY ? null : Math.max(0, fitting),
  };
}

type Shape = (number | null)[];
const FLOAT_BYTES = 4;

/** Of one face's map; a layer with several outputs has its first counted. */
const bytesOf = (shape: Shape | Shape[]): number =>
  ((Array.isArray(shape[0]) ? shape[0] : shape) as Shape)
    .slice(1)
    .reduce<number>((product, side) => product * (side ?? 1), FLOAT_BYTES);
