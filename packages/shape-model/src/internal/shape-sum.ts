import { InvalidArgumentError, type LandmarkScheme, ShapeError } from "@acr/core";
import { checkShape } from "./check-shape.js";
import { CovarianceSum } from "./covariance-sum.js";
import { covarianceDivisor, decomposeCovariance, decomposeRows } from "./decompose.js";
import type { PointModelFields } from "./point-model-fields.js";

/** Many more shapes than coordinates make the covariance far cheaper than their own decomposition. */
const COVARIANCE_FROM = 4;

/** Takes shapes one by one and ends as the fields of a point model. */
export class ShapeSum {
  count = 0;
  private length = 0;
  private weightSum = 0;
  private squaredWeightSum = 0;
  private rows: { shape: Float64Array; weight: number }[] = [];
  private covarianceSum: CovarianceSum | undefined;

  constructor(
    private readonly caller: string,
    private readonly scheme: LandmarkScheme | undefined,
  ) {}

  add(shape: ArrayLike<number>, weight = 1): void {
    const { caller, count, scheme } = this;
    if (count === 0) {
      const length = shape?.length ?? 0;
      if (length === 0 || length % 2 !== 0)
        throw new ShapeError(`${caller}: shapes must hold 2K numbers; got ${shape?.length ?? "none"}.`);
      if (scheme && length !== 2 * scheme.landmarkCount)
        throw new ShapeError(
          `${caller}: shapes of ${scheme.id} must hold ${2 * scheme.landmarkCount} numbers; got ${length}.`,
        );
      this.length = length;
    }
    checkShape(caller, `shape ${count}`, shape, this.length);
    if (!(weight > 0 && Number.isFinite(weight)))
      throw new InvalidArgumentError(`${caller}: the weight of shape ${count} must be > 0; got ${weight}.`);
    this.count++;
    this.weightSum += weight;
    this.squaredWeightSum += weight * weight;
    if (this.covarianceSum) {
      this.covarianceSum.add(shape, weight);
      return;
    }
    this.rows.push({ shape: Float64Array.from(shape), weight });
    if (this.rows.length < COVARIANCE_FROM * this.length) return;
    this.covarianceSum = new CovarianceSum(this.meanOfRows());
    for (const row of this.rows.splice(0)) this.covarianceSum.add(row.shape, row.weight);
  }

  finish({ maxModes, align }: { maxModes: number; align: PointModelFields["align"] }): PointModelFields {
    const { caller, count, covarianceSum, rows } = this;
    if (count < 2) throw new InvalidArgumentError(`${caller}: shapes must hold at least 2; got ${count}.`);
    const weightSums = [this.weightSum, this.squaredWeightSum] as const;
    const besides = { caller, sampleCount: count, weightSums, scheme: this.scheme?.id, align, maxModes };
    if (covarianceSum) {
      const covariance = covarianceSum.covariance(covarianceDivisor(weightSums));
      return decomposeCovariance(covariance, { ...besides, mean: covarianceSum.mean() });
    }
    const mean = this.meanOfRows();
    const centered = rows.map(({ shape, weight }) => {
      const root = Math.sqrt(weight);
      return shape.map((value, q) => root * (value - mean[q]!));
    });
    return decomposeRows(centered, { ...besides, mean });
  }
  private meanOfRows(): Float64Array {
    const sum = this.rows.reduce((total, { weight }) => total + weight, 0);
    const mean = new Float64Array(this.length);
    for (const { shape, weight } of this.rows)
      for (let q = 0; q < mean.length; q++) mean[q]! += (weight / sum) * shape[q]!;
    return mean;
  }
}
