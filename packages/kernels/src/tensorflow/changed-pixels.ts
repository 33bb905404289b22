import { PIXEL_CHANGE_BYTES, PIXEL_CHANGE_LAYOUT } from "@acr/core";
import {
  add,
  cast,
  div,
  floor,
  gather,
  greaterEqual,
  less,
  logicalAnd,
  mul,
  range,
  reshape,
  sub,
  sum,
  type Tensor,
  type Tensor4D,
  tensor,
  tidy,
} from "@tensorflow/tfjs-core";
import type { TensorFlowRuntime } from "./tensorflow-runtime.js";

const LEVELS = 3 * 256;
/** ITU-R BT.601, in thousandths. */
const LUMA = [299, 587, 114];

/**
 * Pictures of bytes with the changes of `packPixelChanges`, in TensorFlow's operations. All values are whole numbers below
 * 2^24, so float32 loses nothing; none is a matrix product, which GPUs round to TF32.
 */
export function changedPixels(
  runtime: TensorFlowRuntime,
  pixels: Uint8Array | Uint8ClampedArray,
  { shape, changes }: { shape: [number, number, number, number]; changes: Uint8Array },
): Tensor4D {
  const [count, height, width] = shape;
  const rows = Array.from({ length: count }, (_, i) =>
    changes.subarray(i * PIXEL_CHANGE_BYTES, (i + 1) * PIXEL_CHANGE_BYTES),
  );
  return tidy(() => {
    const levels = new Uint8Array(count * LEVELS);
    rows.forEach((row, i) => {
      levels.set(row.subarray(0, LEVELS), i * LEVELS);
    });
    // Where in `levels` the table of a picture's channel begins.
    const starts = tensor(
      Int32Array.from({ length: 3 * count }, (_, i) => 256 * i),
      [count, 1, 1, 3],
      "int32",
    );
    const places = () => add(runtime.fromBytes(pixels, shape, "int32"), starts);
    let x: Tensor = tidy(() => gather(runtime.fromBytes(levels, [levels.length]), places()));
    /** The next change; of the maps before it none stays. */
    const change = (f: (x: Tensor) => Tensor) => {
      const before = x;
      x = tidy(() => f(before));
      before.dispose();
    };
    const flags = rows.map((row) => row[PIXEL_CHANGE_LAYOUT.grey]!);
    if (flags.some((flag) => flag > 0)) {
      change((x) => {
        const luma = tidy(() => floor(div(add(sum(mul(x, LUMA), -1, true), 500), 1000)));
        return choose(tensor(flags, [count, 1, 1, 1], "float32"), luma, x);
      });
    }
    const sides = rows.map((row) => {
      const view = new DataView(row.buffer, row.byteOffset + PIXEL_CHANGE_LAYOUT.block);
      return [0, 2, 4, 6].map((at) => view.getUint16(at, true));
    });
    if (sides.some(([left, , right]) => right! > left!)) {
      const within = (side: number, low: number, high: number) => {
        const places = range(0, side);
        const column = (k: number) =>
          tensor(
            sides.map((values) => values[k]!),
            [count, 1],
            "float32",
          );
        return logicalAnd(greaterEqual(places, column(low)), less(places, column(high)));
      };
      const mask = logicalAnd(
        reshape(within(width, 0, 2), [count, 1, width, 1]),
        reshape(within(height, 1, 3), [count, height, 1, 1]),
      );
      const { color } = PIXEL_CHANGE_LAYOUT;
      const colors = rows.flatMap((row) => [...row.subarray(color, color + 3)]);
      change((x) => choose(cast(mask, "float32"), tensor(colors, [count, 1, 1, 3], "float32"), x));
    }
    return x as Tensor4D;
  });
}

/** `yes` where the mask is 1, `no` where it is 0; exact for whole numbers, and it spreads all three. */
const choose = (mask: Tensor, yes: Tensor, no: Tensor) => add(no, mul(mask, sub(yes, no)));
