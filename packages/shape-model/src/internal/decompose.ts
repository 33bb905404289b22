import { InvalidArgumentError } from "@acr/core";
import { Matrix } from "ml-matrix";
import { PCA } from "ml-pca";
import type { PointModelFields } from "./point-model-fields.js";

/** A face is taken to equal its smooth face when no coordinate differs by more than this share of the face's size. */
export const SAME = 1e-12;

/** What a decomposition does not know. */
export interface FieldsBesides extends Omit<PointModelFields, "eigenvalues" | "modes" | "totalVariance"> {
  /** Named in errors. */
  caller: string;
  maxModes: number;
}

/** Σw − Σw²/Σw: what makes a weighted covariance unbiased; n − 1 where all weights are equal. */
export const covarianceDivisor = ([sum, squares]: readonly [number, number]) => sum - squares / sum;

/** Modes of a 2K × 2K covariance matrix, by its eigenvectors. */
export function decomposeCovariance(covariance: Float64Array, besides: FieldsBesides): PointModelFields {
  const length = besides.mean.length;
  checkFinite(besides.caller, covariance);
  const pca = new PCA(Matrix.from1DArray(length, length, covariance), { isCovarianceMatrix: true });
  return fieldsOf(pca, 1, besides);
}

/** Modes of centred rows, each already multiplied by the root of its weight, by singular values: no precision is lost to squaring. */
export function decomposeRows(rows: readonly Float64Array[], besides: FieldsBesides): PointModelFields {
  for (const row of rows) checkFinite(besides.caller, row, Math.sqrt(Number.MAX_VALUE / rows.length));
  const pca = new PCA(rows as unknown as number[][], { method: "SVD", center: false, scale: false });
  return fieldsOf(pca, (rows.length - 1) / covarianceDivisor(besides.weightSums), besides);
}

function checkFinite(caller: string, values: Float64Array, limit = Number.MAX_VALUE): void {
  if (!values.every((value) => Math.abs(value) <= limit))
    throw new InvalidArgumentError(`${caller}: the variance overflows; expected coordinates of a sensible size.`);
}

function fieldsOf(pca: PCA, factor: number, { caller, maxModes, ...rest }: FieldsBesides): PointModelFields {
  const { mean, sampleCount } = rest;
  const variances = pca.getEigenvalues().map((value) => factor * Math.max(0, value));
  const totalVariance = variances.reduce((sum, value) => sum + value, 0);
  const size = mean.reduce((largest, value) => Math.max(largest, Math.abs(value)), 0);
  // Identical shapes leave rounding of the mean, not variance.
  if (!(totalVariance > (SAME * size) ** 2))
    throw new InvalidArgumentError(`${caller}: the shapes are all the same; expected some variance.`);
  const vectors = pca.getEigenvectors();
  const count = Math.min(sampleCount - 1, mean.length, maxModes);
  return {
    ...rest,
    eigenvalues: Float64Array.from(variances.slice(0, count)),
    modes: Array.from({ length: count }, (_, i) => Float64Array.from(vectors.getColumn(i))),
    totalVariance,
  };
}
