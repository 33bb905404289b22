import { BackendError } from "@acr/core";

/** A module whose only body is one relaxed multiply-add: valid exactly where the runtime has relaxed SIMD. */
const RELAXED_PROBE = new Uint8Array([
  0, 97, 115, 109, 1, 0, 0, 0, 1, 8, 1, 96, 3, 123, 123, 123, 1, 123, 3, 2, 1, 0, 10, 13, 1, 11, 0, 32, 0, 32, 1, 32, 2,
  253, 133, 2, 11,
]);
/** The same for plain SIMD: `v128.const`-free splat and drop. */
const SIMD_PROBE = new Uint8Array([
  0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 10, 1, 8, 0, 65, 0, 253, 15, 253, 98, 11,
]);

/** The build of the kernels that fits a runtime. */
export type WasmVariant =
  | "scalar"
  | "simd"
  | "simd-relaxed"
  | "simd-threads"
  | "simd-threads-relaxed"
  | "simd-relaxed-wide"
  | "simd-threads-relaxed-wide";

/** True where the runtime multiplies and adds in one instruction (Node 22 and later; Node 20 with a flag). */
export const hasRelaxedSimd = (): boolean => WebAssembly.validate(RELAXED_PROBE);

const hasSimd = (): boolean => WebAssembly.validate(SIMD_PROBE);

/**
 * Compiles the variant that fits: shared memory asks for the threaded one, the runtime for relaxed SIMD, or for none.
 * `wide`: the one for 256-bit registers, which is relaxed SIMD too.
 *
 * @throws {BackendError} the memory is shared, but the runtime has no SIMD, which the threaded variants need.
 */
export async function compileModule({
  shared,
  relaxed,
  wide = false,
}: {
  shared: boolean;
  relaxed: boolean;
  wide?: boolean;
}): Promise<{ variant: WasmVariant; module: WebAssembly.Module }> {
  if (shared && !hasSimd()) {
    throw new BackendError(
      "registerTrainingKernels: this runtime has no WebAssembly SIMD, which threads need. Start the wasm backend without threads.",
    );
  }
  const threads = shared ? "-threads" : "";
  const arithmetic = relaxed && hasRelaxedSimd() ? (wide ? "-relaxed-wide" : "-relaxed") : "";
  const variant: WasmVariant = hasSimd() ? `simd${threads}${arithmetic}` : "scalar";
  const load = {
    scalar: () => import("./generated/scalar.js"),
    simd: () => import("./generated/simd.js"),
    "simd-relaxed": () => import("./generated/simd-relaxed.js"),
    "simd-threads": () => import("./generated/simd-threads.js"),
    "simd-threads-relaxed": () => import("./generated/simd-threads-relaxed.js"),
    "simd-relaxed-wide": () => import("./generated/simd-relaxed-wide.js"),
    "simd-threads-relaxed-wide": () => import("./generated/simd-threads-relaxed-wide.js"),
  }[variant];
  const { base64 } = await load();
  const binary = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
  return { variant, module: await WebAssembly.compile(binary) };
}
