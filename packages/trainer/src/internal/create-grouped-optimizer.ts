import { tidy } from "@tensorflow/tfjs-core";
import {
  createOptimizer,
  type OptimizerOptions,
  type OptimizerState,
  type TrainingOptimizer,
} from "../create-optimizer.js";
import { clipByGlobalNorm } from "./clip-by-global-norm.js";

/**
 * An optimizer whose variables learn at multiples of the learning rate: one optimizer for each multiple, with one state and one norm
 * of the gradient over all.
 *
 * @param scales - by the variable's name. Where all are 1, it is the plain optimizer.
 */
export function createGroupedOptimizer(options: OptimizerOptions, scales: Map<string, number>): TrainingOptimizer {
  const distinct = [...new Set(scales.values())];
  if (distinct.every((scale) => scale === 1)) return createOptimizer(options);
  const { clipNorm, ...rest } = options;
  const { learningRate: usual = 1e-3 } = options;
  const groups = distinct.map((scale) => ({ scale, optimizer: createOptimizer(rest as OptimizerOptions) }));
  const scaleOf = (name: string) => scales.get(name) ?? 1;
  const partOf = <T>(values: Record<string, T>, scale: number) =>
    Object.fromEntries(Object.entries(values).filter(([name]) => scaleOf(name) === scale));
  return {
    applyGradients(grads, { learningRate = usual } = {}) {
      tidy(() => {
        const clipped = clipNorm === undefined ? grads : clipByGlobalNorm(grads, clipNorm);
        for (const { scale, optimizer } of groups)
          optimizer.applyGradients(partOf(clipped, scale), { learningRate: learningRate * scale });
      });
    },
    getState() {
      return together(groups.map(({ optimizer }) => optimizer.getState()));
    },
    async readState() {
      const states = await Promise.all(groups.map(({ optimizer }) => optimizer.readState()));
      return together(states);
    },
    setState({ step, slots }) {
      for (const { scale, optimizer } of groups) optimizer.setState({ step, slots: partOf(slots, scale) });
    },
    dispose() {
      for (const { optimizer } of groups) optimizer.dispose();
    },
  };
}

const together = (states: OptimizerState[]): OptimizerState => ({
  step: states[0]!.step,
  slots: Object.assign({}, ...states.map(({ slots }) => slots)) as OptimizerState["slots"],
});
