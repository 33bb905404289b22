import { createRandom } from "@acr/core";
import { type Tensor, tensor } from "@tensorflow/tfjs-core";
import { initializers } from "@tensorflow/tfjs-layers";

/** How kernels start. */
export interface KernelStart {
  /** Variance of a value times its fan. */
  scale: number;
  mode: "fanIn" | "fanOut";
  distribution: "uniform" | "normal";
  seed: number;
}

/** Normal values further out than this many deviations are drawn again, as TensorFlow's truncated normal does. */
const CUT = 2;

/**
 * tfjs' VarianceScaling, drawn faster: its truncated normal takes a microsecond a value, and large backbones have tens of millions.
 * It is saved as the stock initializer.
 */
export function kernelStart(options: KernelStart) {
  const initializer = initializers.varianceScaling(options);
  const { scale, mode, distribution, seed } = options;
  initializer.apply = (shape: (number | null)[]): Tensor => {
    const sides = shape as number[];
    const area = sides.slice(0, -2).reduce((a, b) => a * b, 1);
    const fan = area * sides[mode === "fanIn" ? sides.length - 2 : sides.length - 1]!;
    const variance = scale / Math.max(1, fan);
    const values = new Float32Array(sides.reduce((a, b) => a * b, 1));
    if (distribution === "uniform") fillUniform(values, Math.sqrt(3 * variance), seed);
    else fillNormal(values, Math.sqrt(variance), seed);
    return tensor(values, sides);
  };
  return initializer;
}

/** What 32 bits are multiplied with for [0, 1). */
const UNIT = 2 ** -32;

function fillUniform(values: Float32Array, bound: number, seed: number): void {
  const { word } = createRandom(seed);
  for (let i = 0; i < values.length; i++) values[i] = (2 * (word() * UNIT) - 1) * bound;
}

/** Marsaglia's polar method: two values of each point within the unit circle. */
function fillNormal(values: Float32Array, deviation: number, seed: number): void {
  const { word } = createRandom(seed);
  for (let i = 0; i < values.length; ) {
    const x = 2 * (word() * UNIT) - 1;
    const y = 2 * (word() * UNIT) - 1;
    const square = x * x + y * y;
    if (square >= 1 || square === 0) continue;
    const factor = Math.sqrt((-2 * Math.log(square)) / square);
    const first = x * factor;
    const second = y * factor;
    if (first > -CUT && first < CUT) values[i++] = first * deviation;
    if (i < values.length && second > -CUT && second < CUT) values[i++] = second * deviation;
  }
}
