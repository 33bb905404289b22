import type { TensorInfo } from "@tensorflow/tfjs-core";
import { ACTIVATION_CODES, type FusedActivation } from "../fused-activation.js";
import { MEAN_ROW, NORM_ROWS } from "./unit-kernels.js";
import type { WasmRuntime } from "./wasm-runtime.js";

/** Names of the kernels of squeeze and excite; see `internal/squeeze-excite.ts` for what they compute. */
export const EXCITE = "AcrSqueezeExcite";
export const EXCITE_GRADIENT = "AcrSqueezeExciteGradient";

/** Attributes of both. */
export interface ExciteAttributes {
  /** Of the normalisation in front, where `norm` is given. */
  activation: FusedActivation;
  /** Between the two convolutions. */
  hiddenActivation: FusedActivation;
}

type Call = { inputs: Record<string, TensorInfo>; attrs: ExciteAttributes };

const FLOAT = 4;

/** Squeeze and excite and its gradient, by kernel name. */
export function exciteKernels(runtime: WasmRuntime): Record<string, (call: Call) => TensorInfo[]> {
  const { exports, threads } = runtime;
  const at = (tensor: TensorInfo | undefined) => runtime.address(tensor!);
  const sizes = ({ shape }: TensorInfo, w1: TensorInfo) => {
    const [batch, height, width, C] = shape as [number, number, number, number];
    const S = w1.shape.at(-1)!;
    // Rows of S values are padded to whole vectors.
    return { batch, area: height * width, C, S, width: (S + 3) & ~3 };
  };
  return {
    [EXCITE]: ({ inputs, attrs: { activation, hiddenActivation } }) => {
      const { x, norm, w1, b1, w2, b2 } = inputs;
      const { batch, area, C, S, width } = sizes(x!, w1!);
      const y = runtime.output(x!.shape);
      const map = norm ? runtime.output(x!.shape) : runtime.share(x!);
      const mean = runtime.output([batch, C]);
      const hidden = runtime.output([batch, width]);
      const active = runtime.output([batch, width]);
      const gates = runtime.output([batch, C]);
      if (norm) runtime.run("normApply", at(x), at(map), batch * area, C, at(norm), ACTIVATION_CODES[activation], 0);
      runtime.run("areaMean", at(map), at(mean), batch, area, C);
      const weights = [at(w1), at(b1), at(w2), at(b2)];
      const code = ACTIVATION_CODES[hiddenActivation];
      runtime.run("excite", at(mean), ...weights, at(hidden), at(active), at(gates), batch, C, S, code);
      runtime.run("gate", at(map), at(gates), at(y), batch, area, C);
      return [y, map, mean, hidden, active, gates];
    },
    [EXCITE_GRADIENT]: ({ inputs, attrs: { activation, hiddenActivation } }) => {
      const { dy, x, norm, map, mean, hidden, active, gates, w1, b1, w2, b2 } = inputs;
      const { batch, area, C, S, width } = sizes(x!, w1!);
      const dx = runtime.output(x!.shape);
      const dNorm = norm ? runtime.output([NORM_ROWS, C]) : undefined;
      const [dw1, db1, dw2, db2] = [w1, b1, w2, b2].map((weight) => runtime.output(weight!.shape));
      const sumBytes = exports.sumsSize(C, threads);
      const sums = runtime.scratch(sumBytes + batch * (2 * C + width) * FLOAT);
      const dGate = sums + sumBytes;
      const dPixel = dGate + batch * C * FLOAT;
      const dHidden = dPixel + batch * C * FLOAT;
      runtime.run("gateGradient", at(dy), at(map), at(gates), 0, dGate, batch, area, C);
      const code = ACTIVATION_CODES[hiddenActivation];
      const weights = [at(hidden), at(w1), at(w2)];
      runtime.run("exciteGradient", dGate, at(gates), ...weights, dHidden, dPixel, batch, area, C, S, code);
      const changes = [at(dw1), at(db1), at(dw2), at(db2)];
      runtime.run("exciteWeightGradient", at(mean), at(active), dGate, dHidden, ...changes, batch, C, S);
      if (dNorm) {
        const center = at(norm) + MEAN_ROW * C * FLOAT;
        const ends = [at(gates), dPixel, sums];
        const normalisation = [at(norm), ACTIVATION_CODES[activation]];
        runtime.run(
          "gatedNormGradientSums",
          ...[at(x), at(dy), at(dx), center, batch, area, C, ...normalisation, ...ends],
        );
        runtime.floats(dNorm).fill(0);
        exports.normMergeSums(sums, threads, C, at(dNorm));
      } else {
        runtime.run("gatedGradient", at(dy), at(gates), dPixel, at(dx), batch, area, C);
      }
      return [dx, ...(dNorm ? [dNorm] : []), dw1!, db1!, dw2!, db2!];
    },
  };
}
