import { tolerance } from "@acr/testing";
import * as tf from "@tensorflow/tfjs-core";

/** Compares what two functions compute, one on wasm and the other on cpu; NaN and infinities must be the same. */
export async function expectAsOnCpu(what: string, run: () => tf.Tensor[], oracle = run): Promise<void> {
  const on = async (backend: string, run: () => tf.Tensor[]) => {
    await tf.setBackend(backend);
    const results = tf.tidy(run);
    const read = results.map((tensor) => ({ shape: tensor.shape, values: Float32Array.from(tensor.dataSync()) }));
    tf.dispose(results);
    return read;
  };
  const actual = await on("wasm", run);
  const expected = await on("cpu", oracle);
  expect(actual.map(({ shape }) => shape)).toEqual(expected.map(({ shape }) => shape));
  expected.forEach(({ values }, k) => {
    const largest = values.reduce((m, v) => (Number.isFinite(v) ? Math.max(m, Math.abs(v)) : m), 1e-6);
    const distance = (a: number, b: number) => (Object.is(a, b) || a === b ? 0 : Math.abs(a - b));
    for (const [i, value] of values.entries()) {
      const off = distance(actual[k]!.values[i]!, value);
      if (!(off <= tolerance.float32 * largest)) throw new Error(`${what}, result ${k}: ${off} of ${largest} off`);
    }
  });
}
