import { InvalidArgumentError, ShapeError } from "@acr/core";
import { covarianceDivisor, decomposeCovariance } from "./decompose.js";
import type { PointModelFields } from "./point-model-fields.js";

/** The model of two sets of shapes from their models: means, weights and covariances add up. */
export function mergeFields(caller: string, first: PointModelFields, second: PointModelFields): PointModelFields {
  const length = first.mean.length;
  if (second.mean.length !== length) {
    throw new ShapeError(`${caller}: both must have ${length / 2} landmarks; got ${second.mean.length / 2}.`);
  }
  if (first.scheme !== second.scheme) {
    throw new InvalidArgumentError(
      `${caller}: both must have the scheme ${first.scheme ?? "(unknown)"}; got ${second.scheme ?? "(unknown)"}.`,
    );
  }
  for (const model of [first, second]) {
    if (model.align === "procrustes")
      throw new InvalidArgumentError(
        `${caller}: models must be fitted without align: "procrustes", which gives each a frame of its own. Align all shapes together.`,
      );
    if (model.modes.length < Math.min(model.sampleCount - 1, length))
      throw new InvalidArgumentError(
        `${caller}: models must hold all their modes; got ${model.modes.length}. Fit without maxModes.`,
      );
  }
  const weightSums = [0, 1].map((i) => first.weightSums[i]! + second.weightSums[i]!) as [number, number];
  const divisor = covarianceDivisor(weightSums);
  const covariance = new Float64Array(length * length);
  const addOuter = (vector: Float64Array, weight: number) => {
    for (let p = 0; p < length; p++) {
      const value = (weight * vector[p]!) / divisor;
      for (let q = 0; q < length; q++) covariance[p * length + q]! += value * vector[q]!;
    }
  };
  for (const model of [first, second]) {
    const own = covarianceDivisor(model.weightSums);
    for (const [i, mode] of model.modes.entries()) addOuter(mode, model.eigenvalues[i]! * own);
  }
  const apart = first.mean.map((value, q) => second.mean[q]! - value);
  const share = second.weightSums[0] / weightSums[0];
  addOuter(apart, first.weightSums[0] * share);
  return decomposeCovariance(covariance, {
    caller,
    mean: first.mean.map((value, q) => value + apart[q]! * share),
    sampleCount: first.sampleCount + second.sampleCount,
    weightSums,
    scheme: first.scheme,
    align: "none",
    maxModes: Number.POSITIVE_INFINITY,
  });
}
