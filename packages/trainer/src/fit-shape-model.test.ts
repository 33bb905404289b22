import { randomFlip } from "@acr/augment";
import { createRandom, ibug68 } from "@acr/core";
import { PointModel } from "@acr/shape-model";
import { fitShapeModel } from "./index.js";

const random = createRandom(4);
const shapes = Array.from({ length: 12 }, () => Float64Array.from({ length: 136 }, () => random.uniform(-0.5, 0.5)));

it("fitShapeModel without augmentation is the model of the labels themselves", () => {
  const model = fitShapeModel(shapes, { scheme: ibug68, augmentation: undefined, seed: 1 });
  const plain = PointModel.fit(shapes, { scheme: ibug68 });
  expect(model.mean).toEqual(plain.mean);
  expect(model.eigenvalues).toEqual(plain.eigenvalues);
});

it("fitShapeModel renumbers the landmarks of mirrored faces: its mean is the mirror of the mean", () => {
  const augmentation = randomFlip({ probability: 1 });
  const { mean } = fitShapeModel(shapes, { scheme: ibug68, augmentation, seed: 1 });
  const plain = PointModel.fit(shapes, { scheme: ibug68 }).mean;
  for (let k = 0; k < 68; k++) {
    const other = ibug68.mirror[k]!;
    expect(mean[2 * k]).toBeCloseTo(-plain[2 * other]!, 10);
    expect(mean[2 * k + 1]).toBeCloseTo(plain[2 * other + 1]!, 10);
  }
});

it("fitShapeModel draws anew for each face, the same for the same seed", () => {
  const fit = (seed: number) =>
    fitShapeModel(shapes, { scheme: ibug68, augmentation: randomFlip({ probability: 0.5 }), seed });
  expect(fit(1).mean).toEqual(fit(1).mean);
  expect(fit(1).mean).not.toEqual(fit(2).mean);
  expect(fit(1).sampleCount).toBe(6 * shapes.length);
});
