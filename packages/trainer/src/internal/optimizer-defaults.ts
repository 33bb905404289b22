/** Values that each optimizer knows, with their defaults; others are refused. */
const DEFAULTS = {
  adam: { beta1: 0.9, beta2: 0.999, epsilon: 1e-7, weightDecay: 0 },
  adamw: { beta1: 0.9, beta2: 0.999, epsilon: 1e-7, weightDecay: 0.01 },
  sgd: { momentum: 0.9, nesterov: false, weightDecay: 0 },
  rmsprop: { rho: 0.9, momentum: 0, epsilon: 1e-7, weightDecay: 0 },
} as const;

/** Names that `createOptimizer` knows. */
export type OptimizerName = keyof typeof DEFAULTS;
export const OPTIMIZER_NAMES = Object.keys(DEFAULTS) as OptimizerName[];

/** Numbers and flags of an optimizer. */
export interface OptimizerValues {
  beta1?: number;
  beta2?: number;
  epsilon?: number;
  momentum?: number;
  nesterov?: boolean;
  rho?: number;
  weightDecay?: number;
  clipNorm?: number;
}

/** The defaults of an optimizer. */
export const optimizerDefaults = (name: OptimizerName): OptimizerValues => ({ ...DEFAULTS[name] });

/** Fields that an optimizer does not know. */
export const foreignOptimizerFields = (name: OptimizerName, options: object): string[] =>
  Object.entries(options)
    .filter(
      ([key, value]) =>
        value !== undefined && !["name", "learningRate", "clipNorm"].includes(key) && !(key in DEFAULTS[name]),
    )
    .map(([key]) => key);
