import { createRandom } from "@acr/core";
import { PointModel } from "@acr/shape-model";
import { expectNoTensorLeak } from "@acr/testing";
import { setBackend } from "@tensorflow/tfjs-core";
import "@tensorflow/tfjs-backend-cpu";
import { smoothLabels } from "./smooth-labels.js";

beforeAll(() => setBackend("cpu"));

const random = createRandom(3);
/** Four landmarks that move along two directions, and noise. */
const shapes = Array.from({ length: 40 }, () => {
  const [a, b] = [random.normal(), random.normal() / 3];
  return Float64Array.from(
    { length: 8 },
    (_, i) => i / 10 + a * Math.sin(i) + b * Math.cos(2 * i) + random.normal() / 50,
  );
});
const model = PointModel.fit(shapes);
const labels = Float32Array.from(shapes.slice(0, 3).flatMap((shape) => [...shape]));
// Beyond three standard deviations.
for (let i = 0; i < 8; i++) labels[i]! += 9 * Math.sin(i);

/** mean + Σ clip(vᵀ(y − mean))·v over the first modes, from the model's numbers alone. */
function smoothOf(face: ArrayLike<number>, count: number): number[] {
  const { mean, modes, eigenvalues } = model.toJSON();
  const result = [...mean];
  for (let m = 0; m < count; m++) {
    const limit = 3 * Math.sqrt(eigenvalues[m]!);
    const along = modes[m]!.reduce((sum, v, i) => sum + v * (face[i]! - mean[i]!), 0);
    const b = Math.min(limit, Math.max(-limit, along));
    modes[m]!.forEach((v, i) => {
      result[i]! += b * v;
    });
  }
  return result;
}

it.each([
  [0.3, 0.5, 1],
  [1, 0.99, 2],
])(
  "smoothLabels({ amount: %d, fraction: %d }) moves labels that share of the way to their smooth faces",
  (amount, fraction, count) => {
    const { eigenvalues, totalVariance } = model.toJSON();
    const explained = (modes: number) =>
      eigenvalues.slice(0, modes).reduce((sum, value) => sum + value, 0) / totalVariance;
    expect(explained(count)).toBeGreaterThanOrEqual(fraction);
    expect(explained(count - 1)).toBeLessThan(fraction);
    const result = smoothLabels(model, labels, { amount, fraction });
    expect(result.shape).toEqual([3, 4, 2]);
    const values = result.dataSync();
    for (let face = 0; face < 3; face++) {
      const y = labels.subarray(8 * face, 8 * face + 8);
      smoothOf(y, count).forEach((smooth, i) => {
        expect(values[8 * face + i]).toBeCloseTo(y[i]! + amount * (smooth - y[i]!), 5);
      });
    }
    result.dispose();
  },
);

it("smoothLabels leaks no tensor", () =>
  expectNoTensorLeak(() => smoothLabels(model, labels, { amount: 0.5, fraction: 0.9 }).dispose()));
