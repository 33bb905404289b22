import { expandSweep, parseSweepPlan } from "./sweep-plan.js";

it("expandSweep(plan) crosses named trials, a grid and seeds, the first seed first", () => {
  const trials = expandSweep(
    parseSweepPlan({
      recipe: { epochs: 5, seed: 9 },
      trials: [
        { name: "acr 10", set: { loss: "acr", "lossOptions.scale": 10 } },
        { name: "l2", set: { loss: "l2" } },
      ],
      parameters: { batchSize: [4, 8] },
      seeds: [1, 2],
    }),
  );
  expect(trials).toHaveLength(8);
  expect(trials.slice(0, 3).map(({ id }) => id)).toEqual(["0000-acr_10-4-s1", "0001-acr_10-8-s1", "0002-l2-4-s1"]);
  expect(trials[0]!.recipe).toMatchObject({
    loss: "acr",
    lossOptions: { scale: 10 },
    batchSize: 4,
    epochs: 5,
    seed: 1,
  });
  expect(trials[4]!.recipe.seed).toBe(2);
  expect(new Set(trials.map(({ id }) => id)).size).toBe(8);
});

it("expandSweep of a random search draws within the ranges, the same each time", () => {
  const plan = parseSweepPlan({
    search: "random",
    count: 200,
    parameters: {
      learningRate: { min: 1e-4, max: 1e-2, scale: "log" },
      epochs: { min: 1, max: 5, integer: true },
      loss: ["l1", "l2"],
    },
  });
  const trials = expandSweep(plan);
  expect(trials).toEqual(expandSweep(plan));
  const rates = trials.map(({ recipe }) => recipe.learningRate);
  expect(Math.min(...rates)).toBeGreaterThanOrEqual(1e-4);
  expect(Math.max(...rates)).toBeLessThanOrEqual(1e-2);
  // Half of a log-uniform draw lies below the geometric mean.
  expect(rates.filter((rate) => rate < 1e-3).length).toBeGreaterThan(70);
  expect(rates.filter((rate) => rate < 1e-3).length).toBeLessThan(130);
  expect(new Set(trials.map(({ recipe }) => recipe.epochs))).toEqual(new Set([1, 2, 3, 4, 5]));
});

it.each([
  [{ parametres: {} }, "parametres: unknown field; did you mean parameters?"],
  [{ parameters: { epochs: { min: 1, max: 3 } } }, 'ranges are for search "random"'],
  [{ search: "random", parameters: { epochs: { min: 3, max: 1 } } }, "min must be < max"],
  [{ parameters: { seed: [1, 2] } }, "list the seeds under `seeds`"],
  [{ name: "a/b" }, "letters, digits"],
])("parseSweepPlan(%j) throws", (input, message) => {
  expect(() => parseSweepPlan(input)).toThrow(message);
});

it("expandSweep names every faulty trial at once", () => {
  const plan = parseSweepPlan({ parameters: { loss: ["l2", "arc", "wnig"] } });
  expect(() => expandSweep(plan)).toThrow(/trial arc: .*did you mean acr.*trial wnig: .*did you mean wing/);
});

it("parseSweepPlan(plan) refuses what would run twice and pass for two, and random draws are tried once", () => {
  expect(() =>
    parseSweepPlan({
      ...{ seeds: [1, 2, 1], parameters: { loss: ["l1", "l2", "l1"], epochs: [1, 2] } },
      trials: [{ name: "a" }, { name: "a", set: { epochs: 3 } }],
    }),
  ).toThrow("sweep plan: seeds, names of trials, loss: a value stands there twice.");
  const drawn = expandSweep(
    parseSweepPlan({ search: "random", count: 20, parameters: { loss: ["l1", "l2", "wing"] } }),
  );
  expect(drawn.map(({ name }) => name).sort()).toEqual(["l1", "l2", "wing"]);
  expect(drawn.map(({ index }) => index)).toEqual([0, 1, 2]);
});
