import { readFileSync } from "node:fs";
import { goldenFolder } from "@acr/testing";
import { Matrix, pseudoInverse } from "ml-matrix";
import { exampleShapes } from "./__fixtures__/example-shapes.js";
import { expectClose } from "./__fixtures__/expect-close.js";
import { applySimilarity } from "./apply-similarity.js";
import { fillMissing } from "./fill-missing.js";
import { PointModel } from "./point-model.js";

const shapes = exampleShapes(120);
const model = PointModel.fit(shapes.slice(0, 100));
const heldOut = shapes.slice(100);
const visible = [1, 0, 1, 0, 1];
const folder = goldenFolder("shape-model");
const error = (a: ArrayLike<number>, b: ArrayLike<number>) =>
  Array.from(a).reduce((sum, value, q) => sum + (value - b[q]!) ** 2, 0);

describe("fillMissing(model, shape, visible)", () => {
  it("equals the conditional mean and covariance of the joint normal law", () => {
    const noiseVariance = 0.01;
    const { shape, covariance, missing } = fillMissing(model, heldOut[0]!, visible, { noiseVariance });
    // Written the other way round: Σ = Vᵀ Λ V + σ² I, then Schur's complement.
    const v = new Matrix(model.modes.map((mode) => [...mode]));
    const joint = v
      .transpose()
      .mmul(Matrix.diag([...model.eigenvalues]))
      .mmul(v)
      .add(Matrix.eye(10).mul(noiseVariance));
    const [seen, unseen] = [
      [0, 1, 4, 5, 8, 9],
      [2, 3, 6, 7],
    ];
    const gain = joint.selection(unseen, seen).mmul(pseudoInverse(joint.selection(seen, seen)));
    const deviations = Matrix.columnVector(seen.map((q) => heldOut[0]![q]! - model.mean[q]!));
    const expected = gain
      .mmul(deviations)
      .to1DArray()
      .map((value, i) => value + model.mean[unseen[i]!]!);
    expect(missing).toEqual([1, 3]);
    expectClose(
      unseen.map((q) => shape[q]!),
      expected,
      1e-10,
    );
    const spread = Matrix.sub(joint.selection(unseen, unseen), gain.mmul(joint.selection(seen, unseen)));
    for (const [p, row] of covariance.entries()) expectClose(row, spread.getRow(p), 1e-9);
    for (const q of seen) expect(shape[q]).toBe(heldOut[0]![q]);
  });

  it("beats filling with the mean on shapes the model has not seen", () => {
    let [filled, mean] = [0, 0];
    for (const shape of heldOut) {
      filled += error(fillMissing(model, shape, visible).shape, shape);
      mean += error(
        shape.map((value, q) => (visible[q >> 1] ? value : model.mean[q]!)),
        shape,
      );
    }
    expect(filled).toBeLessThan(0.05 * mean);
  });

  (folder ? it : it.skip)("beats filling with the mean on real faces, half of each hidden", () => {
    const faces = JSON.parse(readFileSync(`${folder}/afw-337.shapes.json`, "utf8")).shapes as number[][];
    const fitted = PointModel.fit(faces.slice(0, 250));
    let [filled, mean] = [0, 0];
    for (const shape of faces.slice(250, 256)) {
      const half = Array.from({ length: 68 }, (_, k) => k % 2 === 0);
      filled += error(fillMissing(fitted, shape, half).shape, shape);
      mean += error(
        shape.map((value, q) => (half[q >> 1] ? value : fitted.mean[q]!)),
        shape,
      );
    }
    expect(filled).toBeLessThan(0.1 * mean);
  });

  it("does not read hidden coordinates, gives the mean from nothing and the shape from everything", () => {
    const broken = heldOut[0]!.map((value, q) => (visible[q >> 1] ? value : Number.NaN));
    expect(fillMissing(model, broken, visible).shape).toEqual(fillMissing(model, heldOut[0]!, visible).shape);
    expect(fillMissing(model, broken, [0, 0, 0, 0, 0]).shape).toEqual(model.mean);
    expect(fillMissing(model, heldOut[0]!, [1, 1, 1, 1, 1])).toEqual({
      shape: Float64Array.from(heldOut[0]!),
      missing: [],
      covariance: [],
    });
    const blind = fillMissing(model, heldOut[0]!, visible, { modes: 0, noiseVariance: 2 });
    expect(blind.shape[2]).toBe(model.mean[2]);
    expect([...blind.covariance[0]!]).toEqual([2, 0, 0, 0]);
  });

  it("finds the pose from what is visible, and turns the covariance with it", () => {
    const aligned = PointModel.fit(shapes.slice(0, 100), { align: "procrustes" });
    const options = { modes: 2, align: "similarity" } as const;
    const pose = { scale: 40, rotationRadians: 0.8, translation: [120, -30] as const };
    const [upright, turned] = [heldOut[2]!, applySimilarity(pose, heldOut[2]!)].map((shape) =>
      fillMissing(aligned, shape, visible, options),
    );
    expectClose(turned!.shape, [...applySimilarity(pose, upright!.shape)], 1e-8);
    for (const q of [0, 1, 4, 5, 8, 9]) expect(turned!.shape[q]).toBe(applySimilarity(pose, heldOut[2]!)[q]);
    // A joint matrix J = diag(R, R) · scale by hand.
    const [cos, sin] = [40 * Math.cos(0.8), 40 * Math.sin(0.8)];
    const jacobian = new Matrix([
      [cos, -sin, 0, 0],
      [sin, cos, 0, 0],
      [0, 0, cos, -sin],
      [0, 0, sin, cos],
    ]);
    const expected = jacobian.mmul(new Matrix(upright!.covariance.map((row) => [...row]))).mmul(jacobian.transpose());
    turned!.covariance.forEach((row, p) => {
      expectClose(row, expected.getRow(p), 1e-7);
    });
    let [filled, mean] = [0, 0];
    for (const shape of heldOut) {
      filled += error(fillMissing(aligned, shape, visible, options).shape, shape);
      mean += error(fillMissing(aligned, shape, visible, { ...options, modes: 0 }).shape, shape);
    }
    expect(filled).toBeLessThan(0.5 * mean);
  });

  it.each([
    [
      () => fillMissing(model, heldOut[0]!, [0, 0, 1, 0, 0], { align: "similarity" }),
      "visible must show at least 2 landmarks to find the pose; got 1",
    ],
    [
      () => fillMissing(model, heldOut[0]!, visible, { align: "rigid" as never }),
      'align must be "none" or "similarity"',
    ],
    [() => fillMissing(model, [1, 2], visible), "shape must have 10 numbers; got 2"],
    [() => fillMissing(model, heldOut[0]!, [1, 0]), "visible must have 5 flags; got 2"],
    [
      () => fillMissing(model, heldOut[0]!.with(0, Number.NaN), visible),
      "shape[0] is visible and must be finite; got NaN",
    ],
    [() => fillMissing(model, heldOut[0]!, visible, { modes: 12 }), "modes must be an integer from 0 to 10; got 12"],
    [() => fillMissing(model, heldOut[0]!, visible, { noiseVariance: 0 }), "noiseVariance must be > 0; got 0"],
    [() => fillMissing(model, heldOut[0]!, visible, { noise: 1 } as never), 'unknown option "noise"'],
  ])("throws a clear error (%#)", (run, message) => {
    expect(run).toThrow(message);
  });
});
