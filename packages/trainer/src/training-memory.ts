import { freemem } from "node:os";
import { summary } from "@acr/backbones";
import type { LayersModel } from "@tensorflow/tfjs-layers";

/** What a training step needs, and what there is. */
export interface TrainingMemory {
  /** Estimate: weights, gradients, moments, and the maps of the batch. */
  neededBytes: number;
  /** Free on this machine, or where the backend holds less, that. */
  availableBytes: number;
  /** The largest batch that should fit; 0 where none does. */
  largestBatch: number;
}

/** WebAssembly's memory has 32-bit addresses. */
const WASM_LIMIT = 2 ** 32;

/**
 * Estimates whether a batch fits into memory, before it is tried.
 *
 * @param model - the model to train.
 * @param options.batchSize - faces a step.
 * @param options.backend - name of the backend; `"wasm"` holds 4 GiB at most.
 * @example const { neededBytes, availableBytes, largestBatch } = trainingMemory(model, { batchSize: 64, backend: "wasm" });
 */
export function trainingMemory(
  model: LayersModel,
  { batchSize, backend }: { batchSize: number; backend: string },
): TrainingMemory {
  const needs = (size: number) => summary(model, { batchSize: size }).trainingBytes;
  // A step needs something for the weights and the same again for each face.
  // Counts what containers allow, where Node knows it.
  const free = process.availableMemory?.() ?? freemem();
  const availableBytes = backend === "wasm" ? Math.min(free, WASM_LIMIT) : free;
  const one = needs(1);
  const perFace = needs(2) - one;
  const fixed = one - perFace;
  const largestBatch = Math.max(0, Math.floor((availableBytes - fixed) / perFace));
  return { neededBytes: fixed + batchSize * perFace, availableBytes, largestBatch };
}
