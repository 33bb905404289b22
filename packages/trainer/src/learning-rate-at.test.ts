import { learningRateAt } from "./learning-rate-at.js";
import { parseRecipe, type RecipeInput } from "./recipe.js";

const rate = (learningRateSchedule: RecipeInput["learningRateSchedule"], position: object) =>
  learningRateAt(parseRecipe({ learningRate: 0.01, learningRateSchedule }), {
    step: 0,
    totalSteps: 100,
    epoch: 0,
    ...position,
  });
const history = (...values: number[]) => ({ history: values.map((nmePercent) => ({ nmePercent })) });

it("learningRateAt of constant never changes", () => {
  expect(rate({ name: "constant" }, { step: 99, epoch: 9 })).toBe(0.01);
});

it("learningRateAt of time-decay is Keras' lr / (1 + decay · step)", () => {
  expect(rate({ name: "time-decay", decay: 0.1 }, { step: 0 })).toBe(0.01);
  expect(rate({ name: "time-decay", decay: 0.1 }, { step: 10 })).toBeCloseTo(0.005, 12);
});

it("learningRateAt of cosine warms up from 0 and ends at finalFraction", () => {
  const schedule = { name: "cosine", warmupSteps: 10, finalFraction: 0.1 } as const;
  expect(rate(schedule, { step: 0 })).toBe(0);
  expect(rate(schedule, { step: 50 })).toBeCloseTo(0.01 * (0.1 + 0.9 * 0.5), 12);
  expect(rate(schedule, { step: 100 })).toBeCloseTo(0.001, 12);
  expect(rate(schedule, { step: 1000 })).toBeCloseTo(0.001, 12);
});

it("learningRateAt of step drops at each milestone, not before", () => {
  const schedule = { name: "step" as const, milestones: [3, 5], factor: 0.1 };
  const rates = [2, 3, 4, 5, 6].map((epoch) => rate(schedule, { epoch }));
  [0.01, 0.001, 0.001, 0.0001, 0.0001].forEach((expected, i) => {
    expect(rates[i]).toBeCloseTo(expected, 12);
  });
});

it("learningRateAt of plateau drops after `patience` epochs without a better NME, down to minFraction", () => {
  const schedule = { name: "plateau", factor: 0.5, patience: 2, minFraction: 0.25 } as const;
  expect(rate(schedule, history())).toBe(0.01);
  expect(rate(schedule, history(9, 8, 8))).toBe(0.01);
  expect(rate(schedule, history(9, 8, 8, 8))).toBe(0.005);
  expect(rate(schedule, history(9, 8, 8, 8, 7))).toBe(0.005);
  expect(rate(schedule, history(9, ...new Array(20).fill(9)))).toBe(0.0025);
  expect(rate({ ...schedule, minImprovement: 0.5 }, history(9, 8.8, 8.6))).toBe(0.005);
});
