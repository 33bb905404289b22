import { BackendError } from "@acr/core";
import { type DataType, dispose, engine, type KernelBackend, type TensorInfo } from "@tensorflow/tfjs-core";
import { compileModule, type WasmVariant } from "./compile-module.js";
import { FoldedFilters } from "./folded-filters.js";
import { ThreadPool } from "./thread-pool.js";
import type { SharedKernel, WasmExports } from "./wasm-exports.js";
import { whyNotWide, wideTestBytes } from "./why-not-wide.js";

/** The parts of tfjs' wasm backend that kernels need. */
export interface WasmBackend extends KernelBackend {
  wasm: {
    _malloc(bytes: number): number;
    _free(address: number): void;
    wasmMemory?: WebAssembly.Memory;
    asm?: { memory?: WebAssembly.Memory };
    HEAPU8: Uint8Array;
  };
  dataIdMap: { get(id: object): { memoryOffset: number } };
  makeOutput(shape: number[], dtype: DataType): TensorInfo;
  incRef(id: object): void;
}

/** All that a WebAssembly memory with 32-bit addresses can hold. */
const MAXIMUM_BYTES = 2 ** 32;

/** This project's kernels on the memory of tfjs' wasm backend, with their threads and scratch space. */
export class WasmRuntime {
  private scratchAddress = 0;
  private scratchBytes = 0;
  /** What the kernel that runs now has allocated; outside of kernels nobody asks for it. */
  private made: TensorInfo[] | undefined;

  private constructor(
    readonly backend: WasmBackend,
    readonly exports: WasmExports,
    readonly variant: WasmVariant,
    private readonly pool: ThreadPool,
    private readonly memory: WebAssembly.Memory,
    private readonly unguard: () => void,
    /** Filters of inference, by version of the weights. */
    readonly folded: FoldedFilters,
    /** Why the wide build is not in use, where it was asked for. */
    readonly wideRefusal: string | undefined,
  ) {}

  /** @throws {BackendError} the backend is not tfjs' wasm backend, shared memory without SIMD, or a worker failed. */
  static async start(
    backend: WasmBackend,
    { threads, relaxed = true, wide = false }: { threads: number; relaxed?: boolean; wide?: boolean | "always" },
  ): Promise<WasmRuntime> {
    const memory = backend.wasm?.wasmMemory ?? backend.wasm?.asm?.memory;
    if (!(memory instanceof WebAssembly.Memory)) {
      throw new BackendError(
        "registerTrainingKernels: the wasm backend's memory was not found; expected @tensorflow/tfjs-backend-wasm 4.22.",
      );
    }
    const shared = typeof SharedArrayBuffer !== "undefined" && memory.buffer instanceof SharedArrayBuffer;
    const usual = await instantiate(await compileModule({ shared, relaxed }), memory);
    const { started, refusal } = wide
      ? await tryWide(usual, { backend, memory, shared, isTested: wide !== "always" })
      : { started: usual };
    const { variant, module, kernels } = started;
    const pool = await ThreadPool.start(kernels, {
      module,
      memory,
      threads: shared ? threads : 1,
      relaxed: variant.includes("relaxed"),
    });
    const unguard = guardAllocation(backend.wasm);
    return new WasmRuntime(backend, kernels, variant, pool, memory, unguard, new FoldedFilters(backend), refusal);
  }

  get threads(): number {
    return this.pool.threads;
  }

  /** Why the threads run no more kernels, if so. */
  get failure(): string | undefined {
    return this.pool.failure;
  }

  /** Whether `bytes` can still be allocated. The memory grows to hold them; nothing is touched. */
  canHold(bytes: number): boolean {
    if (bytes >= MAXIMUM_BYTES) return false;
    const { wasm } = this.backend;
    try {
      wasm._free(wasm._malloc(bytes) >>> 0);
      return true;
    } catch {
      return false;
    }
  }

  run(kernel: SharedKernel, ...args: number[]): void {
    this.pool.run(kernel, args);
  }

  address(tensor: TensorInfo): number {
    return this.backend.dataIdMap.get(tensor.dataId).memoryOffset >>> 0;
  }

  /** @throws {BackendError} the memory cannot grow any further. */
  output(shape: number[], dtype: DataType = "float32"): TensorInfo {
    const info = this.backend.makeOutput(shape, dtype);
    this.made?.push(info);
    return info;
  }

  /** The same values as another tensor, without a copy. */
  share(x: TensorInfo): TensorInfo {
    this.backend.incRef(x.dataId);
    const info = { dataId: x.dataId, shape: x.shape, dtype: x.dtype };
    this.made?.push(info);
    return info;
  }

