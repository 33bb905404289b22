/** A `PointModel` as JSON. */
export interface PointModelJson {
  formatVersion: 1;
  mean: number[];
  /** Variances, largest first. */
  eigenvalues: number[];
  /** One row a mode. */
  modes: number[][];
  totalVariance: number;
  sampleCount: number;
  /** Absent: all weights were 1. */
  weightSums?: [number, number];
  /** Id of the landmark scheme; absent: unknown. */
  scheme?: string;
  /** Absent: the shapes were taken as they came. */
  align?: "procrustes";
}
