import { BackendError } from "@acr/core";
import { env, type KernelBackend, type TensorInfo } from "@tensorflow/tfjs-core";

/** What is used of a WebGPU device; the types of WebGPU are no dependency. */
export interface GpuDevice {
  readonly lost: Promise<{ reason?: string; message: string }>;
  readonly limits: { readonly maxComputeWorkgroupsPerDimension: number };
  createShaderModule(descriptor: { code: string; label: string }): object;
  createComputePipeline(descriptor: object): GpuPipeline;
  createBindGroup(descriptor: object): object;
  addEventListener?(name: "uncapturederror", listener: (event: { error: Error }) => void): void;
  removeEventListener?(name: "uncapturederror", listener: (event: { error: Error }) => void): void;
}
interface GpuPipeline {
  getBindGroupLayout(group: number): object;
}
interface GpuPass {
  setPipeline(pipeline: GpuPipeline): void;
  setBindGroup(group: number, bindings: object): void;
  dispatchWorkgroups(x: number, y: number, z: number): void;
}

interface Uniform {
  type: "uint32" | "float32";
  data: number[];
}

/** What is used of tfjs' backend. */
export interface WebGpuBackend extends KernelBackend {
  device: GpuDevice;
  adapterInfo?: { vendor?: string; architecture?: string };
  tensorMap: { get(dataId: object): { values: unknown } };
  commandEncoder: { beginComputePass(): GpuPass } | null;
  computePassEncoder: GpuPass | null;
  commandQueueOwnedIds: WeakSet<object>;
  dispatchCountInPass: number;
  makeTensorInfo(shape: number[], dtype: "float32"): TensorInfo;
  uploadToGPU(dataId: object): void;
  tensorToBinding(tensor: TensorInfo): object;
  makeUniforms(uniforms: Uniform[]): object;
  ensureCommandEncoderReady(): void;
  endComputePassEncoder(): void;
  submitQueue(): void;
  runWebGPUProgram(...args: unknown[]): TensorInfo;
}

/**
 * A WGSL program. `code` begins behind its bindings: `inputs` are read, `outputs` read and written, in this order and by
 * these names, and `u` holds the `uniforms` (`u32`, or `f32` for those named in `floats`). The entry point is `main`.
 */
export interface Program {
  /** Unique for everything that `code` depends on. */
  key: string;
  /** Element type of the buffers: `f32` or `vec4<f32>`. */
  type: ElementType;
  /** That of buffers which hold something else. */
  types?: Readonly<Record<string, "u32">>;
  inputs: readonly string[];
  outputs: readonly string[];
  uniforms: readonly string[];
  floats?: readonly string[];
  code: string;
}
export type ElementType = "f32" | "vec4<f32>";

/** How often a lost device is waited for once a read has failed. */
const LOST_WITHIN_MS = 200;

/** Runs WGSL programs with any number of outputs on the tensors of tfjs' webgpu backend, in its command queue. */
export class WebGpuRuntime {
  /** Why nothing can be computed any more, if so. */
  failure: string | undefined;
  private readonly pipelines = new Map<string, GpuPipeline>();
  private readonly guarded = ["runWebGPUProgram", "read"] as const;
  private readonly onError = ({ error }: { error: Error }) => {
    this.failure ??= /memory/i.test(`${error.constructor.name} ${error.message}`)
      ? `the graphics memory does not suffice (${firstLine(error.message)}). Use a smaller batch or smaller images`
      : `the graphics device refused a command (${firstLine(error.message)})`;
  };

  constructor(readonly backend: WebGpuBackend) {
    void backend.device.lost.then(({ reason, message }) => {
      this.failure = `the graphics device was lost (${[reason, firstLine(message)].filter(Boolean).join(": ")})`;
    });
    backend.device.addEventListener?.("uncapturederror", this.onError);
    this.guard();
  }

  output(shape: number[]): TensorInfo {
    return this.backend.makeTensorInfo(shape, "float32");
  }

  /** @throws {BackendError} the device is lost or out of memory. */
  check(): void {
    if (this.failure !== undefined) throw deviceFault(this.failure);
  }

