import { BackendError } from "@acr/core";
import type { KernelBackend, Tensor, TensorInfo } from "@tensorflow/tfjs-core";
import { runtimesOf } from "../internal/runtimes-of.js";

/** An attribute of a TensorFlow operation, as tfjs-node takes it. */
export interface Attribute {
  name: string;
  type: number;
  value: number | boolean | string | readonly number[];
}

/** What the binding says of an output. */
interface Output {
  id: number;
  shape: number[];
  dtype: number;
}

/** Shapes of an operation's outputs; `undefined` where nobody asks. */
export type Shapes = readonly (readonly number[] | undefined)[];

/** What is used of tfjs-node's native binding. */
interface Binding {
  TF_ATTR_STRING: number;
  TF_ATTR_INT: number;
  TF_ATTR_FLOAT: number;
  TF_ATTR_BOOL: number;
  TF_ATTR_TYPE: number;
  TF_ATTR_SHAPE: number;
  TF_FLOAT: number;
  TF_INT32: number;
  TF_UINT8: number;
  /**
   * With `shapes`, where the binding is ours and computes on the CPU, the operation runs later on another thread; all its outputs are
   * floats. tfjs-node's own binding ignores them. With `fallback`, if it fails then, its one output is that input.
   */
  executeOp(
    name: string,
    attributes: readonly Attribute[],
    inputIds: readonly number[],
    outputCount: number,
    shapes?: Shapes,
    fallback?: number,
  ): Output[];
  /** Of our binding: waits for tensors, and throws what went wrong on the way to one. */
  awaitTensors?(ids: readonly number[]): void;
  createTensor(shape: readonly number[], type: number, values: Float32Array | Int32Array | Uint8Array): number;
  deleteTensor(id: number): void;
  tensorDataSync(id: number): Float32Array;
}

/** What is used of tfjs-node's backend. */
export interface TensorFlowBackend extends KernelBackend {
  binding: Binding;
  isUsingGpuDevice: boolean;
  getInputTensorIds(tensors: readonly TensorInfo[]): number[];
  createOutputTensor(metadata: Output): Tensor;
}

const OUT_OF_MEMORY = /\bOOM\b|Resource exhausted|out of memory|failed to allocate/i;

/**
 * TensorFlow's own operations on tfjs' tensors. Tensors pass as numbers of the binding where nobody else needs to see
 * them: that spares tfjs' bookkeeping.
 */
export class TensorFlowRuntime {
  readonly float: Attribute;
  private readonly constants = new Map<number, number>();

  constructor(readonly backend: TensorFlowBackend) {
    this.float = this.type("T");
  }

  get binding(): Binding {
    return this.backend.binding;
  }

  type(name: string): Attribute {
    return { name, type: this.binding.TF_ATTR_TYPE, value: this.binding.TF_FLOAT };
  }

  /**
   * @param shapes - of outputs that are floats: with them the operation may run beside others.
   * @param fallback - which input the output is if the operation fails later. Default: the output fails.
   * @throws {BackendError} the memory does not suffice; with `shapes` perhaps later, from whoever needs the result.
   */
  execute(
    name: string,
    attributes: readonly Attribute[],
    ids: readonly number[],
    outputCount: number,
    shapes?: Shapes,
    fallback = -1,
  ): Output[] {
    try {
      return this.binding.executeOp(name, attributes, ids, outputCount, shapes, fallback);
    } catch (error) {
      throw asMemoryFault(error, this.backend.isUsingGpuDevice);
    }
  }

  /** The one output of an operation, as the binding's number: `release` it. */
  one(name: string, attributes: readonly Attribute[], ids: readonly number[], shape?: readonly number[]): number {
    return this.execute(name, attributes, ids, 1, shape && [shape])[0]!.id;
  }

  /** The one output of an operation, as a tensor. */
  single(name: string, attributes: readonly Attribute[], ids: readonly number[], shape: readonly number[]): Tensor {
    return this.tensor(this.execute(name, attributes, ids, 1, [shape])[0]!);
  }

  /** Waits for tensors. @throws what went wrong on the way to one of them. */
  settle(tensors: TensorInfo[]): void {
    try {
      this.binding.awaitTensors?.(this.ids(...tensors));
    } catch (error) {
      throw asMemoryFault(error, this.backend.isUsingGpuDevice);
    }
  }

  release(...ids: number[]): void {
    for (const id of ids) this.binding.deleteTensor(id);
  }

  ids(...tensors: TensorInfo[]): number[] {
    return this.backend.getInputTensorIds(tensors);
  }

  /** An output as a tensor of tfjs. */
  tensor(output: Output): Tensor {
    return this.backend.createOutputTensor(output);
  }

  /** A scalar that stays: for values that do not change from step to step. */
  constant(value: number): number {
    let id = this.constants.get(value);
    if (id === undefined) {
      id = this.scalar(value);
      this.constants.set(value, id);
    }
    return id;
  }

  scalar(value: number): number {
    return this.binding.createTensor([], this.binding.TF_FLOAT, new Float32Array([value]));
  }

  shape(values: readonly number[]): number {
    return this.binding.createTensor([values.length], this.binding.TF_INT32, Int32Array.from(values));
  }

  /** Bytes, cast on the device. */
  fromBytes(
    bytes: Uint8Array | Uint8ClampedArray,
    shape: readonly number[],
    dtype: "float32" | "int32" = "float32",
  ): Tensor {
    const { binding } = this;
    const view = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length);
    const id = binding.createTensor(shape, binding.TF_UINT8, view);
    try {
      const attributes = [
        { name: "SrcT", type: binding.TF_ATTR_TYPE, value: binding.TF_UINT8 },
        { ...this.type("DstT"), ...(dtype === "int32" && { value: binding.TF_INT32 }) },
        { name: "Truncate", type: binding.TF_ATTR_BOOL, value: false },
      ];
      return this.tensor(this.execute("Cast", attributes, [id], 1)[0]!);
    } finally {
      this.release(id);
    }
  }

  dispose(): void {
    this.release(...this.constants.values());
    this.constants.clear();
  }
}

/** TensorFlow's complaint of too little memory as an error with the next step; others as they are. */
export function asMemoryFault(error: unknown, onGpu: boolean): unknown {
  // Not by instanceof: the binding's errors are those of Node's first realm, also in another.
  const { message } = error as Partial<Error>;
  if (typeof message !== "string" || !OUT_OF_MEMORY.test(message)) return error;
  const where = onGpu ? "the GPU's memory" : "memory";
  return new BackendError(
    `tensorflow: a training step does not fit into ${where}. Use a smaller batch or smaller images; tensors of the step are released. (${message.split("\n").at(-1)})`,
    { cause: error },
  );
}

export const { current: currentTensorFlowRuntime, set: setTensorFlowRuntime } =
  runtimesOf<TensorFlowRuntime>("tensorflow");
