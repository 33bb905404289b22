import { exampleShapes } from "./__fixtures__/example-shapes.js";
import { expectClose } from "./__fixtures__/expect-close.js";
import { applySimilarity } from "./apply-similarity.js";
import { plausibleShape } from "./plausible-shape.js";
import { PointModel } from "./point-model.js";

const shapes = exampleShapes(120);
const model = PointModel.fit(shapes.slice(0, 100));
const face = shapes[101]!;
const distance = (a: ArrayLike<number>, b: ArrayLike<number>) =>
  Array.from(a).reduce((sum, value, q) => sum + (value - b[q]!) ** 2, 0);

describe("plausibleShape(model, shape)", () => {
  it("is the smooth face in the model's own frame", () => {
    expect(plausibleShape(model, face, { modes: 2 })).toEqual(model.smooth(face, { modes: 2 }));
  });

  it("is nearest of all shapes in the ellipsoid: no step along its rim comes nearer", () => {
    const modes = 4;
    const deviations = [5, -1, 4, 3];
    const far = model.reconstruct(deviations.map((value, i) => value * Math.sqrt(model.eigenvalues[i]!)));
    const found = plausibleShape(model, far, { modes, clip: 2, region: "ellipsoid" });
    expect(model.mahalanobisSquared(found, { modes })).toBeCloseTo(4, 9);
    expect(distance(found, far)).toBeLessThan(
      distance(model.smooth(far, { modes, clip: 2, region: "ellipsoid" }), far),
    );
    for (let i = 0; i < modes; i++) {
      for (const step of [-1e-3, 1e-3]) {
        const coefficients = model.project(found, { modes });
        coefficients[i]! += step * Math.sqrt(model.eigenvalues[i]!);
        const other = model.smooth(model.reconstruct(coefficients), { modes, clip: 2, region: "ellipsoid" });
        expect(distance(other, far)).toBeGreaterThan(distance(found, far));
      }
    }
    expectClose(plausibleShape(model, found, { modes, clip: 2.1, region: "ellipsoid" }), [...found], 1e-12);
  });

  it("follows the pose of the shape, and leaves an allowed shape where it is", () => {
    const aligned = PointModel.fit(shapes, { align: "procrustes" });
    const pose = { scale: 40, rotationRadians: 0.7, translation: [100, 60] as const };
    const allowed = applySimilarity(pose, aligned.mean);
    expectClose(plausibleShape(aligned, allowed, { modes: 2, align: "similarity" }), [...allowed], 1e-9);
    const wild = allowed.map((value, q) => (q === 4 ? value + 30 : value));
    const tamed = plausibleShape(aligned, wild, { modes: 1, align: "similarity" });
    expect(distance(tamed, allowed)).toBeLessThan(distance(wild, allowed));
    const turned = plausibleShape(aligned, applySimilarity(pose, wild), { modes: 1, align: "similarity" });
    expectClose(turned, [...applySimilarity(pose, tamed)], 1e-8);
  });

  it.each([
    [() => plausibleShape(model, [1, 2]), "shape must have 10 numbers; got 2"],
    [
      () => plausibleShape(model, face, { align: "rigid" as never }),
      'align must be "none" or "similarity"; got "rigid"',
    ],
    [() => plausibleShape(model, face, { modes: -1 }), "modes must be an integer from 0 to 10; got -1"],
    [() => plausibleShape(model, face, { clip: -1, region: "ellipsoid" }), "clip must be > 0 or false; got -1"],
  ])("throws a clear error (%#)", (run, message) => {
    expect(run).toThrow(message);
  });
});
