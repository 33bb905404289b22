/** Activations that run inside the batch normalisation kernel. */
export type FusedActivation = "linear" | "relu" | "relu6";

/** Their numbers in assembly/batch-norm.ts. */
export const ACTIVATION_CODES: Record<FusedActivation, number> = { linear: 0, relu: 1, relu6: 2 };
