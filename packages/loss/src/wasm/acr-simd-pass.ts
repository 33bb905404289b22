import type { HostInputs, HostOutputs } from "../internal/loss-rule.js";
import { base64 } from "./generated/acr-simd.js";

interface AcrModule {
  memory: WebAssembly.Memory;
  acr(...numbers: number[]): number;
}

/** The module's constants lie below. */
const FIRST_ADDRESS = 4096;
const PAGE = 65536;
/** Undefined: not tried yet. Null: this engine has no WebAssembly SIMD, or its policy forbids to compile. */
let loaded: AcrModule | null | undefined;

function load(): AcrModule | null {
  if (loaded !== undefined) return loaded;
  try {
    const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
    loaded = new WebAssembly.Instance(new WebAssembly.Module(bytes)).exports as unknown as AcrModule;
  } catch {
    loaded = null;
  }
  return loaded;
}

/** The numbers of the ACR loss; C = offsetByPhi · Φ + offset. */
export interface AcrConstants {
  lambda: number;
  scale: number;
  offsetByPhi: number;
  offset: number;
}

/**
 * The ACR loss and its slope of whole arrays by WebAssembly SIMD, four coordinates at a time. The results are views that
 * the next call overwrites. The module keeps its memory: 24 bytes a coordinate of the largest batch.
 *
 * @returns undefined where WebAssembly SIMD is not to be had.
 */
export function acrSimdPass(constants: AcrConstants, inputs: HostInputs): HostOutputs | undefined {
  const module = load();
  if (!module) return undefined;
  const { predictions, targets, difficulty, weights, wantValues, wantSlopes, slopeFactor } = inputs;
  const count = predictions.length;
  const padded = (count + 3) & ~3;
  const missing = FIRST_ADDRESS + padded * 24 - module.memory.buffer.byteLength;
  if (missing > 0) module.memory.grow(Math.ceil(missing / PAGE));
  const address = (slot: number) => FIRST_ADDRESS + slot * padded * 4;
  const slotOf = (slot: number) => new Float32Array(module.memory.buffer, address(slot), padded);
  [predictions, targets, difficulty, weights].forEach((source, slot) => {
    if (!source) return;
    const target = slotOf(slot);
    target.set(source);
    target.fill(0, count);
  });
  const sum = module.acr(
    padded,
    address(0),
    address(1),
    address(2),
    weights ? address(3) : 0,
    wantValues ? address(4) : 0,
    wantSlopes ? address(5) : 0,
    constants.lambda,
    constants.scale,
    constants.offsetByPhi,
    constants.offset,
    constants.scale * slopeFactor,
  );
  return {
    sum,
    values: wantValues ? slotOf(4).subarray(0, count) : undefined,
    slopes: wantSlopes ? slotOf(5).subarray(0, count) : undefined,
    isView: true,
  };
}