  /**
   * Records a run of `program`.
   *
   * @param groups - workgroups in x, y and z.
   */
  run(
    program: Program,
    inputs: readonly TensorInfo[],
    outputs: readonly TensorInfo[],
    uniforms: readonly number[],
    groups: readonly [number, number, number],
  ): void {
    this.check();
    const { backend } = this;
    const tensors = [...inputs, ...outputs];
    for (const { dataId } of tensors) backend.uploadToGPU(dataId);
    // What tfjs has read before is no longer what the buffer will hold.
    for (const { dataId } of outputs) backend.tensorMap.get(dataId).values = null;
    const pipeline = this.pipeline(program);
    const values = uniforms.map(
      (value, i): Uniform => ({
        type: program.floats?.includes(program.uniforms[i]!) ? "float32" : "uint32",
        data: [value],
      }),
    );
    const bindings = [...tensors.map((tensor) => backend.tensorToBinding(tensor)), backend.makeUniforms(values)];
    const group = backend.device.createBindGroup({
      layout: pipeline.getBindGroupLayout(0),
      entries: bindings.map((resource, binding) => ({ binding, resource })),
    });
    for (const { dataId } of tensors) backend.commandQueueOwnedIds.add(dataId);
    backend.ensureCommandEncoderReady();
    backend.computePassEncoder ??= backend.commandEncoder!.beginComputePass();
    backend.computePassEncoder.setPipeline(pipeline);
    backend.computePassEncoder.setBindGroup(0, group);
    backend.computePassEncoder.dispatchWorkgroups(...groups);
    backend.dispatchCountInPass++;
    if (backend.dispatchCountInPass >= env().getNumber("WEBGPU_DEFERRED_SUBMIT_BATCH_SIZE")) {
      backend.endComputePassEncoder();
      backend.submitQueue();
    }
  }

  /** Workgroups for one thread an element; see FLAT_INDEX. */
  flat(count: number): [number, number, number] {
    const groups = Math.ceil(count / FLAT_SIZE);
    const x = Math.min(groups, this.backend.device.limits.maxComputeWorkgroupsPerDimension);
    return [x, Math.ceil(groups / x), 1];
  }

  stop(): void {
    this.backend.device.removeEventListener?.("uncapturederror", this.onError);
    // What hides the prototype's methods.
    for (const method of this.guarded) Reflect.deleteProperty(this.backend, method);
  }

  /** tfjs' own kernels and reads end in the same errors: a lost device would give it zeros, or an error without a text. */
  private guard(): void {
    const { runWebGPUProgram, read } = this.backend;
    this.backend.runWebGPUProgram = (...args) => {
      this.check();
      return runWebGPUProgram.apply(this.backend, args);
    };
    this.backend.read = async (dataId) => {
      this.check();
      try {
        const values = await read.call(this.backend, dataId);
        this.check();
        return values;
      } catch (cause) {
        if (this.failure === undefined) {
          const wait = new Promise<void>((resolve) => setTimeout(resolve, LOST_WITHIN_MS));
          await Promise.race([this.backend.device.lost, wait]);
        }
        throw this.failure === undefined ? cause : deviceFault(this.failure, cause);
      }
    };
  }

  private pipeline(program: Program): GpuPipeline {
    const known = this.pipelines.get(program.key);
    if (known) return known;
    const { inputs, outputs, uniforms, floats = [], type, types, code, key } = program;
    const buffers = [...inputs, ...outputs].map((name, i) => {
      const access = i < inputs.length ? "read" : "read_write";
      return `@group(0) @binding(${i}) var<storage, ${access}> ${name}: array<${types?.[name] ?? type}>;`;
    });
    const fields = uniforms.map((name) => `${name}: ${floats.includes(name) ? "f32" : "u32"},`);
    const source = [
      `alias T = ${type};`,
      ...buffers,
      `struct Uniforms { ${fields.join(" ")} };`,
      `@group(0) @binding(${buffers.length}) var<uniform> u: Uniforms;`,
      code,
    ].join("\n");
    const { device } = this.backend;
    const module = device.createShaderModule({ code: source, label: key });
    const pipeline = device.createComputePipeline({
      compute: { module, entryPoint: "main" },
      label: key,
      layout: "auto",
    });
    this.pipelines.set(key, pipeline);
    return pipeline;
  }
}

/** Threads of a workgroup in programs with one thread an element. */
export const FLAT_SIZE = 256;

/** Head of such a program: `index` is the thread's element. */
export const FLAT_INDEX = `
@compute @workgroup_size(${FLAT_SIZE})
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let index = (group.y * groups.x + group.x) * ${FLAT_SIZE}u + lane;
`;

const firstLine = (text: string) => text.trim().split("\n")[0] ?? "";

const deviceFault = (failure: string, cause?: unknown) =>
  new BackendError(
    `webgpu: ${failure}. What was computed since the last checkpoint is lost; the checkpoint is not. Start again with resume; setupBackend asks for a new device.`,
    { cause },
  );
