/** What a point model holds; see `PointModel` for each. */
export interface PointModelFields {
  mean: Float64Array;
  eigenvalues: Float64Array;
  modes: readonly Float64Array[];
  totalVariance: number;
  sampleCount: number;
  weightSums: readonly [number, number];
  scheme: string | undefined;
  align: "none" | "procrustes";
}
