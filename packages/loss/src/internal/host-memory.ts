import { backend, getBackend, type Tensor } from "@tensorflow/tfjs-core";

interface WasmBackend {
  wasm?: { HEAPU8?: Uint8Array };
  dataIdMap?: { get(dataId: object): { memoryOffset?: number | null } | undefined };
}

/** Whether the current backend keeps tensors where JavaScript can read them at once. */
export function isHostBackend(): boolean {
  const name = getBackend();
  if (name === "cpu" || name === "wasm") return true;
  return name === "tensorflow" && !(backend() as { isUsingGpuDevice?: boolean }).isUsingGpuDevice;
}

/**
 * The numbers of a tensor on a host backend, to read at once and not to keep. On `wasm` a view of the backend's memory,
 * where its fields are as in tfjs 4 (`dataSync` copies); it is no longer valid after the next operation.
 */
export function hostValues(x: Tensor): Float32Array {
  if (x.dtype === "float32" && getBackend() === "wasm") {
    const { wasm, dataIdMap } = backend() as WasmBackend;
    const offset = dataIdMap?.get(x.dataId)?.memoryOffset;
    const heap = wasm?.HEAPU8;
    if (heap && typeof offset === "number" && offset % 4 === 0 && offset + x.size * 4 <= heap.byteLength) {
      return new Float32Array(heap.buffer, offset, x.size);
    }
  }
  const values = x.dataSync();
  return values instanceof Float32Array ? values : Float32Array.from(values as ArrayLike<number>);
}

/** Repeats an array of shape `from` along its axes of length 1 to `[B, K, 2]`; itself where it has that shape already. */
export function broadcastValues(
  values: Float32Array,
  from: readonly number[],
  [batch, count]: readonly [number, number],
): Float32Array {
  const [b, k, c] = from as [number, number, number];
  if (b === batch && k === count && c === 2) return values;
  const result = new Float32Array(batch * count * 2);
  const face = b === 1 ? 0 : k * c;
  const point = k === 1 ? 0 : c;
  const y = c === 1 ? 0 : 1;
  for (let i = 0, to = 0; i < batch; i++) {
    for (let j = 0; j < count; j++, to += 2) {
      const at = i * face + j * point;
      result[to] = values[at]!;
      result[to + 1] = values[at + y]!;
    }
  }
  return result;
}