  /**
   * Runs a kernel. Its inputs come over from other backends before it takes views of the memory, which their arrival may
   * let grow. Where it throws, what it had allocated is released: tfjs does not know it yet.
   */
  call<Call extends { inputs: object }, T>(kernel: (call: Call) => T, call: Call): T {
    const outer = this.made;
    const made: TensorInfo[] = [];
    this.made = made;
    try {
      for (const input of Object.values(call.inputs)) if (input) this.address(input);
      return kernel(call);
    } catch (error) {
      for (const { dataId } of made) this.backend.disposeData(dataId);
      throw error;
    } finally {
      this.made = outer;
    }
  }

  /** The whole memory as it is now: growth makes older views stale, so take it after `output`. */
  bytes(): Uint8Array {
    return new Uint8Array(this.memory.buffer);
  }

  /** The values of a float32 tensor, valid until the next `output`. */
  floats(tensor: TensorInfo): Float32Array {
    const length = tensor.shape.reduce((product, size) => product * size, 1);
    return this.view(this.address(tensor), length);
  }

  /** Values anywhere in the memory, valid until the next `output`. */
  view(address: number, length: number): Float32Array {
    return new Float32Array(this.memory.buffer, address, length);
  }

  /**
   * A block that lives until the next call; kernels run one after the other, so they share it. It stays as large as the largest
   * kernel wanted it, until `stop`: the next step wants it again, and a WebAssembly memory never shrinks.
   */
  scratch(bytes: number): number {
    if (bytes > this.scratchBytes) {
      const { wasm } = this.backend;
      if (this.scratchAddress) wasm._free(this.scratchAddress);
      this.scratchAddress = this.scratchBytes = 0;
      this.scratchAddress = wasm._malloc(bytes) >>> 0;
      this.scratchBytes = bytes;
    }
    return this.scratchAddress;
  }

  async stop(): Promise<void> {
    if (this.scratchAddress) this.backend.wasm._free(this.scratchAddress);
    this.scratchAddress = this.scratchBytes = 0;
    this.folded.stop();
    this.unguard();
    await this.pool.stop();
  }
}

type Compiled = Awaited<ReturnType<typeof compileModule>>;

async function instantiate(
  compiled: Compiled,
  memory: WebAssembly.Memory,
): Promise<Compiled & { kernels: WasmExports }> {
  const { exports } = await WebAssembly.instantiate(compiled.module, { env: { memory } });
  return { ...compiled, kernels: exports as unknown as WasmExports };
}

/** The wide build where it works here, else the usual one and why. */
async function tryWide(
  usual: Awaited<ReturnType<typeof instantiate>>,
  {
    backend: { wasm },
    memory,
    shared,
    isTested,
  }: { backend: WasmBackend; memory: WebAssembly.Memory; shared: boolean; isTested: boolean },
): Promise<{ started: typeof usual; refusal?: string }> {
  if (!usual.variant.endsWith("relaxed")) {
    return {
      started: usual,
      refusal: "it needs relaxed SIMD, which this runtime has not or relaxedSimd: false excludes",
    };
  }
  const wide = await instantiate(await compileModule({ shared, relaxed: true, wide: true }), memory);
  if (!isTested) return { started: wide };
  const space = wasm._malloc(wideTestBytes(wide.kernels)) >>> 0;
  // Not guarded yet: malloc returns 0 where the memory is full.
  if (space === 0) return { started: usual, refusal: "the memory has no room for its test" };
  try {
    const refusal = await whyNotWide(usual.kernels, wide.kernels, { memory, space });
    return refusal === undefined ? { started: wide } : { started: usual, refusal };
  } finally {
    wasm._free(space);
  }
}

/**
 * Makes a refused allocation an error, also for tfjs' own kernels: malloc returns 0 where the memory cannot grow, and
 * tfjs would go on and write there. tfjs registers a tensor only after it has its memory, so nothing is left behind.
 *
 * @returns puts the allocation of before back.
 */
function guardAllocation(wasm: WasmBackend["wasm"]): () => void {
  // Emscripten replaces `_malloc` by the real one at the first call, which would drop the guard.
  wasm._free(wasm._malloc(1));
  const malloc = wasm._malloc;
  wasm._malloc = (bytes) => {
    // It would take a larger number modulo 2^32, and give a block that is too small.
    const address = bytes < MAXIMUM_BYTES ? malloc(bytes) : 0;
    if (address === 0) {
      releaseFailedTape();
      throw new BackendError(
        `wasm: out of memory (${(bytes / 2 ** 20).toFixed(0)} MB refused). Use a smaller batch or image, or dispose tensors.`,
      );
    }
    return address;
  };
  return () => {
    wasm._malloc = malloc;
  };
}

/**
 * A gradient that throws keeps what it saved for its way back: the memory that the next, smaller step needs. Once the
 * call that failed is over, these tensors are released; one that caught the error has cleared its tape by then.
 */
function releaseFailedTape(): void {
  const { state } = engine();
  const tape = state.activeTape;
  if (!tape) return;
  queueMicrotask(() => {
    if (state.activeTape !== tape || state.gradientDepth !== 0) return;
    for (const { saved } of tape) dispose(saved ?? []);
    state.activeTape = null as never;
  });
}
