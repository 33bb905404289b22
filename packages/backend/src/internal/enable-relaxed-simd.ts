import { isNode } from "./is-node.js";

/**
 * Switches relaxed SIMD on where Node has it behind a flag (20 and 21), before a module is compiled; later versions
 * have it on. Whether the runtime then really has it is the kernels' own feature test.
 */
export async function enableRelaxedSimd(): Promise<void> {
  if (!isNode() || Number.parseInt(process.versions.node, 10) >= 22) return;
  const { setFlagsFromString } = await import("node:v8");
  setFlagsFromString("--experimental-wasm-relaxed-simd");
}
