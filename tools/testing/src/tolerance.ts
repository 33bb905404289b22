/** The one table of tolerances: relative to the largest value compared. */
export const tolerance = {
  /** float64 against an independent float64 implementation. */
  float64: 1e-6,
  /** float32 tensors against float64 references. */
  float32: 1e-4,
} as const;
