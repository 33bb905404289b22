import type { TensorInfo } from "@tensorflow/tfjs-core";
import type { WasmBackend } from "./wasm-runtime.js";

type DataId = TensorInfo["dataId"];
interface Folded {
  address: number;
  /** Data of the other weights that went in, and numbers that matter. */
  key: readonly unknown[];
}

/**
 * Filters with their normalisation folded in, packed once for each version of the weights.
 *
 * Data of tensors never change in place (a new weight is new data), so the ids of the data are the version. A block lives
 * as long as the filter's data: it is freed the moment the backend disposes these.
 */
export class FoldedFilters {
  private readonly blocks = new Map<DataId, Folded>();
  private readonly disposeData: WasmBackend["disposeData"];

  constructor(private readonly backend: WasmBackend) {
    this.disposeData = backend.disposeData;
    backend.disposeData = (dataId, force) => {
      const isGone = this.disposeData.call(backend, dataId, force);
      if (isGone) this.release(dataId);
      return isGone;
    };
  }

  /** How many filters are held. */
  get size(): number {
    return this.blocks.size;
  }

  /**
   * Address of the folded filter, made by `fill` where it is not there yet.
   *
   * @param key - what else went in, compared by identity.
   * @throws {BackendError} out of memory; nothing is kept then.
   */
  get(filter: TensorInfo, key: readonly unknown[], bytes: number, fill: (address: number) => void): number {
    const known = this.blocks.get(filter.dataId);
    if (known && known.key.length === key.length && known.key.every((part, i) => part === key[i])) return known.address;
    this.release(filter.dataId);
    const { wasm } = this.backend;
    const address = wasm._malloc(bytes) >>> 0;
    try {
      fill(address);
    } catch (error) {
      wasm._free(address);
      throw error;
    }
    this.blocks.set(filter.dataId, { address, key });
    return address;
  }

  /** Frees all and leaves the backend as it was. */
  stop(): void {
    for (const dataId of [...this.blocks.keys()]) this.release(dataId);
    this.backend.disposeData = this.disposeData;
  }

  private release(dataId: DataId): void {
    const block = this.blocks.get(dataId);
    if (!block) return;
    this.blocks.delete(dataId);
    this.backend.wasm._free(block.address);
  }
}
