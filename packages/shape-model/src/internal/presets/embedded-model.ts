/** A point model as text. */
export interface EmbeddedModel {
  scheme: string;
  sampleCount: number;
  totalVariance: number;
  landmarkCount: number;
  modeCount: number;
  /** Mean, eigenvalues, then modes, row by row: little-endian float32 in base64. */
  float32: string;
}
